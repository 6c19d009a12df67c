"""How many requests each app sends: counted in memory, and added to a table every API_USAGE_INTERVAL seconds.

A request costs no extra query. A killed process loses the counts since the last addition.
"""

import logging
import time
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from multiprocessing.util import Finalize
from threading import Lock

from django.conf import settings
from django.db import Error, connection, transaction
from django.db.models import QuerySet, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from oauth.models import ApiUsage

logger = logging.getLogger(__name__)

# Requests that are not in the table yet, by the app's id and the start of the hour in seconds since the epoch.
_counted: Counter[tuple[int, int]] = Counter()
_lock = Lock()
_added_at = time.monotonic()

ADD = """
    INSERT INTO {table} (app_id, hour, calls) VALUES {rows}
    ON CONFLICT (hour, app_id) DO UPDATE SET calls = {table}.calls + excluded.calls
"""


def count_call(app_id: int) -> None:
    with _lock:
        _counted[app_id, int(time.time()) // 3600 * 3600] += 1
    if time.monotonic() - _added_at >= settings.API_USAGE_INTERVAL:
        add_to_table()


def add_to_table() -> None:
    """Adds the counts of all apps in one statement. If the database fails, they are kept for the next time."""
    global _added_at
    with _lock:
        _added_at = time.monotonic()
        # Sorted, so that processes lock rows in the same order and never deadlock.
        counted = sorted(_counted.items())
        _counted.clear()
    if not counted:
        return
    statement = ADD.format(table=ApiUsage._meta.db_table, rows=", ".join(["(%s, %s, %s)"] * len(counted)))
    adapt = connection.ops.adapt_datetimefield_value
    values = [v for (app_id, hour), calls in counted for v in (app_id, adapt(datetime.fromtimestamp(hour, UTC)), calls)]
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, values)
    except Error as error:
        logger.warning("API calls could not be stored, and are kept for the next time: %s", error)
        with _lock:
            _counted.update(dict(counted))


def calls_by_app(since: datetime) -> list[tuple[str, int]]:
    """The names of apps with the number of their requests, the largest first."""
    rows = ApiUsage.objects.filter(hour__gte=since).values_list("app__name").annotate(total=Sum("calls"))
    return list(rows.order_by("-total", "app__name"))


def from_before(time: datetime) -> QuerySet[ApiUsage]:
    return ApiUsage.objects.filter(hour__lt=time)


def calls_by_day(app_id: int, days: int) -> list[tuple[date, int]]:
    """Days of the store's time zone with the number of an app's requests, newest first, without days that have none."""
    since = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)
    rows = ApiUsage.objects.filter(app_id=app_id, hour__gte=since)
    by_day = rows.annotate(day=TruncDate("hour")).values_list("day").annotate(total=Sum("calls"))
    return list(by_day.order_by("-day"))


def discard() -> None:
    """Forgets the counts that are not in the table yet."""
    with _lock:
        _counted.clear()


# When a process ends in order. `atexit` does not run in the workers of the server.
Finalize(None, add_to_table, exitpriority=1)
