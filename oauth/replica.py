"""Reads that may be stale go to a streaming replica of PostgreSQL, if DATABASE_REPLICA_URL is set.

An app or a person reads from the replica once that has replayed their last write. Two positions in the write-ahead log
(LSNs) decide this: the primary keeps the LSN of the last write of each app in APPS, and of each person in PEOPLE. The
statement that finds a token returns that of the app. Everything else is read from the primary: tokens, limits,
idempotency, sign-in and permissions, what is not within `answer` or `read_for_person`, and what is within a transaction
on the primary.

The tables are not logged: a crash or a failover empties them. Who has no row is read for on the primary, and gets a row
with the LSN of that moment, which is behind everything that they have written.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.db import DEFAULT_DB_ALIAS, Error, OperationalError, connections
from django.http import Http404
from psycopg.errors import QueryCanceled

from oauth.signals import replica_asked
from oauth.statements import fetch_rows

logger = logging.getLogger(__name__)

REPLICA = "replica"  # the alias of the database
STORE = 0  # in place of the id of an app: the events of webhooks that belong to the store
IS_CONFIGURED = REPLICA in settings.DATABASES
APPS, PEOPLE = TABLES = "oauth_lastwrite_app", "oauth_lastwrite_person"
RETRY_AFTER = 5.0  # seconds without a request to a replica that did not answer
SAFE_METHODS = ("GET", "HEAD")

# An LSN is the number of bytes since the beginning of the log.
WRITTEN = "pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint"
REPLAYED = "SELECT coalesce(pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0'), 0)::bigint WHERE pg_is_in_recovery()"
RECORD = """
    INSERT INTO {table} AS known (id, lsn) SELECT unnest(%s::bigint[]), {written}
    ON CONFLICT (id) DO UPDATE SET lsn = greatest(known.lsn, excluded.lsn) RETURNING lsn
"""
RECORD_FIRST = """
    INSERT INTO {table} (id, lsn) SELECT unnest(%s::bigint[]), {written} ON CONFLICT DO NOTHING RETURNING lsn
"""
NEEDED_BY_PERSON = f"""
    SELECT greatest(lsn, {WRITTEN} - {settings.DATABASE_REPLICA_MAX_LAG:d}) FROM {PEOPLE} WHERE id = %s
"""  # noqa: S608  constants and a number of the settings are put in; the id is a parameter

Answer = TypeVar("Answer")

_alias: ContextVar[str] = ContextVar("reads_from", default=DEFAULT_DB_ALIAS)
_local = threading.local()  # `replayed`: a connection to the replica, and the last LSN that it was asked for


def needed_lsn_sql(app_id: str, *, is_of_store: str) -> str:
    """An expression: what the replica must have replayed to answer an app, and not to be too far behind. Null until
    RECORD_FIRST has run for the app. `app_id` is an expression, and `is_of_store` a condition: apps of the store itself
    get the events of the store's webhooks. Without a replica it is null."""
    if not IS_CONFIGURED:
        return "NULL"
    return f"""(
        SELECT CASE WHEN count(*) = CASE WHEN {is_of_store} THEN 2 ELSE 1 END
               THEN greatest(max(lsn), {WRITTEN} - {settings.DATABASE_REPLICA_MAX_LAG:d}) END
        FROM {APPS} WHERE id = ANY (ARRAY[{app_id}, CASE WHEN {is_of_store} THEN {STORE} END])
    )"""  # noqa: S608  constants, and the names that the caller gives


class NoStandby(OperationalError):
    """The server is not in recovery. It may be a former primary, which replays nothing."""


class Router:
    """Models of `customers` are read where the request reads. Those of others decide about sign-in and permissions."""

    def db_for_read(self, model, **hints):
        return reads_from() if model.__module__.startswith("customers.") else DEFAULT_DB_ALIAS

    def db_for_write(self, model, **hints):
        return DEFAULT_DB_ALIAS

    def allow_relation(self, *objects, **hints):
        return True

    def allow_migrate(self, db, app_label, **hints):
        return db != REPLICA


def reads_from() -> str:
    """The alias of the database for a read that may be stale."""
    alias = _alias.get()
    return alias if alias != REPLICA or not connections[DEFAULT_DB_ALIAS].in_atomic_block else DEFAULT_DB_ALIAS


def answer(
    handle: Callable[[], Answer],
    *,
    method: str,
    app_id: int,
    needed_lsn: int | None,
    missing: tuple[type[Exception], ...] = (),
) -> Answer:
    """Calls the handler of a request by an app. A GET may read from the replica; of others the LSN is recorded.

    Without a replica callers should call the handler themselves, which costs nothing.
    """
    if method in SAFE_METHODS:
        if needed_lsn is None:
            _record([app_id, STORE], APPS, RECORD_FIRST)
        return _read(handle, needed_lsn, missing=missing)
    try:
        return handle()
    finally:  # after an error, too: it may have come after a commit
        record_writes([app_id])


