"""Every write to a customer, with its rules. One call is one transaction; a refused one raises CustomerError.

Values are expected in the types of the columns and within their lengths; `rules` says what is checked on top.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from customers import rules, storage
from customers.models import Address, Note, User, UserType

DEFAULT_FLAGS = ("is_default_for_shipping", "is_default_for_billing")
FILLED_FROM_FIRST_ADDRESS = ("first_name", "last_name", "phone_number")
CLEANERS = {
    "email": rules.clean_email,
    "first_name": rules.clean_name,
    "last_name": rules.clean_name,
    "user_agent": rules.clean_user_agent,
    "tags": rules.clean_tags,
    "metadata": rules.clean_metadata,
}

# Called when the customer is locked, before anything is changed; raises what should stop the change.
Precondition = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who makes a change: a person and, unless it is made in the dashboard, the app they act through."""

    user_id: int
    app_id: int | None = None


def create_user(*, addresses: Iterable[Mapping[str, Any]] = (), **fields: Any) -> User:
    """A new lead, with addresses. The answer's `addresses` are loaded.

    Raises EmailTaken, or CustomerError with a path such as ("addresses", 0, "country").
    """
    book = _clean_book(addresses)
    fields = _clean_person(fields, country=book[0].country if book else None)
    user = User(**fields)
    if book:
        for name, value in _filled_from(book[0], user).items():
            setattr(user, name, value)
    storage.insert_user(user, book)
    return user


@transaction.atomic
def update_user(user_id: int, *, precondition: Precondition | None = None, **changes: Any) -> User:
    """Changes the given fields; `updated_at` moves only where one became another value.

    Raises User.DoesNotExist, EmailTaken, EmailFixed, CustomerError, and what `precondition` raises.
    """
    user = _locked(user_id)
    if precondition:
        precondition()
    email = changes.get("email")
    if email and user.user_type == UserType.DASHBOARD and email != user.email:
        raise rules.EmailFixed
    country = None
    if changes.get("phone_number"):
        country = user.addresses.order_by("id").values_list("country", flat=True).first()
    change(user, _clean_person(changes, country=country))
    return user


@transaction.atomic
def add_address(user_id: int, **fields: Any) -> Address:
    """A further address; the first one becomes both defaults and fills an empty name or phone number.

    Raises User.DoesNotExist, CustomerError.
    """
    user = _locked(user_id)
    address = Address(user=user, **rules.clean_address(fields))
    if not user.addresses.exists():
        for flag in DEFAULT_FLAGS:
            setattr(address, flag, True)
        change(user, _filled_from(address, user))
    _take_defaults(address)
    address.save(force_insert=True)
    return address


@transaction.atomic
def update_address(
    user_id: int, address_id: int, *, precondition: Precondition | None = None, **changes: Any
) -> Address:
    """Raises User.DoesNotExist, Address.DoesNotExist, CustomerError, and what `precondition` raises."""
    address = _locked(user_id).addresses.get(pk=address_id)
    if precondition:
        precondition()
    for name, value in rules.clean_address({"country": address.country, **changes}).items():
        setattr(address, name, value)
    _take_defaults(address)
    address.save()
    return address


@transaction.atomic
def delete_address(user_id: int, address_id: int) -> None:
    """Raises User.DoesNotExist, Address.DoesNotExist."""
    _locked(user_id).addresses.get(pk=address_id).delete()


def add_note(user_id: int, *, message: str, by: Actor) -> Note:
    """Raises User.DoesNotExist."""
    user = User.objects.only("pk").get(pk=user_id)
    return Note.objects.create(user=user, message=message, author_id=by.user_id, app_id=by.app_id)


def change(user: User, values: Mapping[str, Any]) -> None:
    """Saves the values that differ, clean as they are, to a locked user. Raises EmailTaken."""
    changed = [name for name, value in values.items() if not _is_same(getattr(user, name), value)]
    if not changed:
        return
    for name in changed:
        setattr(user, name, values[name])
    user.updated_at = timezone.now()
    if "tags" in changed:
        storage.remember_tags(user.tags)
    try:
        with transaction.atomic():
            user.save(update_fields=[*changed, "updated_at"])
    except IntegrityError as error:
        if storage.is_email_conflict(error):
            raise rules.EmailTaken from None
        raise


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
        cleaned["phone_number"] = rules.clean_phone_number(cleaned["phone_number"], country)
    return cleaned


def _clean_book(addresses: Iterable[Mapping[str, Any]]) -> list[Address]:
    """A new person's addresses: of those that ask to be a default the last one is, else the first address."""
    book = []
    for position, fields in enumerate(addresses):
        try:
            book.append(Address(**rules.clean_address(fields)))
        except rules.CustomerError as error:
            raise error.within("addresses", position) from None
    for flag in DEFAULT_FLAGS:
        asking = [address for address in book if getattr(address, flag)]
        for address in book:
            setattr(address, flag, address is (asking or book[:1])[-1])
    return book


def _filled_from(address: Address, user: User) -> dict[str, Any]:
    """What the person's first address tells of them and they have not told."""
    told = {name: getattr(address, name) for name in FILLED_FROM_FIRST_ADDRESS if not getattr(user, name)}
    return {name: CLEANERS.get(name, str)(value) for name, value in told.items() if value}


def _take_defaults(address: Address) -> None:
    """Only one address of a person is the default: a later one takes the flag from the former one."""
    for flag in DEFAULT_FLAGS:
        if getattr(address, flag):
            Address.objects.filter(user_id=address.user_id, **{flag: True}).exclude(pk=address.pk).update(
                **{flag: False}
            )
