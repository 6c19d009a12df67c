"""Every write to a customer, with its validation. One call is one transaction; a refused one raises CustomerError.

Values are expected in the types of the columns and within their lengths; `validation` says what is checked on top.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, cast

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.utils import timezone

from customers import history, insertion, validation
from customers.core.postgres import bulk_insert
from customers.insertion import NewCustomer
from customers.metadata import services as definitions
from customers.models import Address, Event, Note, User, UserType
from oauth.actor import Actor

DEFAULT_FLAGS = ("is_default_for_shipping", "is_default_for_billing")
FILLED_FROM_FIRST_ADDRESS = ("first_name", "last_name", "phone_number")
CLEANERS = {
    "email": validation.clean_email,
    "first_name": validation.clean_name,
    "last_name": validation.clean_name,
    "user_agent": validation.clean_user_agent,
    "tags": validation.clean_tags,
    "metadata": validation.clean_metadata,
}

# Called when the customer is locked, before anything is changed; raises what should stop the change.
Precondition = Callable[[], None]


NOTE_EDITABLE_FOR = timedelta(minutes=5)
# What follows from what an order system reports, or from the other changes.
COUNTERS = ("orders_count", "total_spent", "subscriptions_count")
MOMENTS = ("created_at", "updated_at")
ADDRESS_FIELDS = [
    field.name for field in Address._meta.concrete_fields if field.name not in ("id", "user", "created_at")
]


def create_user(
    *, by: Actor, addresses: Iterable[Mapping[str, Any]] = (), password: str | None = None, **fields: Any
) -> User:
    """A new lead, with addresses, and with an account if there is a password. The answer's `addresses` are loaded.

    Raises EmailTaken, or CustomerError with a path such as ("addresses", 0, "country").
    """
    customer = prepare_user(addresses, fields)
    if password:
        customer.person["password"] = make_password(password)
    return insertion.insert_user(customer, by)


def prepare_user(
    addresses: Iterable[Mapping[str, Any]],
    fields: Mapping[str, Any],
    bound: definitions.Bindings | None = None,
) -> NewCustomer:
    """Validates a new person and their addresses; writes nothing. Raises CustomerError.

    `bound`: the definitions of metadata (see `definitions.bindings`), if they are loaded already.
    """
    book = _clean_book(addresses)
    person = _clean_person(fields, country=book[0]["country"] if book else None)
    definitions.check_metadata(person.get("metadata"), bound=bound)
    return NewCustomer(person | (_filled_from(book[0], person) if book else {}), book)


@transaction.atomic
def update_user(
    user_id: int,
    *,
    by: Actor,
    precondition: Precondition | None = None,
    password: str | None = None,
    metadata_changes: Mapping[str, Any] | None = None,
    **changes: Any,
) -> User:
    """Changes the given fields; `updated_at` moves only where one became another value. A password makes an account;
    an empty one changes nothing. `metadata_changes` are put in as `validation.merged_metadata` does.

    Raises User.DoesNotExist, EmailTaken, EmailFixed, CustomerError, and what `precondition` raises.
    """
    if password:
        changes["password"] = make_password(password)  # before the row is locked: it takes its time
    user = _locked(user_id)
    if precondition:
        precondition()
    if metadata_changes is not None:
        changes["metadata"] = validation.merged_metadata(user.metadata, metadata_changes)
    email = changes.get("email")
    if email and user.user_type == UserType.DASHBOARD and email != user.email:
        raise validation.EmailFixed
    country = None
    if changes.get("phone_number"):
        country = user.addresses.order_by("id").values_list("country", flat=True).first()
    values = _clean_person(changes, country=country)
    definitions.check_metadata(values.get("metadata"), user.metadata)
    change(user, values, by)
    return user


@transaction.atomic
def add_address(user_id: int, *, by: Actor, **fields: Any) -> Address:
    """A further address; the first one becomes both defaults and fills an empty name or phone number.

    Raises User.DoesNotExist, CustomerError.
    """
    user = _locked(user_id)
    address = Address(user=user, **validation.clean_address(fields))
    if not user.addresses.exists():
        for flag in DEFAULT_FLAGS:
            setattr(address, flag, True)
        change(user, _filled_from(vars(address), vars(user)), by)
    _take_defaults(address)
    address.save(force_insert=True)
    record(user, Event.Kind.ADDRESS_ADDED, by, _differences({}, _plain(address)))
    return address


@transaction.atomic
def update_address(
    user_id: int, address_id: int, *, by: Actor, precondition: Precondition | None = None, **changes: Any
) -> Address:
    """Raises User.DoesNotExist, Address.DoesNotExist, CustomerError, and what `precondition` raises."""
    user = _locked(user_id)
    address = user.addresses.get(pk=address_id)
    if precondition:
        precondition()
    former = _plain(address)
    for name, value in validation.clean_address({"country": address.country, **changes}).items():
        setattr(address, name, value)
    _take_defaults(address)
    if differences := _differences(former, _plain(address)):
        address.updated_at = timezone.now()
        address.save()
        record(user, Event.Kind.ADDRESS_CHANGED, by, differences)
    return address


@transaction.atomic
def delete_address(user_id: int, address_id: int, *, by: Actor) -> None:
    """Raises User.DoesNotExist, Address.DoesNotExist."""
    user = _locked(user_id)
    address = user.addresses.get(pk=address_id)
    record(user, Event.Kind.ADDRESS_DELETED, by, _differences(_plain(address), {}))
    address.delete()


def add_note(user_id: int, *, message: str, by: Actor) -> Note:
    """Raises User.DoesNotExist."""
    user = User.objects.only("pk").get(pk=user_id)
    author = cast(int, by.user_id)  # the store itself writes no notes
    return Note.objects.create(user=user, message=message, author_id=author, app_id=by.app_id)


@transaction.atomic
def edit_note(note_id: int, *, message: str, by: Actor) -> Note:
    """Raises Note.DoesNotExist, and NoteFixed where `may_edit_note` says no."""
    note = Note.objects.select_for_update().get(pk=note_id)
    if not may_edit_note(note, by):
        raise validation.NoteFixed
    note.message = message
    note.save(update_fields=["message", "updated_at"])
    return note


def may_edit_note(note: Note, by: Actor) -> bool:
    """Its author may, for five minutes."""
    return note.author_id == by.user_id and timezone.now() < note.created_at + NOTE_EDITABLE_FOR


@transaction.atomic
def change_users(user_ids: Iterable[int], *, by: Actor, values: Callable[[User], Mapping[str, Any]]) -> set[int]:
    """Gives each of these people, locked, the clean values that `values` makes for them; emails among them have to be
    free. Returns the ids of whom it changed."""
    changed, names, events = [], {"updated_at"}, []
    for user in User.objects.select_for_update().filter(pk__in=user_ids).order_by("pk"):
        if differences := _assign(user, values(user)):
            changed.append(user)
            names |= differences.keys()
            events += _events(user, differences, by)
    if "tags" in names:
        insertion.remember_tags(tag for user in changed for tag in user.tags)
    User.objects.bulk_update(changed, names)
    history.record(events)
    return {user.pk for user in changed}


@transaction.atomic
def add_users(users: list[User], addresses: list[Address], *, by: Actor) -> None:
    """New people and their addresses, with ids of their own, and clean. Raises IntegrityError for what is taken."""
    bulk_insert(User, users)
    bulk_insert(Address, addresses)
    insertion.remember_tags(tag for user in users for tag in user.tags)
    history.record(history.event(user.pk, Event.Kind.CREATED, by) for user in users)


@transaction.atomic
def replace_addresses(former: Iterable[Address], latter: Iterable[Address], *, by: Actor) -> set[int]:
    """Of all addresses that some people, locked, have: makes what they are to be, clean and with ids. Returns the ids
    of the people whom it changed."""
    was, becomes = ({address.pk: address for address in each} for each in (former, latter))
    added = [address for id, address in becomes.items() if id not in was]
    gone = [address for id, address in was.items() if id not in becomes]
    happened = [(Event.Kind.ADDRESS_ADDED, each, _differences({}, _plain(each))) for each in added]
    happened += [(Event.Kind.ADDRESS_DELETED, each, _differences(_plain(each), {})) for each in gone]
    changed = []
    for id in was.keys() & becomes.keys():
        if differences := _differences(_plain(was[id]), _plain(becomes[id])):
            changed.append(becomes[id])
            happened.append((Event.Kind.ADDRESS_CHANGED, becomes[id], differences))
    Address.objects.filter(pk__in=[each.pk for each in gone]).delete()
    # One may take the place of another as the default: at no moment are there two.
    Address.objects.filter(pk__in=[each.pk for each in changed]).update(**dict.fromkeys(DEFAULT_FLAGS, False))
    Address.objects.bulk_update(changed, ADDRESS_FIELDS)
    Address.objects.bulk_create(added)
    history.record(history.event(each.user_id, kind, by, found) for kind, each, found in happened)
    return {each.user_id for _, each, _ in happened}


def change(user: User, values: Mapping[str, Any], by: Actor) -> None:
    """Saves the values that differ, clean as they are, to a locked user. Raises EmailTaken."""
    differences = _assign(user, values)
    if not differences:
        return
    if "tags" in differences:
        insertion.remember_tags(user.tags)
    try:
        with transaction.atomic():
            user.save(update_fields=[*differences, "updated_at"])
    except IntegrityError as error:
        if validation.is_email_conflict(error):
            raise validation.EmailTaken from None
        raise
    history.record(_events(user, differences, by))


def _assign(user: User, values: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Sets what differs, and `updated_at` with it. Returns each with its value before and after."""
    differences = {
        name: [getattr(user, name), value] for name, value in values.items() if not _is_same(getattr(user, name), value)
    }
    for name, (_, value) in differences.items():
        setattr(user, name, value)
    if differences:
        user.updated_at = timezone.now()
    return differences


