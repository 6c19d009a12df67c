"""Several callers at the same moment, each with a thread and a database connection of its own."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from django.db import connection


def at_once(calls: Sequence[Callable]) -> list:
    """The results of the calls, which all start together."""
    barrier = Barrier(len(calls), timeout=60)

    def run(call):
        connection.ensure_connection()
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(in_thread, run, call) for call in calls]]


def in_thread(call: Callable, *arguments):
    """What a thread has to do: close the connection it opened."""
    try:
        return call(*arguments)
    finally:
        connection.close()


# Not by pg_stat_activity, of which a transaction sees only what it first saw.
WAITING = """
    SELECT count(DISTINCT pid) FROM pg_locks JOIN pg_locks its USING (pid)
    WHERE NOT pg_locks.granted
      AND its.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def wait_until_waiting(quantity: int) -> None:
    """Until so many connections to this database, PostgreSQL, wait for a lock."""
    deadline = time.monotonic() + 60
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute(WAITING)
            if cursor.fetchone()[0] >= quantity:
                return
            time.sleep(0.01)
    raise TimeoutError(f"fewer than {quantity} connections wait for a lock")


def most_within_a_second(grants: list[tuple[float, float]]) -> int:
    """How many of the grants certainly fell within one second. Each is the time just before it was asked for and the
    time just after it was given: it was taken somewhere between."""
    return max(sum(first <= asked and given < first + 1 for asked, given in grants) for first, _ in grants)
