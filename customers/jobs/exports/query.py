"""The customers that an export writes, as rows of plain values."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Max, Min
from django.utils import timezone

from customers.jobs.imports.columns import ADDRESS, COUNTERS, PERSON, PURCHASES
from customers.models import Address, Customer
from customers.orders.models import Order
from customers.querysets import UserQuerySet

BATCH = 2_000  # customers; each batch takes three queries
NO_PURCHASES = dict.fromkeys(PURCHASES)


def exportable_customers() -> UserQuerySet:
    """Leads and customers. Erased customers have no email, and are left out."""
    return Customer.objects.exclude(email=None)


def rows(customers: UserQuerySet, *, after: int = 0, limit: int | None = None) -> Iterator[dict[str, Any]]:
    """The first `limit` customers with an id above `after`, by id, in constant memory.

    A row has the `id`, PERSON, COUNTERS, PURCHASES and the list `addresses`.
    """
    left = limit
    while batch := list(
        customers.filter(pk__gt=after).order_by("pk").values("id", *PERSON, *COUNTERS)[: min(left or BATCH, BATCH)]
    ):
        addresses: dict[int, list[dict[str, Any]]] = {row["id"]: [] for row in batch}
        for address in Address.objects.filter(user__in=addresses).order_by("pk").values("user_id", *ADDRESS):
            addresses[address.pop("user_id")].append(address)
        purchases = _purchases([row["id"] for row in batch if row["orders_count"]])
        for row in batch:
            row["date_joined"] = _format_datetime(row["date_joined"])
            yield {**row, **purchases.get(row["id"], NO_PURCHASES), "addresses": addresses[row["id"]]}
        after = batch[-1]["id"]
        if left is not None:
            left -= len(batch)
            if left <= 0:
                return


def _purchases(ids: list[int]) -> dict[int, dict[str, str]]:
    """The dates of the first and the last successful order of each of these customers."""
    if not ids:
        return {}
    placed = Order.objects.successful().filter(user__in=ids).order_by().values_list("user_id")
    spans = placed.annotate(Min("date_placed"), Max("date_placed"))
    return {
        user_id: dict(zip(PURCHASES, (_format_datetime(first), _format_datetime(last)), strict=True))
        for user_id, first, last in spans
    }


def _format_datetime(value: datetime) -> str:
    """In the store's time zone."""
    return timezone.localtime(value).isoformat()
