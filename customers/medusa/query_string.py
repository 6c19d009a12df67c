"""Query strings as Express reads them (`groups[0]=a`, `created_at[gt]=...`), and the parameters of lists."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest

from customers import customer_places
from customers.groups.models import CustomerGroup
from customers.groups.services import Membership
from customers.limits import MAX_LIST_ITEMS, MAX_SEARCH_LENGTH
from customers.medusa import serializers
from customers.medusa.class_validator import (
    EACH_IS_STRING,
    IS_ARRAY,
    IS_STRING,
    Check,
    Property,
    is_at_most,
    optional,
    validated,
)
from customers.medusa.errors import InvalidData
from customers.querysets import has_part_of_email, has_rare_parts
from oauth.email_addresses import email_key
from oauth.text import fold, is_encoded, normalized

NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
BRACKETED = re.compile(r"\[([^\[\]]*)\]")
NUMBER = re.compile(r"\s*[-+]?[0-9]{1,30}(\.[0-9]{0,30})?\s*", re.ASCII)
PHONE_LIKE = re.compile(r"\+?[0-9]*", re.ASCII)
MAX_OFFSET = 2**63 - 1
COMPARISONS = ("lt", "gt", "lte", "gte")
DEFAULT_LIMIT = 50
# By the field that a list may be ordered by: our columns, as in the indexes.
CUSTOMER_ORDER: Mapping[str, list[str]] = {
    "id": ["date_joined", "id"],
    "created_at": ["date_joined", "id"],
    "updated_at": ["updated_at", "id"],
    "deleted_at": ["date_joined", "id"],
    "email": ["email_key", "id"],
    "first_name": ["first_name", "id"],
    "last_name": ["last_name", "id"],
    "phone": ["phone_number", "id"],
    "has_account": ["has_account", "date_joined", "id"],
    "metadata": ["metadata", "id"],
    "billing_address_id": ["billing__created_at", "id"],
}
GROUP_ORDER: Mapping[str, list[str]] = {
    "id": ["created_at", "id"],
    "created_at": ["created_at", "id"],
    "updated_at": ["updated_at", "id"],
    "deleted_at": ["created_at", "id"],
    "name": ["name", "id"],
    "metadata": ["metadata", "id"],
}


def read(request: HttpRequest) -> dict[str, Any]:
    """By name: strings, lists of strings (`a[]=`, `a[0]=`, a repeated name), and objects (`a[gt]=`).

    Raises InvalidData.
    """
    if not is_encoded(request.META.get("QUERY_STRING", "")):
        raise InvalidData("The query string is not UTF-8.")
    query: dict[str, Any] = {}
    for name, values in request.GET.lists():
        if any("\0" in text for text in (name, *values)):
            raise InvalidData("A NUL character can't be looked for.")
        found = NAME.fullmatch(name)
        keys = BRACKETED.findall(found[2]) if found else []
        if not keys or not found:
            _add(query, name, values)
        elif not keys[0] or keys[0].isdecimal():
            _extend(query, found[1], values)
        else:
            if not isinstance(query.get(found[1]), dict):
                query[found[1]] = {}
            query[found[1]]["][".join(keys)] = values[-1]
    if any(isinstance(value, list) and len(value) > MAX_LIST_ITEMS for value in query.values()):
        raise InvalidData(f"A parameter has at most {MAX_LIST_ITEMS} values.")
    return query


def _add(query: dict[str, Any], name: str, values: list[str]) -> None:
    if name in query or len(values) > 1:
        _extend(query, name, values)
    else:
        query[name] = values[0]


def _extend(query: dict[str, Any], name: str, values: list[str]) -> None:
    if not isinstance(query.get(name), list):
        query[name] = _listed(query.get(name))
    query[name].extend(values)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _parse_time(text: Any) -> datetime | None:
    """A time from ISO 8601 or from seconds since 1970, in UTC unless the text has an offset. None for other texts."""
    try:
        if NUMBER.fullmatch(text):
            return datetime.fromtimestamp(float(text), UTC)
        value = datetime.fromisoformat(text.strip())
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, OSError):
        return None


def _is_number(value: Any) -> bool:
    return isinstance(value, str) and NUMBER.fullmatch(value) is not None


def _number(value: Any) -> int | float:
    """An empty string is 0, as in JavaScript."""
    number = float(value) if value and "." in value else int(value or 0)
    return int(number) if number == int(number) else number


IS_NUMBER = Check("{} must be a number conforming to the specified constraints", _is_number)
IS_NOT_NEGATIVE = Check("{} must not be less than 0", lambda value: not _is_number(value) or _number(value) >= 0)
IS_IN_REACH = Check(
    f"{{}} must not be greater than {MAX_OFFSET}", lambda value: not _is_number(value) or _number(value) <= MAX_OFFSET
)
IS_DATES = Check("nested property {} must be either object or array", lambda value: isinstance(value, dict))


def parameter(*checks: Check) -> Property:
    """An optional parameter. As in Medusa, no check applies to an empty text, whatever the type."""
    return optional(*(replace(check, holds=partial(_is_empty_or, check.holds)) for check in checks))


def _is_empty_or(holds: Callable[[Any], bool], value: Any) -> bool:
    return value == "" or holds(value)


ANYTHING = parameter()
TEXT = parameter(IS_STRING)
SEARCH = parameter(IS_STRING, is_at_most(MAX_SEARCH_LENGTH))
DATES = parameter(IS_DATES)
WHOLE_NUMBER = parameter(IS_NUMBER, IS_NOT_NEGATIVE, IS_IN_REACH)
ARRAY = parameter(IS_ARRAY)
STRINGS = parameter(EACH_IS_STRING)

RETRIEVE_PARAMS: Mapping[str, Property] = {"expand": TEXT, "fields": TEXT}
PAGE_PARAMS: Mapping[str, Property] = {"limit": WHOLE_NUMBER, "offset": WHOLE_NUMBER, **RETRIEVE_PARAMS}
CUSTOMERS_PARAMS: Mapping[str, Property] = {
    "q": SEARCH, "has_account": ANYTHING, "groups": ARRAY, "order": TEXT, "created_at": DATES, "updated_at": DATES,
    **PAGE_PARAMS,
}  # fmt: skip
GROUP_MEMBERS_PARAMS: Mapping[str, Property] = {"q": SEARCH, **PAGE_PARAMS}
GROUPS_PARAMS: Mapping[str, Property] = {
    "q": SEARCH, "id": ANYTHING, "name": STRINGS, "order": TEXT, "created_at": DATES,
    "updated_at": DATES, "discount_condition_id": ANYTHING, **PAGE_PARAMS,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Page:
    """Fractions are rounded, as PostgreSQL does for Medusa."""

    offset: int | float
    limit: int | float

    def slice(self, rows: QuerySet, skipped: int = 0) -> QuerySet:
        """`skipped`: how many rows before the page `rows` does not have."""
        start = self.start - skipped
        return rows[start : start + self.size]

    @property
    def start(self) -> int:
        return _rounded(self.offset)

    @property
    def size(self) -> int:
        return _rounded(self.limit)


def _rounded(number: int | float) -> int:
    return number if isinstance(number, int) else int(Decimal(number).to_integral_value(ROUND_HALF_UP))


def page(params: Mapping[str, Any], default_limit: int = DEFAULT_LIMIT) -> Page:
    """A limit of 0, which means no limit in Medusa, gives MEDUSA_MAX_LIMIT rows."""
    limit = _number(params["limit"]) if "limit" in params else default_limit
    return Page(_number(params.get("offset")), min(limit or settings.MEDUSA_MAX_LIMIT, settings.MEDUSA_MAX_LIMIT))


def relations(params: Mapping[str, Any], known: Iterable[str], default: Iterable[str] = ()) -> list[str]:
    """The relations that `expand` names. Of a path with dots only the first part counts. Raises InvalidData."""
    named = [path.strip() for path in params.get("expand", "").split(",") if path.strip()]
    roots = list(dict.fromkeys(path.partition(".")[0] for path in named))
    if unknown := [root for root in roots if root not in known]:
        raise InvalidData(f"Relations [{', '.join(unknown)}] are not valid")
    return roots or list(default)


def order(params: Mapping[str, Any], columns: Mapping[str, list[str]], default: str = "-created_at") -> list[Any]:
    """The columns for `field` or `-field`, then the id. Raises InvalidData."""
    name = params.get("order") or default
    backwards, name = name.startswith("-"), name.removeprefix("-")
    if name not in columns:
        raise InvalidData(f"Order field {name} is not valid")
    if not backwards:
        return columns[name]
    return [f"-{key}" for key in columns[name]]


def between(params: Mapping[str, Any], columns: Mapping[str, str]) -> Q:
    """The condition of `created_at[gt]=...` and the like. Raises InvalidData."""
    moments = {(column, how): at for name, column in columns.items() for how, at in _moments(params, name).items()}
    return Q(*((f"{column}__{how}", at) for (column, how), at in moments.items()))


def _moments(params: Mapping[str, Any], name: str) -> dict[str, datetime]:
    """By COMPARISONS. Raises InvalidData."""
    given = validated(params.get(name) or {}, dict.fromkeys(COMPARISONS, ANYTHING))
    moments = {}
    for comparison, text in given.items():
        if (moment := _parse_time(text)) is None:
            raise InvalidData(f"{comparison} must be a Date instance")
        moments[comparison] = moment
    return moments


def number_joined(params: Mapping[str, Any]) -> int | None:
    """The number of customers of `created_at[gt]=...`, if it is known without a count (`customers.customer_places`)."""
    first, last = customer_places.BEGINNING, customer_places.END
    for comparison, moment in _moments(params, "created_at").items():
        is_after_moment = comparison in ("gt", "lte")
        place = customer_places.Place(moment, customer_places.HIGHEST_ID if is_after_moment else 0)
        if comparison in ("gt", "gte"):
            first = max(first, place)
        else:
            last = min(last, place)
    return customer_places.number_joined(first, last)


def groups(params: Mapping[str, Any]) -> list[CustomerGroup] | None:
    """The groups that the parameter `groups` names, in a list or separated by commas. None without the parameter."""
    if not params.get("groups"):
        return None
    return serializers.groups_with_ids(_ids(params["groups"]))


def _ids(texts: Iterable[str]) -> list[str]:
    """Ids separated by commas. Raises InvalidData."""
    ids = [id for text in texts for id in text.split(",")]
    if len(ids) > MAX_LIST_ITEMS:
        raise InvalidData(f"A parameter has at most {MAX_LIST_ITEMS} values.")
    return ids


def customers(params: Mapping[str, Any], in_groups: list[CustomerGroup] | None) -> QuerySet:
    """The customers that the parameters match, without order. Raises InvalidData."""
    found = serializers.everybody().filter(between(params, {"created_at": "date_joined", "updated_at": "updated_at"}))
    if text := params.get("q"):
        found = _with_part(found, text)
    if params.get("has_account") in ("true", "false"):
        found = found.filter(has_account=params["has_account"] == "true")
    if in_groups is not None:
        found = found.filter(Exists(Membership.objects.filter(user=OuterRef("pk"), customergroup__in=in_groups)))
    return found


def _with_part(people: Any, text: str) -> QuerySet:
    """A part of the email, of the first name or of the last name. The index has all of them together."""
    folded = fold(text)
    if " " in folded:
        return people.filter(has_rare_parts(folded), full_name__contains=folded)
    if "@" in folded:
        return people.filter(has_part_of_email(folded) | Q(email_key=email_key(text)))
    people = people.with_part("search_text", text)
    if PHONE_LIKE.fullmatch(folded):  # the index has phone numbers, too
        return people.filter(Q(full_name__contains=folded) | Q(email__contains=folded))
    return people


def customer_groups(params: Mapping[str, Any]) -> QuerySet:
    """Raises InvalidData."""
    found: Any = CustomerGroup.objects.filter(between(params, {"created_at": "created_at", "updated_at": "updated_at"}))
    if text := params.get("q"):
        found = found.with_part("search_name", text)
    if params.get("name"):
        found = found.filter(name__in=map(normalized, params["name"]))
    if params.get("discount_condition_id"):
        found = found.none()  # this store has no discounts
    if params.get("id"):
        if isinstance(params["id"], dict):
            raise InvalidData("id must be a string or an array of strings")
        wanted = serializers.groups_with_ids(_ids(_listed(params["id"])))
        found = found.filter(pk__in=[group.pk for group in wanted])
    return found
