"""Parses what another store sends (customers, pages, webhook events) into typed values.

The other store is the source of truth. The validation rules for new input do not apply: a phone number that can't be
parsed and metadata that violates a definition are kept. Only a value that its column can't hold is dropped, and named.

Every function raises InvalidPayload, or a ServiceError of a shared validator, for what it can't read.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, TypedDict, cast

from django.db.models import TextField
from django.utils.ipv6 import clean_ipv6_address

from customers import services, validation
from customers.core.json_values import check_json, parse_json
from customers.limits import MAX_ADDRESSES, MAX_TAGS
from customers.models import Address, Language, User, UserType
from customers.orders.services import MAX_AMOUNT, moment
from customers.privacy.erasure import ERASED_FIELDS
from oauth.email_addresses import email_key
from oauth.errors import ServiceError
from oauth.text import normalized, one_line

MAX_ID = 2**63 - 1
MAX_COUNT = 2**31 - 1
MAX_EVENT_ID_LENGTH = 64
MAX_EVENT_TYPE_LENGTH = 100


class InvalidPayload(ServiceError):
    """The other store sent something that can't be read. `path` leads to the value."""

    code = "invalid_payload"


class CustomerFields(TypedDict, total=False):
    """Columns of a customer. A field that the other store did not send is absent."""

    email: str | None
    first_name: str
    last_name: str
    phone_number: str | None
    user_agent: str | None
    language: str | None
    user_type: str
    accepts_marketing: bool
    is_blocked: bool
    ip: str | None
    tags: list[str]
    metadata: dict[str, Any] | None
    orders_count: int
    subscriptions_count: int
    total_spent: Decimal
    date_joined: datetime


class AddressFields(TypedDict, total=False):
    """Columns of an address. A field that the other store did not send is absent."""

    first_name: str
    last_name: str
    line1: str
    line2: str
    line3: str
    line4: str
    state: str
    postcode: str
    country: str
    phone_number: str
    notes: str
    is_default_for_shipping: bool
    is_default_for_billing: bool


@dataclass(frozen=True, slots=True)
class RemoteAddress:
    id: int
    fields: AddressFields


@dataclass(frozen=True, slots=True)
class RemoteCustomer:
    """A customer as another store shows them.

    `addresses`: None where the payload has none. `dropped`: paths of values that the columns can't hold, such as
    "addresses.0.line1". `is_erased`: the payload is complete, and nothing in it identifies a person.
    """

    id: int
    fields: CustomerFields
    addresses: tuple[RemoteAddress, ...] | None = None
    dropped: tuple[str, ...] = ()
    is_erased: bool = False

    @property
    def email(self) -> str | None:
        return self.fields.get("email")

    @property
    def email_key(self) -> str:
        """Equal for all spellings of one mailbox; empty without an email."""
        return email_key(self.email or "")

    @property
    def is_staff(self) -> bool:
        return self.fields.get("user_type") == UserType.DASHBOARD

    def without_personal_data(self) -> "RemoteCustomer":
        """The counters and dates alone, and no addresses."""
        fields = {name: value for name, value in self.fields.items() if name not in ERASED_FIELDS}
        return replace(self, fields=cast(CustomerFields, fields), addresses=())


@dataclass(frozen=True, slots=True)
class RemotePage:
    """A page of customers. `next`: the link to the next page, empty on the last one. `rejected`: how many entries are
    not customers."""

    customers: tuple[RemoteCustomer, ...]
    next: str
    rejected: int


@dataclass(frozen=True, slots=True)
class InboundEvent:
    """A webhook event. `data` is not parsed yet: its shape depends on `event_type`."""

    event_id: str
    event_type: str
    data: Any


def parse_event(body: bytes) -> InboundEvent:
    try:
        event = parse_json(body)
    except (ValueError, RecursionError):
        event = None
    if not isinstance(event, dict):
        raise InvalidPayload("The event must be a JSON object.")
    return InboundEvent(
        _event_name(event, "event_id", MAX_EVENT_ID_LENGTH),
        _event_name(event, "event_type", MAX_EVENT_TYPE_LENGTH),
        event.get("data"),
    )


def parse_page(answer: Any) -> RemotePage:
    if not isinstance(answer, dict) or not isinstance(answer.get("results"), list):
        raise InvalidPayload("The store did not answer with a page of customers.")
    customers = []
    for document in answer["results"]:
        try:
            customers.append(parse_customer(document))
        except ServiceError:
            continue
    rejected = len(answer["results"]) - len(customers)
    return RemotePage(tuple(customers), str(answer.get("next") or ""), rejected)


def parse_customer(document: Any) -> RemoteCustomer:
    customer_id = parse_id(document)
    dropped: list[str] = []
    fields = cast(CustomerFields, _columns(document, CUSTOMER_PARSERS, dropped))
    listed = document.get("addresses")
    addresses = _addresses(listed, dropped) if isinstance(listed, list) else None
    is_complete = addresses is not None and fields.keys() >= CUSTOMER_PARSERS.keys() & ERASED_FIELDS.keys()
    is_erased = is_complete and not addresses and not any(fields.get(name) for name in ERASED_FIELDS)
    return RemoteCustomer(customer_id, fields, addresses, tuple(dropped), is_erased)


