"""The orders of the list of customers, and its pages: each starts after a customer, so none skips rows before it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import F, OrderBy, TextField, Value
from django.db.models.functions import Coalesce, NullIf

from customers.core.postgres import has_one_of_ids
from customers.dashboard.ids import is_id
from customers.models import Customer, User
from customers.querysets import UserQuerySet

AFTER, BEFORE, LAST = "after", "before", "last"  # parameters of the page
PARAMETERS = (AFTER, BEFORE, LAST)


@dataclass(frozen=True, slots=True)
class Term:
    """One column of an order. Missing values come last in the ascending order, as PostgreSQL has them."""

    column: str
    is_descending: bool = False
    is_nullable: bool = False
    blank_is_missing: bool = False
    is_indexed: bool = True
    via: str = ""  # the way to another table, which has a copy of the column

    @property
    def expression(self) -> Any:
        expression: Any = F(self.via + self.column)
        if self.blank_is_missing:
            expression = NullIf(self.column, Value(""), output_field=TextField())
        return expression if self.is_indexed else Coalesce(expression, expression)

    def value(self, customer: User) -> Any:
        value = getattr(customer, self.column)
        return None if self.blank_is_missing and not value else value

    def order(self) -> OrderBy:
        place = "nulls_first" if self.is_descending else "nulls_last"
        nulls: dict[str, Any] = {place: True} if self.is_nullable else {}
        return OrderBy(self.expression, descending=self.is_descending, **nulls)

    def beyond(self, alias: str, value: Any) -> Iterator[dict[str, Any]]:
        """The conditions for later values, one for each range of an index, in their order."""
        if value is not None:
            yield {f"{alias}__lt" if self.is_descending else f"{alias}__gt": value}
        if self.is_nullable and self.is_descending == (value is None):
            yield {f"{alias}__isnull": value is not None}


Order = Sequence[Term]
ID = Term("pk")
# Leads have bought nothing, so ordering by type first changes nothing that a person sees; and one index then serves the
# list both with and without a filter by type.
TYPE = Term("user_type", is_descending=True)
ORDERS: Mapping[str, tuple[str, Order]] = {
    "joined": ("Joined", [Term("date_joined"), ID]),
    "name": ("Name", [Term("full_name", is_nullable=True, blank_is_missing=True), ID]),
    "mail": ("Email", [Term("email_key", is_nullable=True), ID]),
    "orders": ("Orders", [TYPE, Term("orders_count"), ID]),
    "spent": ("Spent", [TYPE, Term("total_spent"), ID]),
}
DEFAULT = "-joined"


def order_of(name: str) -> Order:
    """By the name of a column, with "-" for the descending order."""
    terms = ORDERS[name.removeprefix("-")][1]
    return reversed_order(terms) if name.startswith("-") else terms


def is_order(name: str) -> bool:
    return name.removeprefix("-") in ORDERS


def reversed_order(order: Order) -> Order:
    return [replace(term, is_descending=not term.is_descending) for term in order]


@dataclass(frozen=True, slots=True)
class Page:
    rows: list[User]
    has_previous: bool
    has_next: bool


def read_page(people: UserQuerySet, order: Order, given: Mapping[str, str], size: int) -> Page:
    """The page after or before a customer, the first or the last one, as `given` says by the PARAMETERS.

    A page that would be empty, because its customers are gone, is the first or the last one instead.
    """
    if anchor := _customer(given.get(AFTER)):
        rows = list(_read(people, order, anchor, size + 1))
        if rows:
            return Page(rows[:size], has_previous=True, has_next=len(rows) > size)
        return _last(people, order, size)
    if anchor := _customer(given.get(BEFORE)):
        rows = list(_read(people, reversed_order(order), anchor, size + 1))
        if rows:
            return Page(rows[:size][::-1], has_previous=len(rows) > size, has_next=True)
    elif LAST in given:
        return _last(people, order, size)
    rows = list(_read(people, order, None, size + 1))
    return Page(rows[:size], has_previous=False, has_next=len(rows) > size)


def _last(people: UserQuerySet, order: Order, size: int) -> Page:
    rows = list(_read(people, reversed_order(order), None, size + 1))
    return Page(rows[:size][::-1], has_previous=len(rows) > size, has_next=False)


def _customer(id: str | None) -> Customer | None:
    return Customer.objects.filter(pk=int(id)).first() if id and is_id(id) else None


def _read(people: UserQuerySet, order: Order, anchor: User | None, limit: int) -> Iterator[User]:
    """The first `limit` people after the anchor. Reads the ranges of an index one after the other: the people who have
    all but the last value in common with the anchor, then all but the last two, and so on."""
    people = people.order_by(*(term.order() for term in order))
    if anchor is None:
        yield from people[:limit]
        return
    aliases = {f"sort_{number}": term.expression for number, term in enumerate(order)}
    values = [term.value(anchor) for term in order]
    ranged = people.alias(**aliases)
    for number in reversed(range(len(order))):
        alike = dict(_equal(f"sort_{place}", values[place]) for place in range(number))
        for beyond in order[number].beyond(f"sort_{number}", values[number]):
            if limit <= 0:
                return
            rows = list(ranged.filter(**alike, **beyond)[:limit])
            limit -= len(rows)
            yield from rows


def _equal(alias: str, value: Any) -> tuple[str, Any]:
    return (f"{alias}__isnull", True) if value is None else (alias, value)


def of_buyers(order: Order) -> Order:
    """The order of people who all have bought. By date of joining, an index of `Buyer` also has the days of orders."""
    return [replace(term, via="buyer__") for term in order] if order[0].column == "date_joined" else order


def among(ids: Sequence[int], order: Order) -> tuple[UserQuerySet, Order]:
    """These few people in this order. The database finds them by their ids and sorts them: as an expression without an
    index, so that it does not walk through the whole table in that order, expecting to meet them soon."""
    first, *rest = order
    return Customer.objects.filter(has_one_of_ids(ids)), [replace(first, is_indexed=False), *rest]
