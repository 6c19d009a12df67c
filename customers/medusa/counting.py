"""How many there are: exactly, as long as that is cheap."""

import time
from collections import OrderedDict
from threading import Lock

from django.conf import settings
from django.db.models import QuerySet

EXACT_UP_TO = 10_000
REMEMBERED_AT_MOST = 256

# What was asked for, with how many there were and when that was counted.
_counts: OrderedDict[str, tuple[int, float]] = OrderedDict()
_lock = Lock()


def count_of(asked_for: str, rows: QuerySet) -> int:
    """Counting takes as long as there are rows: more than 10,000 of what is `asked_for` are remembered, in the process
    and for `MEDUSA_COUNT_SECONDS`, so that not every page waits for it."""
    with _lock:
        count, counted_at = _counts.get(asked_for, (0, 0.0))
    now = time.monotonic()
    if count and now - counted_at < settings.MEDUSA_COUNT_SECONDS:
        return count
    count = rows.count()
    with _lock:
        _counts.pop(asked_for, None)
        if count > EXACT_UP_TO:
            _counts[asked_for] = (count, now)
        if len(_counts) > REMEMBERED_AT_MOST:
            _counts.popitem(last=False)
    return count


def forget() -> None:
    with _lock:
        _counts.clear()