def parse_id(document: Any) -> int:
    if not isinstance(document, Mapping):
        raise InvalidPayload("Expected a JSON object.")
    value = document.get("id")
    if type(value) is not int or not 0 < value <= MAX_ID:
        raise InvalidPayload("An id must be a positive integer.", "id")
    return value


def _event_name(event: Mapping[str, Any], name: str, max_length: int) -> str:
    value = event.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= max_length:
        raise InvalidPayload(f"{name} must be a string of 1 to {max_length} characters.", name)
    check_json(value, name)
    return value


def _addresses(documents: list[Any], dropped: list[str]) -> tuple[RemoteAddress, ...]:
    """The first MAX_ADDRESSES of them."""
    columns_by_id: dict[int, dict[str, Any]] = {}
    if len(documents) > MAX_ADDRESSES:
        dropped.append(f"addresses.{MAX_ADDRESSES}")
    for position, document in enumerate(documents[:MAX_ADDRESSES]):
        try:
            address_id = parse_id(document)
        except InvalidPayload:
            dropped.append(f"addresses.{position}")
            continue
        columns_by_id[address_id] = _columns(document, ADDRESS_PARSERS, dropped, f"addresses.{position}.")
    for flag in services.DEFAULT_FLAGS:
        # A customer has one default address of a kind: the last one.
        for columns in [each for each in columns_by_id.values() if each.get(flag)][:-1]:
            columns[flag] = False
            dropped.append(f"addresses.{flag}")
    return tuple(RemoteAddress(id, cast(AddressFields, columns)) for id, columns in columns_by_id.items())


def _columns(
    document: Mapping[str, Any], parsers: Mapping[str, Callable[[Any], Any]], dropped: list[str], prefix: str = ""
) -> dict[str, Any]:
    """The values that the document has and the columns can hold."""
    columns = {}
    for name, parse in parsers.items():
        if name in document:
            try:
                columns[name] = parse(document[name])
            except ServiceError:
                dropped.append(prefix + name)
    return columns


def _text(model: Any, name: str) -> Callable[[Any], str | None]:
    column = model._meta.get_field(name)
    separator = validation.ADDRESS_SEPARATORS.get(name, " ")

    def parse(value: Any) -> str | None:
        if value is None:
            return None if column.null else ""
        if isinstance(value, str) and not isinstance(column, TextField):
            value = one_line(value, separator)
        if not isinstance(value, str) or (column.max_length and len(value) > column.max_length):
            raise InvalidPayload("Expected a string that fits the column.", name)
        check_json(value, name)
        value = normalized(value)
        if column.max_length and len(value) > column.max_length:  # composed letters can be longer
            raise InvalidPayload("Expected a string that fits the column.", name)
        return value

    return parse


def _email(value: Any) -> str | None:
    """As the other store has it written: NFC would show another address."""
    return one_line(value) if _text(User, "email")(value) else None


def _one_of(*choices: str | None) -> Callable[[Any], Any]:
    def parse(value: Any) -> Any:
        if (value is not None and not isinstance(value, str)) or value not in choices:
            raise InvalidPayload("Expected one of the choices.")
        return value

    return parse


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidPayload("Expected true or false.")
    return value


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= MAX_COUNT:
        raise InvalidPayload("Expected a count.")
    return value


def _amount(value: Any) -> Decimal:
    try:
        amount = Decimal(value).quantize(Decimal("0.01")) if isinstance(value, str) else Decimal("NaN")
    except InvalidOperation:
        amount = Decimal("NaN")
    if not (amount.is_finite() and 0 <= amount <= MAX_AMOUNT):
        raise InvalidPayload("Expected an amount.")
    return amount


def _ip(value: Any) -> str | None:
    """In the spelling in which the column returns it, so that an equal address compares equal."""
    if value is None:
        return None
    try:
        address: IPv4Address | IPv6Address | None = ip_address(value) if isinstance(value, str) else None
    except ValueError:
        address = None
    if address is None or "%" in value:
        raise InvalidPayload("Expected an IP address.")
    return value if isinstance(address, IPv4Address) else clean_ipv6_address(value)


def _datetime(value: Any) -> datetime:
    if (at := moment(value)) is None:
        raise InvalidPayload("Expected a date and time.")
    return at


def _tags(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(tag is None or isinstance(tag, str) for tag in value):
        raise InvalidPayload("Expected a list of strings.")
    tags = list(dict.fromkeys(normalized(one_line(tag)) for tag in value if tag))
    check_json(tags)
    if len(tags) > MAX_TAGS or any(len(tag) > validation.MAX_TAG_LENGTH for tag in tags):
        raise InvalidPayload("There are too many tags, or a tag is too long.")
    return tags


CUSTOMER_PARSERS: dict[str, Callable[[Any], Any]] = {
    "email": _email,
    **{name: _text(User, name) for name in ("first_name", "last_name", "phone_number", "user_agent")},
    "language": _one_of(*Language.values, "", None),
    "user_type": _one_of(*UserType.values),
    **dict.fromkeys(("accepts_marketing", "is_blocked"), _boolean),
    "ip": _ip,
    "tags": _tags,
    "metadata": validation.clean_metadata,
    **dict.fromkeys(("orders_count", "subscriptions_count"), _count),
    "total_spent": _amount,
    "date_joined": _datetime,
}
ADDRESS_PARSERS: dict[str, Callable[[Any], Any]] = {
    name: _boolean if name in services.DEFAULT_FLAGS else _text(Address, name) for name in AddressFields.__annotations__
}
