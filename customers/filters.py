"""Customer filters shared by lists, commands and jobs."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

from django.utils.dateparse import parse_date

from customers.models import Tag, UserType
from customers.querysets import UserQuerySet
from oauth.text import normalized

# Names of filters, and the lookups of columns that they stand for.
LOOKUPS = {
    "ids": "pk__in",
    "user_type": "user_type",
    "language": "language",
    "is_blocked": "is_blocked",
    "accepts_marketing": "accepts_marketing",
    "spent_from": "total_spent__gte",
    "spent_to": "total_spent__lte",
    "orders_from": "orders_count__gte",
    "orders_to": "orders_count__lte",
    "joined_since": "date_joined__gte",
    "joined_until": "date_joined__lte",
}
ADDRESS = {
    "country": "country",
    "street": "search_street",
    "city": "search_city",
    "state": "search_state",
    "postcode": "search_postcode",
}
FUNCTIONS: dict[str, Callable[[UserQuerySet, Any], UserQuerySet]] = {
    "email": UserQuerySet.with_email,
    "name": UserQuerySet.with_name,
    "phone_number": UserQuerySet.with_phone_number,
    "tag": UserQuerySet.with_tag,
}
# Their value may be a list: a customer matches one of its values.
SEVERAL_VALUES = ("user_type", "language", "country", "tag", "group")
# The columns of filters that match a range of an index.
INDEXES: dict[str, str] = {}
OTHERS = ("joined_from", "joined_to", "search")
METADATA = "metadata."  # the prefix of a filter; a key of the metadata follows


# Each returns the ids of the customers that a text names, as the number of an order does.
NAMED_BY: list[Callable[[str], Iterable[int]]] = []
MAX_ID = 2**63 - 1


def register_filter(name: str, apply: Callable[[UserQuerySet, Any], UserQuerySet], *, index: str = "") -> None:
    """Adds a filter of a capability. `apply` keeps the people who match a value. `index`: see INDEXES."""
    FUNCTIONS[name] = apply
    if index:
        INDEXES[name] = index


def register_search(ids_named_by: Callable[[str], Iterable[int]]) -> None:
    """Adds a way in which the filter `search` finds customers of a capability. It gets the whole text."""
    NAMED_BY.append(ids_named_by)


def is_filter(name: str) -> bool:
    return name.startswith(METADATA) or any(name in names for names in (LOOKUPS, ADDRESS, FUNCTIONS, OTHERS))


def filter_customers(people: UserQuerySet, filters: Mapping[str, Any]) -> UserQuerySet:
    """Keeps the people who meet all the filters.

    Names of filters: LOOKUPS; ADDRESS (all at the same address; parts of texts); FUNCTIONS; `search` (see `search`);
    the days `joined_from` and `joined_to`, both included; and METADATA with a key, for the value of that key, or for
    entries of a list (see `UserQuerySet.with_metadata`). A value has the type of its column, or that type in JSON;
    those of SEVERAL_VALUES may be lists. A filter whose value is None or "" is ignored.
    """
    given = {name: value for name, value in filters.items() if value not in (None, "")}
    people = people.filter(**{_lookup(name, value): value for name, value in given.items() if name in LOOKUPS})
    if any(float(given.get(name, 0)) > 0 for name in ("spent_from", "orders_from")):
        # Leads have bought nothing. With this condition the database need not read them all in the order of the list.
        people = people.filter(user_type=UserType.CUSTOMER)
    if "joined_from" in given or "joined_to" in given:
        people = people.joined_between(_day(given.get("joined_from")), _day(given.get("joined_to")))
    for name, apply in FUNCTIONS.items():
        if name in given:
            people = apply(people, given[name])
    if address := {ADDRESS[name]: value for name, value in given.items() if name in ADDRESS}:
        people = people.with_address(**address)
    for name, value in given.items():
        if name.startswith(METADATA):
            people = people.with_metadata(name.removeprefix(METADATA), value)
    return search(people, given["search"]) if given.get("search", "").strip() else people


def any_of(people: UserQuerySet, filters: Mapping[str, Any]) -> UserQuerySet:
    """The people, who meet the filters, in an order in which some of them are found without reading others. PostgreSQL
    expects them anywhere, and might read the whole table in another order up to the first one."""
    return people.order_by(*([INDEXES[next(iter(filters))]] if filters and filters.keys() <= INDEXES.keys() else []))


def search(people: UserQuerySet, text: str) -> UserQuerySet:
    """By parts of names, email and phone number (`UserQuerySet.search`); or `text` as a whole is the id of a customer,
    with or without "#", a tag, or what else names a customer (NAMED_BY)."""
    found, whole = people.search(text), normalized(text).strip()
    number = whole.removeprefix("#")
    ids = {int(number)} if number.isascii() and number.isdecimal() and int(number) <= MAX_ID else set()
    ids.update(*(named_by(whole) for named_by in NAMED_BY))
    if ids:
        found |= people.filter(pk__in=ids)
    # Tags have an index only for what is a tag: without this look-up each search would read two indexes.
    return found | people.with_tag(whole) if Tag.objects.filter(name=whole).exists() else found


def _lookup(name: str, value: Any) -> str:
    return f"{LOOKUPS[name]}__in" if isinstance(value, list) and name in SEVERAL_VALUES else LOOKUPS[name]


def _day(value: date | str | None) -> date | None:
    return parse_date(value) if isinstance(value, str) else value
