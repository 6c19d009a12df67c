"""Converts the values of a file, which are text or JSON, to those of a customer's fields.

Each converter takes one value that is not empty, and raises ServiceError. Its path leads to a part of the value.
"""

import enum
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, datetime, time
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

import orjson
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from customers import services
from customers.core.json_values import check_json
from customers.jobs.imports.columns import ADDRESS
from customers.jobs.imports.countries import country_code
from customers.limits import MAX_LIST_ITEMS
from customers.metadata.models import Type
from customers.metadata.services import Bindings
from customers.models import Address, Language, User, UserType
from oauth.email_addresses import MAX_EMAIL_LENGTH
from oauth.errors import ServiceError

# By the code of ISO 639-1. Norwegian is written in two ways, each with a code of its own.
LANGUAGES = {**{code: code for code in Language.values}, "nb": "no", "nn": "no"}
# In English and in the languages of customers, and as shops export them.
YES = frozenset({"true", "yes", "y", "1", "on", "t", "subscribed", "ja", "oui", "si", "sì", "sí", "sim", "kyllä", "ใช่"})
NO = frozenset(
    {
        "false", "no", "n", "0", "off", "f", "unsubscribed", "not subscribed", "never subscribed",
        "nein", "non", "nee", "nej", "nei", "não", "nao", "ei", "ไม่",
    }
)  # fmt: skip
REQUIRED = ("line1", "line4", "country")
WHOLE = re.compile(r"[+-]?[0-9]{1,19}(\.0*)?")
NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
NUMERIC_DATE = re.compile(r"([0-9]{1,2})[./-]([0-9]{1,2})[./-]([0-9]{4})(?![0-9]),?")
UTC_NAME = re.compile(r"\s*(UTC|GMT|Z)$", re.IGNORECASE)
# Matches most emails. Django's validator accepts all that match, and takes ten times as long.
PLAIN_EMAIL = re.compile(
    r"[a-z0-9_+-]+(\.[a-z0-9_+-]+)*@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}", re.ASCII | re.IGNORECASE
)
GOOGLE_LABELS = " ::: "
MAX_REMEMBERED = 100  # characters
FORMULA_SIGNS = frozenset("=+-@")
TAG_SEPARATOR = re.compile("[;|]")
QUOTED_TAGS = re.compile(r'"[^"]*"(\s*,\s*"[^"]*")*')


class DateOrder(enum.StrEnum):
    """What 05/01/2020 means."""

    UNKNOWN = ""
    DAY_FIRST = "day-first"
    MONTH_FIRST = "month-first"


@dataclass(frozen=True, slots=True)
class Rules:
    """What the rows of a file are read by. `bound`: the metadata definitions. `country`: of an address without one."""

    bound: Bindings
    date_order: DateOrder = DateOrder.UNKNOWN
    country: str = ""


class LooksLikeFormula(ServiceError):
    code = "looks_like_formula"

    def __init__(self):
        super().__init__("A spreadsheet would compute this as a formula. It was imported as it is.")


class OneTag(ServiceError):
    code = "one_tag"

    def __init__(self):
        super().__init__("This became one tag. Separate tags by commas.")


class UnknownLanguage(ServiceError):
    code = "unknown_language"

    def __init__(self):
        super().__init__("The store does not have this language, so the field stays empty.")


