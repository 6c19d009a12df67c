"""Whom somebody means: what the list of customers is narrowed by, what a command takes, and what a job remembers."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.utils.dateparse import parse_date

from customers.models import UserQuerySet, UserType

# Comparisons of columns, by the names of the criteria.
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
}
ADDRESS = {"country": "country", "city": "line4", "state": "state", "postcode": "postcode"}


def narrowed(people: UserQuerySet, criteria: Mapping[str, Any]) -> UserQuerySet:
    """Those of `people` who meet all the criteria: LOOKUPS, ADDRESS (all of one address), and `search`, `tag`,
    `joined_from`, `joined_to`. Values are as the columns have them or as JSON keeps those; an empty one says nothing.
    """
    said = {name: value for name, value in criteria.items() if value not in (None, "")}
    people = people.filter(**{LOOKUPS[name]: value for name, value in said.items() if name in LOOKUPS})
    if any(float(said.get(name, 0)) > 0 for name in ("spent_from", "orders_from")):
        # Leads have bought nothing: said so, no order leads through all of them first.
        people = people.filter(user_type=UserType.CUSTOMER)
    if "joined_from" in said or "joined_to" in said:
        people = people.joined_between(_day(said.get("joined_from")), _day(said.get("joined_to")))
    if "tag" in said:
        people = people.tagged(said["tag"])
    if place := {ADDRESS[name]: value for name, value in said.items() if name in ADDRESS}:
        people = people.with_address(**place)
    return people.found_by(said["search"]) if said.get("search", "").strip() else people


def _day(value: date | str | None) -> date | None:
    return parse_date(value) if isinstance(value, str) else value
