"""Whom somebody means: filters of lists, commands and jobs."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db import connection
from django.db.models import BooleanField, Func, Value
from django.db.models.fields.json import KeyTransform
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
    "joined_since": "date_joined__gte",
    "joined_until": "date_joined__lte",
}
ADDRESS = {"country": "country", "city": "line4", "state": "state", "postcode": "postcode"}
METADATA = "metadata."  # and a key: a value in it


def filter_customers(people: UserQuerySet, criteria: Mapping[str, Any]) -> UserQuerySet:
    """Those of `people` who meet all the criteria: LOOKUPS, ADDRESS (all of one address), and `search`, `email`,
    `name`, `phone_number`, `tag`, the days `joined_from` and `joined_to`, and METADATA with a key: its value, or
    entries that a list has among others. Values are as the columns have them or as JSON keeps those; an empty one says
    nothing.
    """
    said = {name: value for name, value in criteria.items() if value not in (None, "")}
    people = people.filter(**{LOOKUPS[name]: value for name, value in said.items() if name in LOOKUPS})
    if any(float(said.get(name, 0)) > 0 for name in ("spent_from", "orders_from")):
        # Leads have bought nothing: said so, no order leads through all of them first.
        people = people.filter(user_type=UserType.CUSTOMER)
    if "joined_from" in said or "joined_to" in said:
        people = people.joined_between(_day(said.get("joined_from")), _day(said.get("joined_to")))
    if "email" in said:
        people = people.filter(email__lower=said["email"].lower())
    if "name" in said:
        people = people.named(said["name"])
    if "phone_number" in said:
        people = people.with_phone_like(said["phone_number"])
    if "tag" in said:
        people = people.tagged(said["tag"])
    if place := {ADDRESS[name]: value for name, value in said.items() if name in ADDRESS}:
        people = people.with_address(**place)
    for name, value in said.items():
        if name.startswith(METADATA):
            people = _with_metadata(people, name.removeprefix(METADATA), value)
    return people.found_by(said["search"]) if said.get("search", "").strip() else people


def _with_metadata(people: UserQuerySet, key: str, value: Any) -> UserQuerySet:
    if connection.vendor == "postgresql":
        return people.filter(metadata__contains={key: value})
    if not isinstance(value, list):
        return people.alias(told=KeyTransform(key, "metadata")).filter(told=value)
    entries = Func("metadata", Value(f'$."{key}"'), template="(SELECT value FROM json_each(%(expressions)s))")
    for each in value:
        is_one = Func(
            Value(each),
            entries,
            template="%(expressions)s",
            arg_joiner=" IN ",
            output_field=BooleanField(),
        )
        people = people.filter(is_one)
    return people


def _day(value: date | str | None) -> date | None:
    return parse_date(value) if isinstance(value, str) else value
