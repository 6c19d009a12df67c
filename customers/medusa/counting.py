"""The number of rows of a query: exact up to 10,000, cached for some seconds above that."""

import time
from collections import OrderedDict
from threading import Lock

from django.conf import settings
from django.db.models import QuerySet

EXACT_UP_TO = 10_000
MAX_CACHED = 256

# By query: the number of rows, and when they were counted.
_counts: OrderedDict[str, tuple[int, float]] = OrderedDict()
_lock = Lock()


def cached_count(query: str, rows: QuerySet) -> int:
    """Keeps a count above 10,000 in the process for MEDUSA_COUNT_SECONDS, under the text `query`.

    Counting many rows takes long, and not every page has to wait for it.
    """
    with _lock:
        count, counted_at = _counts.get(query, (0, 0.0))
    now = time.monotonic()
    if count and now - counted_at < settings.MEDUSA_COUNT_SECONDS:
        return count
    count = rows.count()
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
