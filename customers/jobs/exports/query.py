"""The customers that an export writes, as rows of plain values."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Max, Min
from django.utils import timezone

from customers.jobs.imports.columns import ADDRESS, BLOCK, CONSENT, COUNTERS, PERSON, PURCHASES
from customers.models import Address, Customer
from customers.orders.models import Order
from customers.querysets import UserQuerySet
from customers.timeline import Consent, consents

BATCH = 2_000  # customers; each batch takes four queries
NO_PURCHASES = dict.fromkeys(PURCHASES)
NO_CONSENT = dict.fromkeys(CONSENT)
BLOCK_COLUMNS = dict(zip(BLOCK, ("blocked_at", "blocked_by__email", "block_reason", "blocked_until"), strict=True))


def exportable_customers() -> UserQuerySet:
    """Leads and customers. Erased customers have no email, and are left out."""
    return Customer.objects.exclude(email=None)


def rows(customers: UserQuerySet, *, after: int = 0, limit: int | None = None) -> Iterator[dict[str, Any]]:
    """The first `limit` customers with an id above `after`, by id, in constant memory.

    A row has the `id`, PERSON, COUNTERS, PURCHASES, BLOCK, CONSENT and the list `addresses`.
    """
    left = limit
    while batch := list(
        customers.filter(pk__gt=after)
        .order_by("pk")
        .values("id", *PERSON, *COUNTERS, *BLOCK_COLUMNS.values())[: min(left or BATCH, BATCH)]
    ):
        addresses: dict[int, list[dict[str, Any]]] = {row["id"]: [] for row in batch}
        for address in Address.objects.filter(user__in=addresses).order_by("pk").values("user_id", *ADDRESS):
            addresses[address.pop("user_id")].append(address)
        purchases = _purchases([row["id"] for row in batch if row["orders_count"]])
        evidence = consents([row["id"] for row in batch])
        for row in batch:
            id = row["id"]
            row["date_joined"] = _format_datetime(row["date_joined"])
            block = {name: row.pop(column) for name, column in BLOCK_COLUMNS.items()}
            for name in ("blocked_at", "blocked_until"):
                block[name] = block[name] and _format_datetime(block[name])
            consent = _consent(evidence[id]) if id in evidence else NO_CONSENT
            yield {**row, **purchases.get(id, NO_PURCHASES), **block, **consent, "addresses": addresses[id]}
        after = batch[-1]["id"]
        if left is not None:
            left -= len(batch)
            if left <= 0:
                return


def _consent(consent: Consent) -> dict[str, Any]:
    values = (_format_datetime(consent.at), consent.who, consent.app, consent.ip, consent.text)
    return dict(zip(CONSENT, values, strict=True))


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
