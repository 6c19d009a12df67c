"""The days of the first and the last successful order of each customer, and filters by them, in the store's time zone.
A day is a date, or its text in ISO 8601."""

from collections.abc import Collection, Mapping
from datetime import date
from functools import partial
from typing import TypeVar, cast

from django.db.models import F, Max, Min, QuerySet
from django.utils.dateparse import parse_date

from customers import filters
from customers.core.dates import within_days
from customers.models import User, UserType
from customers.orders.models import Buyer, Order
from customers.ownership import Rows

Found = TypeVar("Found", bound=QuerySet)
FIRST, LAST = "first_order_at", "last_order_at"


def update_buyers(user_ids: Collection[int]) -> None:
    """To call whenever orders of these customers, who are locked, came, changed or went."""
    orders = Order.objects.filter(user__in=user_ids).successful().order_by()
    rows = orders.values("user_id", date_joined=F("user__date_joined"))
    buyers = [Buyer(**row) for row in rows.annotate(**{FIRST: Min("date_placed"), LAST: Max("date_placed")})]
    Buyer.objects.bulk_create(buyers, update_conflicts=True, unique_fields=["user"], update_fields=[FIRST, LAST])
    if others := set(user_ids) - {buyer.user_id for buyer in buyers}:
        Buyer.objects.filter(pk__in=others).delete()


class BuyerRows(Rows):
    """Follow from the orders, which a merge moves first."""

    def pass_on(self, kept_id, other_id):
        update_buyers([kept_id, other_id])
        return {"is_computed": True}

    def take_back(self, kept_id, other_id, passed):
        update_buyers([kept_id, other_id])


def count_customers(days: Mapping[str, date | str]) -> int:
    """Those who match these filters of COLUMNS. Reads buyers, and not each customer: only those who are not listed."""
    found = Buyer.objects.all()
    for name, value in days.items():
        column, is_first = COLUMNS[name]
        found = _within(found, value, column=column, is_first=is_first)
    erased = User.objects.filter(erased_at__isnull=False)
    staff = User.objects.filter(user_type=UserType.DASHBOARD, erased_at=None)
    return found.count() - found.filter(user__in=erased).count() - found.filter(user__in=staff).count()


def _within(rows: Found, value: date | str, *, column: str, is_first: bool) -> Found:
    """Raises ValueError."""
    day = parse_date(value) if isinstance(value, str) else value
    if day is None or not date.min < day < date.max:
        raise ValueError("This is no day.")
    return cast(Found, within_days(rows, column, day if is_first else None, None if is_first else day))


# The column that each filter looks at, and whether its value is the first day, or the last one, of the range.
COLUMNS = {
    "ordered_from": (LAST, True),
    "ordered_to": (FIRST, False),
    "first_order_from": (FIRST, True),
    "last_order_to": (LAST, False),
}


def register_filters() -> None:
    for name, (column, is_first) in COLUMNS.items():
        path = f"buyer__{column}"
        filters.register_filter(name, partial(_within, column=path, is_first=is_first), index=path)
