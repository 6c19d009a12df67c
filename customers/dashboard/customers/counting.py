"""The number of customers in the list: exact, and never counted while somebody waits for a page.

All customers: see `customers.customer_count`. Up to MAX_COUNTED of a search or filter are counted with the page. If
there are more, the list says so, and asks for the number afterwards; it is then kept for KEPT_FOR.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from customers.core.postgres import custom_plan
from customers.orders import buyers
from customers.querysets import UserQuerySet

MAX_COUNTED = 2_000
KEPT_FOR = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Number:
    """`number` is a lower bound if `is_more`. `counted_at`: None if it was counted together with the page."""

    number: int
    is_more: bool = False
    counted_at: datetime | None = None

    def __str__(self) -> str:
        noun = "customer" if self.number == 1 else "customers"
        return f"{'more than ' if self.is_more else ''}{self.number:,} {noun}"


def kept_number(filters: Mapping[str, Any]) -> Number:
    """Of a search or filter with more than MAX_COUNTED customers."""
    kept = cache.get(_key(filters))
    return Number(kept[0], counted_at=kept[1]) if kept else Number(MAX_COUNTED, is_more=True)


def count(people: UserQuerySet, filters: Mapping[str, Any]) -> Number:
    """Counts all of them, and keeps the number."""
    if (kept := kept_number(filters)).counted_at:
        return kept
    with custom_plan():
        only_days = filters.keys() <= buyers.COLUMNS.keys()
        number = buyers.count_customers(filters) if only_days else people.order_by().count()
    now = timezone.now()
    cache.set(_key(filters), (number, now), KEPT_FOR.total_seconds())
    return Number(number, counted_at=now)


def _key(filters: Mapping[str, Any]) -> str:
    text = json.dumps(filters, cls=DjangoJSONEncoder, sort_keys=True)
    return f"customers-matching-{hashlib.sha256(text.encode()).hexdigest()}"
