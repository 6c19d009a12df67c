"""Turns a row of a file into a customer: by the rules of the API, and with the spellings that are usual in files.

An empty cell means that the value is not given.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, datetime, time
from ipaddress import ip_address
from typing import Any

import orjson
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django_countries import countries

from customers import services
from customers.core.json_values import check_json
from customers.insertion import NewCustomer
from customers.jobs.imports.columns import ADDRESS, ADDRESSES, METADATA, MORE_ADDRESSES
from customers.metadata.models import Type
from customers.metadata.services import Bindings
from customers.models import Address, Language, User, UserType
from oauth.email_addresses import MAX_EMAIL_LENGTH, email_key
from oauth.errors import ServiceError

LANGUAGES = dict.fromkeys(Language.values)
YES = frozenset({"true", "yes", "y", "1", "on", "t", "subscribed"})
NO = frozenset({"false", "no", "n", "0", "off", "f", "unsubscribed", "not subscribed"})
COUNTRY_BY_NAME = {name.lower(): code for code, name in countries}
# An address needs one of these: many files have a country in every row.
PLACE = ("line1", "line2", "line3", "line4", "postcode")
REQUIRED = ("line1", "line4", "country")
# A spreadsheet takes a value that begins like this for a formula. An apostrophe in front of it prevents that.
FORMULA = re.compile("^'*[=+\\-@\t\r＝＋－＠]")
WHOLE = re.compile(r"[+-]?[0-9]{1,19}(\.0*)?")
NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
PHONE_NUMBER = re.compile(r"\+[0-9]+")


@dataclass(slots=True)
class ParsedCustomer:
    """A valid new customer, and the line of the file."""

    line: int
    customer: NewCustomer

    @property
    def email_key(self) -> str:
        """Equal for all spellings of one mailbox."""
        return email_key(self.person["email"])

    @property
    def person(self) -> dict[str, Any]:
        return self.customer.person


def parse_row(line: int, row: Mapping[str, Any], bound: Bindings) -> ParsedCustomer:
    """`row`: values by field (see `columns`), as text or as JSON has them. `bound`: the metadata definitions.

    Raises ServiceError, whose path is the field.
    """
    person: dict[str, Any] = {}
    first: dict[str, Any] = {}
    book: list[dict[str, Any]] = []
    metadata: dict[str, Any] = {}
    for field, value in row.items():
        if value is None or value == "":
            continue
        try:
            if convert := PERSON.get(field):
                person[field] = convert(value)
            elif target := FIRST_ADDRESS.get(field):
                name, convert = target
                first[name] = convert(value)
            elif field in (ADDRESSES, MORE_ADDRESSES):
                book += [_address(address, position) for position, address in enumerate(_list(value))]
            elif field.startswith(METADATA):
                key = field[len(METADATA) :]
                metadata[key] = _defined(value, bound[key]["type"]) if key in bound else value
        except ServiceError as error:
            raise error.within(field) from None
    if not person.get("email"):
        raise ServiceError("This field is required.", "email")
    if metadata:
        person["metadata"] = (person.get("metadata") or {}) | metadata
    if any(first.get(name) for name in PLACE):
        book.insert(0, _complete(first, "address_"))
    return ParsedCustomer(line, services.prepare_user(book, person, bound))


def unquoted(text: str) -> str:
    """Removes the apostrophe that `quoted` adds."""
    return text[1:] if text[:1] == "'" and FORMULA.match(text) else text


def quoted(text: str) -> str:
    """Adds an apostrophe where a spreadsheet would compute a formula. A phone number in E.164 stays as it is: a
    spreadsheet at worst drops its plus sign."""
    return f"'{text}" if FORMULA.match(text) and not PHONE_NUMBER.fullmatch(text) else text


def _text(max_length: int | None = None) -> Callable[[Any], str]:
    def convert(value: Any) -> str:
        if not isinstance(value, str):
            if not isinstance(value, int | float) or isinstance(value, bool):
                raise ServiceError("Enter a text.")
            value = str(value)
        elif not value.isascii() or "\0" in value:
            check_json(value)
        value = value.strip()
        if max_length is not None and len(value) > max_length:
            raise ServiceError(f"Enter at most {max_length} characters.")
        return value

    return convert


_any_text = _text()
_email_text = _text(MAX_EMAIL_LENGTH)


def _email(value: Any) -> str:
    email = _email_text(value)
    try:
        validate_email(email)
    except ValidationError as error:
        raise ServiceError(error.messages[0]) from None
    return email


def _flag(value: Any) -> bool:
    word = str(value).strip().lower()
    if word not in YES and word not in NO:
        raise ServiceError("Enter yes or no.")
    return word in YES


def _language(value: Any) -> str:
    """A region is dropped: `en-GB` becomes `en`."""
    code = _any_text(value).lower().replace("_", "-").partition("-")[0]
    if code not in LANGUAGES:
        raise ServiceError(f"Enter one of {', '.join(LANGUAGES)}.")
    return code


def _user_type(value: Any) -> str:
    """Staff can't be imported."""
    if value not in (UserType.LEAD, UserType.CUSTOMER):
        raise ServiceError("Enter lead or customer.")
    return value


