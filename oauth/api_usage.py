"""How many requests each app sends: counted in the process, and added to a table now and then.

A request costs no query more. What was counted since the last time is lost where a process is killed: some seconds.
"""

import logging
import time
from collections import Counter
from datetime import UTC, datetime
from multiprocessing.util import Finalize
from threading import Lock

from django.conf import settings
from django.db import Error, connection, transaction
from django.db.models import Sum

from oauth.models import ApiUsage

logger = logging.getLogger(__name__)

# Of an app's id and an hour, in seconds: the requests that the table does not know of yet.
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
    """One statement for all apps. Where the database is away, what was counted is kept for the next time."""
    global _added_at
    with _lock:
        _added_at = time.monotonic()
        # In one order everywhere, so that two processes never wait for each other in a circle.
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
        logger.warning("API calls could not be noted, and are kept for the next time: %s", error)
        with _lock:
            _counted.update(dict(counted))


def calls_by_app(since: datetime) -> list[tuple[str, int]]:
    """The names of apps, each with the requests it sent; those that sent most first."""
    rows = ApiUsage.objects.filter(hour__gte=since).values_list("app__name").annotate(total=Sum("calls"))
    return list(rows.order_by("-total", "app__name"))


def forget() -> None:
    """What was counted and is not in the table yet."""
    with _lock:
        _counted.clear()


# At the orderly end of a process, one of a server's workers included, which `atexit` does not reach.
Finalize(None, add_to_table, exitpriority=1)
