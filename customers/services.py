"""Every write to a customer, with its validation. One call is one transaction; an invalid one raises ServiceError.

Callers pass values that have the types of the columns and fit into them. The module `validation` checks the rest.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import cache, partial
from typing import Any, cast

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.utils import timezone

from customers import changes as person_changes
from customers import history, insertion, validation
from customers.changes import compared
from customers.core.computed import ComputedField
from customers.core.postgres import bulk_insert
from customers.insertion import Inserted, NewCustomer
from customers.limits import MAX_ADDRESSES
from customers.metadata import services as definitions
from customers.models import Address, Event, Note, User, UserType
from customers.phone_numbers import clean_phone_number
from oauth.accounts import passwords
from oauth.actor import Actor
from oauth.errors import ServiceError

DEFAULT_FLAGS = ("is_default_for_shipping", "is_default_for_billing")
FILLED_FROM_FIRST_ADDRESS = ("first_name", "last_name")
FILLED_FROM_ANY_ADDRESS = ("phone_number",)
CLEANERS: dict[str, Callable[[Any], Any]] = {
    "email": validation.clean_email,
    "first_name": validation.clean_name,
    "last_name": partial(validation.clean_name, field="last_name"),
    "user_agent": validation.clean_user_agent,
    "tags": validation.clean_tags,
    "block_reason": validation.clean_block_reason,
    "blocked_until": validation.clean_block_end,
    "metadata": validation.clean_metadata,
}

# Called with the locked object, before anything is changed. An exception that it raises stops the change.
Precondition = Callable[[Any], None]

NOTE_EDITABLE_FOR = timedelta(minutes=5)
TIMESTAMP_FIELDS = ("created_at", "updated_at")
ADDRESS_FIELDS = [
    field.name for field in Address._meta.concrete_fields if field.name not in ("id", "user", "created_at")
]


class TooManyAddresses(ServiceError):
    code = "too_many_addresses"

    def __init__(self):
        super().__init__(f"A customer has at most {MAX_ADDRESSES} addresses.", "addresses")


def create_user(*, by: Actor, **fields: Any) -> User:
    """As `insert_user`. The `addresses` of the result are loaded."""
    return insert_user(by=by, **fields).to_user()


def insert_user(
    *, by: Actor, addresses: Iterable[Mapping[str, Any]] = (), password: str | None = None, **fields: Any
) -> Inserted:
    """Creates a lead with addresses; a password makes an account.

    Raises EmailTaken, or ServiceError with a path such as ("addresses", 0, "country").
    """
    addresses = list(addresses)
    hashed = {"password": make_password(password)} if password else {}
    # PostgreSQL's INSERT checks that the remembered definitions are still the current ones, so nothing is read for it.
    bound: definitions.Bindings = {}
    if fields.get("metadata"):
        bound = definitions.remembered_bindings() if insertion.takes_statement() else definitions.bindings()
    while True:
        try:
            customer = prepare_user(addresses, fields, bound)
            customer.person.update(hashed)
            if customer.person.get("is_blocked"):
                customer.person.update(person_changes.new_block(by))
            return insertion.insert_user(customer, by, bound)
        except ServiceError:
            # Repeated with the current definitions, if those that were remembered are out of date.
            if not fields.get("metadata") or bound == (bound := definitions.bindings()):
                raise


def prepare_user(
    addresses: Iterable[Mapping[str, Any]],
    fields: Mapping[str, Any],
    bound: definitions.Bindings | None = None,
) -> NewCustomer:
    """Validates a new person and their addresses; writes nothing. Raises ServiceError.

    `bound`: the definitions of metadata (see `definitions.bindings`), if they are loaded already.
    """
    clean_addresses = _clean_addresses(addresses)
    first = clean_addresses[0] if clean_addresses else None
    person = clean_person(fields, country=first["country"] if first else None)
    if person.get("metadata"):
        person["metadata"] = definitions.clean_metadata(person["metadata"], bound=bound)
    return NewCustomer(person | fields_from_addresses(clean_addresses, person), clean_addresses)


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
    """Changes the given fields; `updated_at` moves only if a value differs. A password makes an account; an empty one
    changes nothing. `metadata_changes` are merged into the metadata as `validation.merged_metadata` does.

    Raises User.DoesNotExist, EmailTaken, EmailFixed, StaffFixed, ServiceError, and what `precondition` raises.
    """
    if password:
        changes["password"] = make_password(password)  # slow, so before the row is locked
    user = person_changes.locked(user_id)
    if precondition:
        precondition(user)
    if metadata_changes is not None:
        changes["metadata"] = validation.merged_metadata(user.metadata, metadata_changes)
    values = clean_changes(user, changes, by=by)
    save_changes(user, values, by)
    if password:
        passwords.announce_change(user, by=by)
    return user


def clean_changes(user: User, changes: Mapping[str, Any], *, by: Actor) -> dict[str, Any]:
    """The valid values of an update of `user`, who is locked. Raises EmailFixed, StaffFixed, ServiceError."""
    changes = dict(changes)
    email = changes.get("email")
    if email and user.user_type == UserType.DASHBOARD and email != user.email:
        raise validation.EmailFixed
    refuse_staff(user, by)
    country = None
    if changes.get("phone_number") == user.phone_number:
        changes.pop("phone_number", None)  # it may be older than the rules
    if changes.get("phone_number"):
        country = user.addresses.order_by("id").values_list("country", flat=True).first()
    values = clean_person(changes, country=country)
    if values.get("metadata"):
        values["metadata"] = definitions.clean_metadata(values["metadata"], user.metadata)
    return values


@transaction.atomic
def add_address(user_id: int, *, by: Actor, **fields: Any) -> Address:
    """Adds an address. It fills an empty phone number. The first one becomes the default for both, and fills an empty
    name, too.

    Raises User.DoesNotExist, ServiceError.
    """
    user = person_changes.locked(user_id)
    refuse_staff(user, by)
    address = Address(user=user, **validation.clean_address(fields))
    count = user.addresses.count()
    if count >= MAX_ADDRESSES:
        raise TooManyAddresses
    is_first = not count
    if is_first:
        for flag in DEFAULT_FLAGS:
            setattr(address, flag, True)
    save_changes(user, _fields_from_address(vars(address), vars(user), is_first=is_first), by)
    _unset_other_defaults(address)
    address.save(force_insert=True)
    history.record([history.event(user.pk, Event.Kind.ADDRESS_ADDED, by, compared({}, _as_dict(address)))])
    return address


@transaction.atomic
def update_address(
    user_id: int, address_id: int, *, by: Actor, precondition: Precondition | None = None, **changes: Any
) -> Address:
    """Fills an empty phone number of the person, too.

    Raises User.DoesNotExist, Address.DoesNotExist, ServiceError, and what `precondition` raises.
    """
    user = person_changes.locked(user_id)
    refuse_staff(user, by)
    address = user.addresses.get(pk=address_id)
    if precondition:
        precondition(address)
    former = _as_dict(address)
    if changes.get("phone_number") == address.phone_number:
        changes.pop("phone_number", None)  # it may be older than the rules
    for name, value in validation.clean_address(changes, country=address.country).items():
        setattr(address, name, value)
    _unset_other_defaults(address)
    if differences := compared(former, _as_dict(address)):
        save_changes(user, _fields_from_address(vars(address), vars(user), is_first=False), by)
        address.updated_at = timezone.now()
        address.save()
        history.record([history.event(user.pk, Event.Kind.ADDRESS_CHANGED, by, differences)])
    return address


@transaction.atomic
def delete_address(user_id: int, address_id: int, *, by: Actor) -> None:
    """The most recently added of the others becomes the default where this one was it.

    Raises User.DoesNotExist, Address.DoesNotExist.
    """
    user = person_changes.locked(user_id)
    refuse_staff(user, by)
    address = user.addresses.get(pk=address_id)
    events = [history.event(user.pk, Event.Kind.ADDRESS_DELETED, by, compared(_as_dict(address), {}))]
    flags = {flag: True for flag in DEFAULT_FLAGS if getattr(address, flag)}
    address.delete()
    if flags and (heir := user.addresses.order_by("pk").last()):
        former = _as_dict(heir)
        vars(heir).update(flags, updated_at=timezone.now())
        heir.save(update_fields=[*flags, "updated_at"])
        events.append(history.event(user.pk, Event.Kind.ADDRESS_CHANGED, by, compared(former, _as_dict(heir))))
    history.record(events)


def add_note(user_id: int, *, message: str, by: Actor) -> Note:
    """Raises User.DoesNotExist, StaffFixed."""
    user = User.objects.only("pk", "user_type").get(pk=user_id)
    refuse_staff(user, by)
    author = cast(int, by.user_id)  # the system writes no notes
    message = validation.clean_note(message)
    try:
        return Note.objects.create(user=user, message=message, author_id=author, app_id=by.app_id)
    except IntegrityError:  # meanwhile the customer was merged into another one
        raise User.DoesNotExist from None


@transaction.atomic
def edit_note(note_id: int, *, message: str, by: Actor) -> Note:
    """Raises Note.DoesNotExist, and NoteFixed unless `may_edit_note`."""
    note = Note.objects.select_for_update().get(pk=note_id)
    if not may_edit_note(note, by):
        raise validation.NoteFixed
    note.message = validation.clean_note(message)
    note.save(update_fields=["message", "updated_at"])
    return note


def may_edit_note(note: Note, by: Actor) -> bool:
    """The author may edit a note for five minutes."""
    return note.author_id == by.user_id and timezone.now() < note.created_at + NOTE_EDITABLE_FOR


@transaction.atomic
def change_users(user_ids: Iterable[int], *, by: Actor, values: Callable[[User], Mapping[str, Any]]) -> set[int]:
    """Locks these people, calls `values` for each, and saves what it returns: valid values by field.

    A new email has to be free. Returns the ids of the people who changed.
    """
    changed, names, events = [], {"updated_at"}, []
    consent_text = cache(history.consent_text)
    for user in User.objects.select_for_update().filter(pk__in=user_ids).order_by("pk"):
        if differences := person_changes.assign(user, values(user), by):
            changed.append(user)
            names |= differences.keys()
            events += person_changes.events(user, differences, by, consent_text)
    if "tags" in names:
        insertion.remember_tags(tag for user in changed for tag in user.tags)
    User.objects.bulk_update(changed, names)
    history.record(events)
    return {user.pk for user in changed}


@transaction.atomic
def add_users(users: list[User], addresses: list[Address], *, by: Actor) -> None:
    """Inserts people and addresses with valid values, who bring their ids. Raises IntegrityError if an id or an email
    is taken."""
    bulk_insert(User, users)
    bulk_insert(Address, addresses)
    insertion.remember_tags(tag for user in users for tag in user.tags)
    history.record(history.event(user.pk, Event.Kind.CREATED, by) for user in users)


@transaction.atomic
def replace_addresses(former: Iterable[Address], latter: Iterable[Address], *, by: Actor) -> set[int]:
    """Replaces all addresses of some people, who are locked. `latter` have ids and valid values.

    Returns the ids of the people whose addresses changed.
    """
    old, new = ({address.pk: address for address in each} for each in (former, latter))
    added = [address for id, address in new.items() if id not in old]
    deleted = [address for id, address in old.items() if id not in new]
    events = [(Event.Kind.ADDRESS_ADDED, each, compared({}, _as_dict(each))) for each in added]
    events += [(Event.Kind.ADDRESS_DELETED, each, compared(_as_dict(each), {})) for each in deleted]
    changed = []
    for id in old.keys() & new.keys():
        if differences := compared(_as_dict(old[id]), _as_dict(new[id])):
            changed.append(new[id])
            events.append((Event.Kind.ADDRESS_CHANGED, new[id], differences))
    Address.objects.filter(pk__in=[each.pk for each in deleted]).delete()
    # The default may pass from one address to another, and the database never allows two.
    Address.objects.filter(pk__in=[each.pk for each in changed]).update(**dict.fromkeys(DEFAULT_FLAGS, False))
    Address.objects.bulk_update(changed, ADDRESS_FIELDS)
    Address.objects.bulk_create(added)
    history.record(history.event(each.user_id, kind, by, differences) for kind, each, differences in events)
    return {each.user_id for _, each, _ in events}


def save_changes(user: User, values: Mapping[str, Any], by: Actor, also: Sequence[Event] = ()) -> None:
    """Saves the values that differ to a locked user, and records them. The values are valid. Raises EmailTaken.

    `also`: events to record together with them, in any case.
    """
    differences = person_changes.assign(user, values, by)
    if not differences:
        history.record(also)
        return
    if "tags" in differences:
        insertion.remember_tags(user.tags)
    events = [*person_changes.events(user, differences, by), *also]
    notify_webhooks = bool(also) or person_changes.are_visible_to_apps(differences)
    person_changes.save(user, differences, events, notify_webhooks=notify_webhooks)


@transaction.atomic
def restore_user(user: User, *, by: Actor) -> None:
    """Inserts a person again, who was merged into another one. Raises EmailTaken."""
    with person_changes.refusing_taken_email(savepoint=True):
        user.save(force_insert=True)
    history.record([history.event(user.pk, Event.Kind.RESTORED, by)])


def refuse_staff(user: User, by: Actor) -> None:
    """Raises StaffFixed for a member of staff, where an app makes the change."""
    if by.app_id and user.user_type == UserType.DASHBOARD:
        raise validation.StaffFixed


def _as_dict(address: Address) -> dict[str, Any]:
    """All fields but the owner, the timestamps and those that are computed."""
    return {
        field.name: getattr(address, field.name)
        for field in address._meta.fields
        if field.name not in ("user", *TIMESTAMP_FIELDS) and not isinstance(field, ComputedField)
    }


def clean_person(fields: Mapping[str, Any], *, country: str | None) -> dict[str, Any]:
    """The given fields of a person. `country` (ISO 3166): the country of a local phone number. Raises ServiceError."""
    cleaned = dict(fields)
    for name, clean in CLEANERS.items():
        if name in cleaned:
            cleaned[name] = clean(cleaned[name])
    if "phone_number" in cleaned:
        cleaned["phone_number"] = clean_phone_number(cleaned["phone_number"], country)
    return cleaned


def _clean_addresses(addresses: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The addresses of a new person. The last one with a default flag becomes that default, else the first address."""
    cleaned: list[dict[str, Any]] = []
    for position, fields in enumerate(addresses):
        if position == MAX_ADDRESSES:
            raise TooManyAddresses
        try:
            cleaned.append(validation.clean_address(fields))
        except ServiceError as error:
            raise error.within("addresses", position) from None
    for flag in DEFAULT_FLAGS:
        if len(cleaned) == 1:
            cleaned[0][flag] = True
            continue
        flagged = [address for address in cleaned if address.get(flag)]
        for address in cleaned:
            address[flag] = address is (flagged or cleaned[:1])[-1]
    return cleaned


def fields_from_addresses(addresses: Iterable[Mapping[str, Any]], person: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for position, address in enumerate(addresses):
        known = {**person, **values} if values else person
        values |= _fields_from_address(address, known, is_first=position == 0)
    return values


def _fields_from_address(address: Mapping[str, Any], person: Mapping[str, Any], *, is_first: bool) -> dict[str, Any]:
    """Values of an address for fields of the person that are empty."""
    names = FILLED_FROM_ANY_ADDRESS + (FILLED_FROM_FIRST_ADDRESS if is_first else ())
    empty = [name for name in names if not person.get(name)]
    return {name: CLEANERS.get(name, str)(value) for name in empty if (value := address.get(name))}


def _unset_other_defaults(address: Address) -> None:
    """A person has one default address for each purpose: this one replaces the former one."""
    for flag in DEFAULT_FLAGS:
        if getattr(address, flag):
            Address.objects.filter(user_id=address.user_id, **{flag: True}).exclude(pk=address.pk).update(
                **{flag: False}
            )