def _remembering(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Of a column that has few values, each in many rows. The values are shared, so they must not be changed."""
    remembered = lru_cache(maxsize=1024)(convert)
    return lambda value: remembered(value) if type(value) is str and len(value) < MAX_REMEMBERED else convert(value)


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
    if PLAIN_EMAIL.fullmatch(email):
        return email
    try:
        validate_email(email)
    except ValidationError as error:
        raise ServiceError(error.messages[0]) from None
    return email


@_remembering
def _flag(value: Any) -> bool:
    word = str(value).strip().lower().replace("_", " ")
    if word not in YES and word not in NO:
        raise ServiceError("Enter yes or no.")
    return word in YES


@_remembering
def _language(value: Any) -> str:
    """A region is dropped: `en-GB` becomes `en`. Raises UnknownLanguage."""
    code = _any_text(value).lower().replace("_", "-").partition("-")[0]
    if code not in LANGUAGES:
        raise UnknownLanguage
    return LANGUAGES[code]


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


@_remembering
def _country(value: Any) -> str:
    """See `country_code`."""
    code = country_code(_any_text(value))
    if code is None:
        raise ServiceError("Enter a country, such as France or FR.")
    return code


def to_date_joined(value: Any, order: DateOrder) -> datetime:
    """A date means its first moment. A time without an offset is in the store's time zone."""
    text = _any_text(value)
    if numeric := NUMERIC_DATE.match(text):
        if order is DateOrder.UNKNOWN:
            raise ServiceError("Choose whether the day or the month comes first in the dates of this file.")
        first, second, year = numeric.groups()
        day, month = (first, second) if order is DateOrder.DAY_FIRST else (second, first)
        text = f"{year}-{month:0>2}-{day:0>2}{text[numeric.end() :]}"
    text = UTC_NAME.sub("+00:00", text)
    try:
        moment = parse_datetime(text) if len(text) > 10 else None
        if moment is None and (date := parse_date(text.removesuffix("+00:00"))):
            moment = datetime.combine(date, time.min)
        # The first and the last year of the calendar are excluded: a shift to another zone could overflow.
        if moment and MINYEAR < moment.year < MAXYEAR:
            moment = (moment if timezone.is_aware(moment) else timezone.make_aware(moment)).astimezone(UTC)
            if moment > timezone.now():
                raise ServiceError("This date is in the future.")
            return moment
    except (ValueError, OverflowError):
        pass
    raise ServiceError("Enter a date such as 2026-10-03, or a date and time such as 2026-10-03T09:12:44Z.")


def order_of(text: str) -> DateOrder:
    """The order that a date proves by a day above 12."""
    if numeric := NUMERIC_DATE.match(text.strip()):
        first, second = int(numeric[1]), int(numeric[2])
        if first > 12 >= second:
            return DateOrder.DAY_FIRST
        if second > 12 >= first:
            return DateOrder.MONTH_FIRST
    return DateOrder.UNKNOWN


def _json(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        raise ServiceError("Enter JSON.") from None


def to_list(value: Any) -> list:
    value = _json(value)
    if not isinstance(value, list):
        raise ServiceError("Enter a list.")
    if len(value) > MAX_LIST_ITEMS:
        raise ServiceError(f"At most {MAX_LIST_ITEMS} items are accepted.")
    return value


def _metadata(value: Any) -> Any:
    value = _json(value)
    if not isinstance(value, dict):
        raise ServiceError("Enter an object.")
    return value


def tags_of(text: str) -> list[str]:
    """The tags in a cell: separated by commas, each in quotation marks (Mailchimp), or separated as Google does."""
    if QUOTED_TAGS.fullmatch(text.strip()):
        return re.findall('"([^"]*)"', text)
    if GOOGLE_LABELS in text:
        return [label.removeprefix("* ") for label in text.split(GOOGLE_LABELS)]
    return [tag.strip() for tag in text.split(",")]


@_remembering
def _tags(value: Any) -> list[str]:
    """A list, or text (see `tags_of`)."""
    if isinstance(value, str) and not value.lstrip().startswith("["):
        value = tags_of(value)
    return [_any_text(tag) for tag in to_list(value) if tag is not None]


def surprises(person: Mapping[str, Any]) -> list[ServiceError]:
    """Warnings about values that are valid, and probably not what was meant."""
    warnings: list[ServiceError] = []
    for name in ("first_name", "last_name"):
        if person.get(name, "")[:1] in FORMULA_SIGNS:
            warnings.append(LooksLikeFormula().within(name))
    tags = person.get("tags")
    if tags and len(tags) == 1 and TAG_SEPARATOR.search(tags[0]):
        warnings.append(OneTag().within("tags"))
    return warnings


def _texts(value: str) -> Any:
    """A list in JSON, whose texts stay as they are; or texts with commas between them."""
    return to_list(value) if value.lstrip().startswith("[") else [part.strip() for part in value.split(",")]


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


def to_defined(value: Any, type: str) -> Any:
    """Converts text to the type of a metadata definition; other values stay as they are."""
    convert = DEFINED.get(type)
    return convert(value) if convert and isinstance(value, str) else value


def to_address(value: Any) -> tuple[dict[str, Any], list[ServiceError]]:
    """The values of an address in JSON, and all that is wrong with it."""
    if not isinstance(value, dict):
        return {}, [ServiceError("Enter an object.")]
    fields, errors = {}, []
    for name, convert in ADDRESS_VALUES.items():
        if value.get(name) not in (None, ""):
            try:
                fields[name] = convert(value[name])
            except ServiceError as error:
                errors.append(error.within(name))
    wrong = {error.path[0] for error in errors}
    missing = [name for name in REQUIRED if not fields.get(name) and name not in wrong]
    return fields, [*errors, *(ServiceError("This field is required.", name) for name in missing)]


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
}
DEFINED: dict[str, Callable[[str], Any]] = {
    Type.INTEGER: _whole,
    Type.DECIMAL: _number,
    Type.BOOLEAN: _flag,
    Type.MULTI_TEXT: _texts,
}
ADDRESS_VALUES: dict[str, Callable[[Any], Any]] = {
    **{name: _text(_longest(Address, name)) for name in ADDRESS if name not in services.DEFAULT_FLAGS},
    "country": _country,
    **dict.fromkeys(services.DEFAULT_FLAGS, _flag),
}
# By field of a file: whether it is of the first address, the field's name there, and its converter.
FIELDS: dict[str, tuple[bool, str, Callable[[Any], Any]]] = {
    **{name: (False, name, convert) for name, convert in PERSON.items()},
    **{f"address_{name}": (True, name, convert) for name, convert in ADDRESS_VALUES.items()},
}