def _events(user: User, differences: Mapping[str, list[Any]], by: Actor) -> list[Event]:
    """What the timeline tells of changed values. The counters follow from other entries."""
    told = {name: pair for name, pair in differences.items() if name not in COUNTERS}
    happened: list[tuple[Event.Kind, dict]] = []
    if told.pop("password", None):
        happened.append((Event.Kind.PASSWORD_CHANGED, {}))
    if blocked := told.pop("is_blocked", None):
        happened.append((Event.Kind.BLOCKED if blocked[1] else Event.Kind.UNBLOCKED, {}))
    if told:
        happened.append((Event.Kind.CHANGED, told))
    return [history.event(user.pk, kind, by, changes) for kind, changes in happened]


def record(user: User, kind: Event.Kind, by: Actor, changes: Mapping[str, Any] | None = None) -> None:
    """Puts into the timeline what was done to a person, within the transaction that does it, and tells webhooks."""
    history.record([history.event(user.pk, kind, by, changes)])


def _plain(address: Address) -> dict[str, Any]:
    return {
        field.name: getattr(address, field.name)
        for field in address._meta.fields
        if field.name not in ("user", *MOMENTS)
    }


def _differences(former: Mapping[str, Any], latter: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Of each field that has become another: before and after, None where there was or is no object."""
    pairs = {name: [former.get(name), latter.get(name)] for name in {**former, **latter}}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _is_same(former: Any, value: Any) -> bool:
    # To Python, true is 1: JSON is told apart by its text.
    return former == value and (not isinstance(value, dict) or json.dumps(former) == json.dumps(value))


def _locked(user_id: int) -> User:
    return User.objects.select_for_update().get(pk=user_id)


def _clean_person(fields: Mapping[str, Any], *, country: str | None) -> dict[str, Any]:
    """`country` (ISO 3166) is where a local phone number is taken to be."""
    cleaned = dict(fields)
    for name, clean in CLEANERS.items():
        if name in cleaned:
            cleaned[name] = clean(cleaned[name])
    if "phone_number" in cleaned:
        cleaned["phone_number"] = validation.clean_phone_number(cleaned["phone_number"], country)
    return cleaned


def _clean_book(addresses: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A new person's addresses: of those that ask to be a default the last one is, else the first address."""
    book = []
    for position, fields in enumerate(addresses):
        try:
            book.append(validation.clean_address(fields))
        except validation.CustomerError as error:
            raise error.within("addresses", position) from None
    for flag in DEFAULT_FLAGS:
        asking = [address for address in book if address.get(flag)]
        for address in book:
            address[flag] = address is (asking or book[:1])[-1]
    return book


def _filled_from(address: Mapping[str, Any], person: Mapping[str, Any]) -> dict[str, Any]:
    """What the person's first address tells of them and they have not told."""
    told = {name: address.get(name) for name in FILLED_FROM_FIRST_ADDRESS if not person.get(name)}
    return {name: CLEANERS.get(name, str)(value) for name, value in told.items() if value}


def _take_defaults(address: Address) -> None:
    """Only one address of a person is the default: a later one takes the flag from the former one."""
    for flag in DEFAULT_FLAGS:
        if getattr(address, flag):
            Address.objects.filter(user_id=address.user_id, **{flag: True}).exclude(pk=address.pk).update(
                **{flag: False}
            )
