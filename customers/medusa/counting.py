"""The `count` of a list: exact for all customers; with filters exact up to 10,000, cached for seconds above that."""

import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from django.conf import settings

from customers.customer_count import kept_number

EXACT_UP_TO = 10_000
MAX_CACHED = 256

# By query: the number of rows, and when they were counted.
_counts: OrderedDict[str, tuple[int, float]] = OrderedDict()
_lock = Lock()


def count_of_customers(filters: str, count: Callable[[], int]) -> int:
    """`filters`: a text of what `count` filters by; empty for all customers.

    The number of all customers is kept: it costs no count, once a worker has counted them.
    """
    kept = None if filters else kept_number(with_erased=True)
    return cached_count(filters, count) if kept is None else kept


def cached_count(query: str, count_rows: Callable[[], int]) -> int:
    """Keeps a count above 10,000 in the process for MEDUSA_COUNT_SECONDS, under the text `query`.

    Counting many rows takes long, and not every page has to wait for it.
    """
    with _lock:
        count, counted_at = _counts.get(query, (0, 0.0))
    now = time.monotonic()
    if count and now - counted_at < settings.MEDUSA_COUNT_SECONDS:
        return count
    count = count_rows()
    with _lock:
        _counts.pop(query, None)
        if count > EXACT_UP_TO:
            _counts[query] = (count, now)
        if len(_counts) > MAX_CACHED:
            _counts.popitem(last=False)
    return count


def forget() -> None:
    with _lock:
        _counts.clear()
