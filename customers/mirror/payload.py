"""What another store tells of a customer, as columns.

It is the truth, also where the rules for new input would refuse it: a phone number that can't be parsed, a value of
metadata against a definition. Only what the columns can't hold is left out, and named.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from django.utils.ipv6 import clean_ipv6_address

from customers import services, validation
from customers.models import Address, Language, User, UserType
from customers.orders.services import MAX_AMOUNT, moment
from customers.privacy.erasure import FORGOTTEN
from oauth.errors import ServiceError

MAX_ID = 2**63 - 1
MAX_COUNT = 2**31 - 1


@dataclass(slots=True)
class Told:
    """A customer of another store: columns of the person; addresses by their ids, None where they were not told; and
    the names of values that were left out."""

    id: int
    person: dict[str, Any]
    book: dict[int, dict[str, Any]] | None
    left_out: list[str] = field(default_factory=list)

    @property
    def is_staff(self) -> bool:
        return self.person.get("user_type") == UserType.DASHBOARD

    @property
    def is_erased(self) -> bool:
        """All of it was told, and nothing tells who it is."""
        is_whole = self.book is not None and self.person.keys() >= PERSON.keys() & FORGOTTEN.keys()
        return is_whole and not self.book and not any(self.person.get(name) for name in FORGOTTEN)

    def erase(self) -> None:
        """Takes out what is personal."""
        self.person = {name: value for name, value in self.person.items() if name not in FORGOTTEN}
        self.book = {}


def customer(document: Any) -> Told:
    """Raises ServiceError for what is no customer."""
    if not isinstance(document, Mapping):
        raise ServiceError("A customer is an object.")
    told = Told(id_of(document), {}, None)
    told.person = _columns(document, PERSON, told, "")
    if isinstance(document.get("addresses"), list):
        told.book = _book(document["addresses"], told)
    return told


def id_of(document: Any) -> int:
    """Raises ServiceError."""
    value = document.get("id") if isinstance(document, Mapping) else None
    if type(value) is not int or not 0 < value <= MAX_ID:
        raise ServiceError("An id is a positive whole number.", "id")
    return value


def _book(addresses: list[Any], told: Told) -> dict[int, dict[str, Any]]:
    book: dict[int, dict[str, Any]] = {}
    for position, document in enumerate(addresses):
        try:
            id = id_of(document)
        except ServiceError:
            told.left_out.append(f"addresses.{position}")
            continue
        book[id] = _columns(document, ADDRESS, told, f"addresses.{position}.")
    for flag in services.DEFAULT_FLAGS:
        for former in [fields for fields in book.values() if fields.get(flag)][:-1]:
            former[flag] = False  # only one can be
            told.left_out.append(f"addresses.{flag}")
    return book


def _columns(
    document: Mapping[str, Any], kinds: Mapping[str, Callable[[Any], Any]], told: Told, prefix: str
) -> dict[str, Any]:
    columns = {}
    for name, convert in kinds.items():
        if name in document:
            try:
                columns[name] = convert(document[name])
            except ServiceError:
                told.left_out.append(prefix + name)
    return columns


def _text(model: Any, name: str) -> Callable[[Any], str | None]:
    column = model._meta.get_field(name)

    def convert(value: Any) -> str | None:
        if value is None:
            return None if column.null else ""
        if not isinstance(value, str) or (column.max_length and len(value) > column.max_length):
            raise ServiceError("Too long, or no text.", name)
        validation.check_json(value, name)
        return value

    return convert


def _email(value: Any) -> str | None:
    text = _text(User, "email")(value)
    return validation.clean_email(text) if text else None


def _one_of(*choices: str | None) -> Callable[[Any], Any]:
    def convert(value: Any) -> Any:
        if (value is not None and not isinstance(value, str)) or value not in choices:
            raise ServiceError("Not one of the choices.")
        return value

    return convert


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ServiceError("Neither true nor false.")
    return value


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= MAX_COUNT:
        raise ServiceError("No number of things.")
    return value


def _amount(value: Any) -> Decimal:
    try:
        amount = Decimal(value).quantize(Decimal("0.01")) if isinstance(value, str) else Decimal("NaN")
    except InvalidOperation:
        amount = Decimal("NaN")
    if not (amount.is_finite() and 0 <= amount <= MAX_AMOUNT):
        raise ServiceError("No amount.")
    return amount


def _ip(value: Any) -> str | None:
    """As the column writes it."""
    if value is None:
        return None
    try:
        address: IPv4Address | IPv6Address | None = ip_address(value) if isinstance(value, str) else None
    except ValueError:
        address = None
    if address is None or "%" in value:
        raise ServiceError("No address.")
    return value if isinstance(address, IPv4Address) else clean_ipv6_address(value)


def _moment(value: Any) -> Any:
    if (at := moment(value)) is None:
        raise ServiceError("No date and time.")
    return at


def _tags(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(tag is None or isinstance(tag, str) for tag in value):
        raise ServiceError("No list of texts.")
    words = list(dict.fromkeys(filter(None, value)))
    validation.check_json(words)
    if any(len(word) > validation.MAX_TAG_LENGTH for word in words):
        raise ServiceError("Too long.")
    return words


PERSON: dict[str, Callable[[Any], Any]] = {
    "email": _email,
    **{name: _text(User, name) for name in ("first_name", "last_name", "phone_number", "user_agent")},
    "language": _one_of(*Language.values, "", None),
    "user_type": _one_of(*UserType.values),
    **dict.fromkeys(("accepts_marketing", "is_blocked"), _flag),
    "ip": _ip,
    "tags": _tags,
    "metadata": validation.clean_metadata,
    **dict.fromkeys(("orders_count", "subscriptions_count"), _count),
    "total_spent": _amount,
    "date_joined": _moment,
}
ADDRESS: dict[str, Callable[[Any], Any]] = {
    column.name: _flag if column.name in services.DEFAULT_FLAGS else _text(Address, column.name)
    for column in Address._meta.concrete_fields
    if column.name not in ("id", "user", *services.MOMENTS)
}