def _ip(value: Any) -> str:
    text = _any_text(value)
    try:
        if "%" not in text:
            return str(ip_address(text))
    except ValueError:
        pass
    raise ServiceError("Enter an IPv4 or IPv6 address.")


def _country(value: Any) -> str:
    """A country code, or the English name of a country."""
    text = _any_text(value)
    return COUNTRY_BY_NAME.get(text.lower(), text)


def _datetime(value: Any) -> datetime:
    """A date means its first moment. A time without an offset is in the store's time zone."""
    text = _any_text(value)
    try:
        moment = parse_datetime(text) if len(text) > 10 else None
        if moment is None and (day := parse_date(text)):
            moment = datetime.combine(day, time.min)
        # The first and the last year of the calendar are excluded: a shift to another zone could overflow.
        if moment and MINYEAR < moment.year < MAXYEAR:
            return (moment if timezone.is_aware(moment) else timezone.make_aware(moment)).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ServiceError("Enter a date and time of ISO 8601, as in 2026-10-03T09:12:44Z.")


def _json(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        raise ServiceError("Enter JSON.") from None


def _list(value: Any) -> list:
    value = _json(value)
    if not isinstance(value, list):
        raise ServiceError("Enter a list.")
    return value


def _metadata(value: Any) -> Any:
    value = _json(value)
    if not isinstance(value, dict):
        raise ServiceError("Enter an object.")
    return value


def _tags(value: Any) -> list[str]:
    """A list, or text with commas between the tags."""
    if isinstance(value, str) and not value.lstrip().startswith("["):
        value = value.split(",")
    return [_any_text(tag) for tag in _list(value) if tag is not None]


def _whole(text: str) -> int:
    """Spreadsheets write 7.00 for 7."""
    if not WHOLE.fullmatch(text.strip()):
        raise ServiceError("Enter a whole number.")
    return int(text.partition(".")[0])


def _number(text: str) -> int | float:
    if WHOLE.fullmatch(text.strip()):
        return _whole(text)
    if not NUMBER.fullmatch(text.strip()):
        raise ServiceError("Enter a number.")
    return float(text)


def _defined(value: Any, type: str) -> Any:
    """Converts text to the type of a metadata definition; other values stay as they are."""
    convert = DEFINED.get(type)
    return convert(value) if convert and isinstance(value, str) else value


def _address(value: Any, position: int) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ServiceError("Enter an object.", position)
    fields = {}
    for name, convert in ADDRESS_VALUES.items():
        if value.get(name) not in (None, ""):
            try:
                fields[name] = convert(value[name])
            except ServiceError as error:
                raise error.within(position, name) from None
    try:
        return _complete(fields, "")
    except ServiceError as error:
        raise error.within(position) from None


def _complete(address: dict[str, Any], prefix: str) -> dict[str, Any]:
    for name in REQUIRED:
        if not address.get(name):
            raise ServiceError("This field is required.", prefix + name)
    return address


def _longest(model: Any, name: str) -> int | None:
    return model._meta.get_field(name).max_length


PERSON: dict[str, Callable[[Any], Any]] = {
    "email": _email,
    "first_name": _text(_longest(User, "first_name")),
    "last_name": _text(_longest(User, "last_name")),
    "phone_number": _text(),
    "user_type": _user_type,
    "language": _language,
    "accepts_marketing": _flag,
    "is_blocked": _flag,
    "tags": _tags,
    "metadata": _metadata,
    "ip": _ip,
    "user_agent": _text(),
    "date_joined": _datetime,
}
DEFINED: dict[str, Callable[[str], Any]] = {
    Type.INTEGER: _whole,
    Type.DECIMAL: _number,
    Type.BOOLEAN: _flag,
    Type.MULTI_TEXT: _tags,
}
ADDRESS_VALUES: dict[str, Callable[[Any], Any]] = {
    **{name: _text(_longest(Address, name)) for name in ADDRESS if name not in services.DEFAULT_FLAGS},
    "country": _country,
    **dict.fromkeys(services.DEFAULT_FLAGS, _flag),
}
FIRST_ADDRESS = {f"address_{name}": (name, convert) for name, convert in ADDRESS_VALUES.items()}