def read_for_person(handle: Callable[[], Answer], person_id: int) -> Answer:
    """Calls `handle`, as `answer` does for an app that reads. It costs a statement on the primary."""
    rows = fetch_rows(NEEDED_BY_PERSON, [person_id])
    if not rows:
        _record([person_id], PEOPLE, RECORD_FIRST)
    return _read(handle, rows[0][0] if rows else None)


@contextmanager
def writes_of_person(person_id: int, method: str) -> Iterator[None]:
    """Records what a request of a person has written within the block."""
    try:
        yield
    finally:
        if method not in SAFE_METHODS:
            record_writes_of_person(person_id)


@contextmanager
def from_primary() -> Iterator[None]:
    """Nothing within the block is read from the replica."""
    reset = _alias.set(DEFAULT_DB_ALIAS)
    try:
        yield
    finally:
        _alias.reset(reset)


def _read(handle: Callable[[], Answer], needed_lsn: int | None, *, missing: tuple[type[Exception], ...] = ()) -> Answer:
    """Calls `handle`: on the replica if that has replayed `needed_lsn`.

    If that fails, or if the replica lacks an object, `handle` is called again and reads from the primary. `missing`:
    errors that say so, besides Http404 and ObjectDoesNotExist. A statement that took too long is not repeated.
    """
    outcome = "behind" if needed_lsn is None else _ask(needed_lsn)
    lacks_it: tuple[type[Exception], ...] = Http404, ObjectDoesNotExist, *missing
    if outcome == REPLICA:
        reset = _alias.set(REPLICA)
        try:
            found = handle()
        except Error as error:
            if isinstance(error.__cause__, QueryCanceled):
                raise
            outcome = _failed(error)
        except lacks_it:
            outcome = "missing"
        else:
            replica_asked.send(None, outcome=REPLICA)
            return found
        finally:
            _alias.reset(reset)
    replica_asked.send(None, outcome=outcome)
    return handle()


def record_writes(app_ids: Collection[int]) -> None:
    """What is committed now will be seen by the next reads of these apps. STORE stands for all of the store's own."""
    if app_ids:
        _record(app_ids, APPS)


def record_writes_of_person(id: int) -> None:
    """What is committed now will be seen by the next pages of this person. Without a replica it does nothing."""
    if IS_CONFIGURED:
        _record([id], PEOPLE)


def _record(ids: Collection[int], table: str, statement: str = RECORD) -> None:
    fetch_rows(statement.format(table=table, written=WRITTEN), [sorted(ids)])  # in one order: rows are locked


def lag() -> int | None:
    """How many bytes of the log the replica has not replayed. None if it does not answer."""
    [(written,)] = fetch_rows(f"SELECT {WRITTEN}", ())
    if _breaker.is_open:
        return None
    try:
        return max(written - _replayed(), 0)
    except Error as error:
        _failed(error)
        return None


def _ask(needed_lsn: int) -> str:
    """REPLICA, or why it can't answer. It is asked only if it had not replayed that LSN when it was last asked, over
    the same connection: the LSN of a server only grows."""
    if _breaker.is_open:
        return "unavailable"
    connection, lsn = getattr(_local, "replayed", (None, 0))
    if lsn >= needed_lsn and connection is connections[REPLICA].connection:
        return REPLICA
    try:
        return REPLICA if _replayed() >= needed_lsn else "behind"
    except Error as error:
        return _failed(error)


def _replayed() -> int:
    """The LSN that the replica has replayed. Raises NoStandby, and errors of the database."""
    rows = fetch_rows(REPLAYED, (), using=REPLICA)
    if not rows:
        raise NoStandby("The server is not a standby.")
    _breaker.close()
    _local.replayed = connections[REPLICA].connection, rows[0][0]
    return rows[0][0]


def _failed(error: Error) -> str:
    """The outcome. A replica that has lost its connection is left alone for RETRY_AFTER seconds; one that has refused a
    statement, for example because it conflicts with what is replayed, is not."""
    connection = connections[REPLICA]
    if connection.connection and not connection.connection.closed and not isinstance(error, NoStandby):
        logger.info("A read was repeated on the primary: %s on the replica.", type(error.__cause__).__name__)
        return "failed"
    connection.close()
    _breaker.open(error)
    return "unavailable"


class _Breaker:
    """Of this process. While it is open, the replica is not asked."""

    def __init__(self) -> None:
        self.open_until = 0.0

    @property
    def is_open(self) -> bool:
        return self.open_until > time.monotonic()

    def open(self, error: Error) -> None:
        if not self.open_until:
            logger.warning("The replica of the database is unavailable; reads go to the primary: %s", error)
        self.open_until = time.monotonic() + RETRY_AFTER

    def close(self) -> None:
        if self.open_until:
            logger.warning("The replica of the database is available again.")
        self.open_until = 0.0


_breaker = _Breaker()
