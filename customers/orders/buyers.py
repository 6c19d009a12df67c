"""Filters of customers by the days of their successful orders, in the store's time zone. A day is a date, or its text
in ISO 8601."""

from datetime import date, timedelta

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.dateparse import parse_date

from customers.core.dates import within_days
from customers.orders.models import Order
from customers.querysets import UserQuerySet

ONE_DAY = timedelta(days=1)


def ordered_from(people: UserQuerySet, day: date | str) -> UserQuerySet:
    """Those with an order on this day or later."""
    return people.filter(Exists(_orders(_day(day), None)))


def ordered_to(people: UserQuerySet, day: date | str) -> UserQuerySet:
    """Those with an order on this day or earlier."""
    return people.filter(Exists(_orders(None, _day(day))))


def first_order_from(people: UserQuerySet, day: date | str) -> UserQuerySet:
    """Those whose first order is of this day or later."""
    first = _day(day)
    return people.filter(Exists(_orders(first, None)), ~Exists(_orders(None, first - ONE_DAY)))


def last_order_to(people: UserQuerySet, day: date | str) -> UserQuerySet:
    """Those whose last order is of this day or earlier."""
    last = _day(day)
    return people.filter(Exists(_orders(None, last)), ~Exists(_orders(last + ONE_DAY, None)))


FILTERS = {each.__name__: each for each in (ordered_from, ordered_to, first_order_from, last_order_to)}


def _orders(first: date | None, last: date | None) -> QuerySet:
    orders = Order.objects.successful().filter(user=OuterRef("pk"))
    return within_days(orders, "date_placed", first, last)


def _day(value: date | str) -> date:
    """Raises ValueError."""
    day = parse_date(value) if isinstance(value, str) else value
    if day is None or not date.min < day < date.max:
        raise ValueError("This is no day.")
    return day
