"""The customers that an export writes, as rows of plain values."""

from collections.abc import Iterator
from datetime import tzinfo
from typing import Any

import orjson
from django.db.models import Max, Min, Q, TextField
from django.db.models.functions import Cast
from django.utils import timezone

from customers.jobs.imports.columns import ADDRESS, BLOCK, CONSENT, COUNTERS, PERSON, PURCHASES
from customers.models import Address, Customer
from customers.orders.models import Order
from customers.querysets import UserQuerySet
from customers.timeline import Consent, consents

BATCH = 2_000  # customers; each batch takes four queries
NAMES = ("id", *PERSON, *COUNTERS)
# JSON as text: Django reads it four times as slowly as `orjson`.
JSON_TEXTS = {f"{name}_text": Cast(name, TextField()) for name in ("tags", "metadata")}
NO_PURCHASES = dict.fromkeys(PURCHASES)
NO_CONSENT = dict.fromkeys(CONSENT)
BLOCK_COLUMNS = dict(zip(BLOCK, ("blocked_at", "blocked_by__email", "block_reason", "blocked_until"), strict=True))
COLUMNS = [*(f"{name}_text" if f"{name}_text" in JSON_TEXTS else name for name in NAMES), *BLOCK_COLUMNS.values()]


def exportable_customers() -> UserQuerySet:
    """Leads and customers. Erased customers have no email, and are left out."""
    return Customer.objects.exclude(email=None)


def rows(customers: UserQuerySet, *, after: int = 0, limit: int | None = None) -> Iterator[dict[str, Any]]:
    """The first `limit` customers with an id above `after`, by id, in constant memory.

    A row has the `id`, PERSON, COUNTERS, PURCHASES, BLOCK, CONSENT and the list `addresses`.
    """
    left = limit
    customers = customers.order_by("pk").annotate(**JSON_TEXTS)
    while batch := list(customers.filter(pk__gt=after).values_list(*COLUMNS)[: min(left or BATCH, BATCH)]):
        zone = timezone.get_current_timezone()
        addresses: dict[int, list[dict[str, Any]]] = {row[0]: [] for row in batch}
        first, last = batch[0][0], batch[-1][0]
        # A list of ids takes longer to send than the rows that it finds; a range finds those of others, too.
        is_dense = last - first < 2 * len(batch)
        owners = Q(user__gte=first, user__lte=last) if is_dense else Q(user__in=addresses)
        for user_id, *values in Address.objects.filter(owners).order_by("pk").values_list("user_id", *ADDRESS):
            if user_id in addresses:
                addresses[user_id].append(dict(zip(ADDRESS, values, strict=True)))
        rows = [dict(zip((*NAMES, *BLOCK), values, strict=True)) for values in batch]
        purchases = _purchases([row["id"] for row in rows if row["orders_count"]], zone)
        evidence = consents(addresses, owners)
        for row in rows:
            id = row["id"]
            row["tags"] = orjson.loads(row["tags"])
            row["metadata"] = row["metadata"] and orjson.loads(row["metadata"])
            row["date_joined"] = row["date_joined"].astimezone(zone).isoformat()
            block = {name: row.pop(name) for name in BLOCK}
            for name in ("blocked_at", "blocked_until"):
                block[name] = block[name] and block[name].astimezone(zone).isoformat()
            consent = _consent(evidence[id], zone) if id in evidence else NO_CONSENT
            yield {**row, **purchases.get(id, NO_PURCHASES), **block, **consent, "addresses": addresses[id]}
        after = rows[-1]["id"]
        if left is not None:
            left -= len(batch)
            if left <= 0:
                return


def _consent(consent: Consent, zone: tzinfo) -> dict[str, Any]:
    values = (consent.at.astimezone(zone).isoformat(), consent.who, consent.app, consent.ip, consent.text)
    return dict(zip(CONSENT, values, strict=True))


def _purchases(ids: list[int], zone: tzinfo) -> dict[int, dict[str, str]]:
    """The dates of the first and the last successful order of each of these customers."""
    if not ids:
        return {}
    placed = Order.objects.successful().filter(user__in=ids).order_by().values_list("user_id")
    spans = placed.annotate(Min("date_placed"), Max("date_placed"))
    return {
        user_id: dict(
            zip(PURCHASES, (first.astimezone(zone).isoformat(), last.astimezone(zone).isoformat()), strict=True)
        )
        for user_id, first, last in spans
    }
