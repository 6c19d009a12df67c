"""Sends the statements of nearly every request, at less cost than Django's cursors."""

import re
import threading
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import psycopg
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus, TransactionStatus

_local = threading.local()

MOST_PREPARED = 100  # statements of a connection; psycopg keeps as many
# PostgreSQL's errors for a statement that it has forgotten, and for one whose table was changed. It ran neither.
MUST_BE_PREPARED_AGAIN = (b"26000", b"0A000")
PLACEHOLDER = re.compile(r"%(?:%|s|\((\w+)\)s)")

PreparedKey = tuple[bytes, tuple[int, ...]]  # SQL and the types of its parameters


def fetch_rows(sql: str, params: Sequence[Any] | Mapping[str, Any], *, using: str = DEFAULT_DB_ALIAS) -> list[tuple]:
    """All rows of a statement. Errors, transactions and `execute_wrapper` work as with `connection.cursor()`."""
    kept = vars(_local).get(using)
    wrapper: Any = kept.wrapper if kept else connections[using]  # which Django looks for in 1.3 µs
    if wrapper.vendor != "postgresql" or wrapper.queries_logged or wrapper.execute_wrappers:
        with wrapper.cursor() as cursor:
            cursor.execute(sql, params)
            return cursor.fetchall()
    if not wrapper.health_check_done:
        wrapper.close_if_health_check_failed()
    wrapper.ensure_connection()
    wrapper.validate_no_broken_transaction()
    with wrapper.wrap_database_errors:
        if kept is None or kept.connection is not wrapper.connection:
            kept = vars(_local)[using] = Statements(wrapper)
        return kept.fetch(sql, params)


class Statements:
    """Sends statements over one connection of psycopg.

    Outside a transaction they are prepared, and sent by psycopg's wrapper of libpq. A statement then takes 13 µs of CPU
    time and the two of a retrieve 130; with one kept cursor of psycopg, whose code is in Python, 20 and 180.
    """

    def __init__(self, wrapper: Any):
        self.wrapper, self.connection, self.cursor = wrapper, wrapper.connection, wrapper.create_cursor()
        self.pgconn = self.connection.pgconn
        self.transformer = Transformer(self.connection)
        self.names: dict[PreparedKey, bytes] = {}  # of prepared statements, oldest first
        self.prepared = 0

    def fetch(self, sql: str, params: Sequence[Any] | Mapping[str, Any]) -> list[tuple]:
        is_idle = self.pgconn.transaction_status == TransactionStatus.IDLE and self.connection.autocommit
        # Without a threshold nothing is prepared: with a pooler, and where each statement has a plan of its own. Traces
        # are made by cursors.
        may_prepare = self.connection.prepare_threshold is not None and not settings.TRACING
        if not (may_prepare and is_idle):
            self.cursor.execute(sql, params)
            return self.cursor.fetchall()
        numbered, names = for_libpq(sql)
        values: Any = params if names is None else [params[name] for name in names]  # type: ignore[call-overload]
        texts = self.transformer.dump_sequence(values, [PyFormat.AUTO] * len(values))
        result = self.execute((numbered, self.transformer.types or ()), texts)
        self.transformer.set_pgresult(result)
        return self.transformer.load_rows(0, result.ntuples, tuple)

    def execute(self, key: PreparedKey, texts: Sequence[Any]) -> Any:
        """The result of libpq. Raises psycopg's errors."""
        formats = self.transformer.formats
        result = self.pgconn.exec_prepared(self.names.get(key) or self.prepare(key), texts, formats)
        if result.status == ExecStatus.FATAL_ERROR:
            if result.error_field(DiagnosticField.SQLSTATE) in MUST_BE_PREPARED_AGAIN:
                del self.names[key]
                result = self.pgconn.exec_prepared(self.prepare(key), texts, formats)
            self.check(result)
        return result

    def prepare(self, key: PreparedKey) -> bytes:
        if len(self.names) >= MOST_PREPARED:
            oldest = self.names.pop(next(iter(self.names)))
            self.pgconn.exec_(b"DEALLOCATE " + oldest)  # fails after psycopg's DEALLOCATE ALL, which does no harm
        self.prepared += 1
        name = b"fetch_rows_%d" % self.prepared
        self.check(self.pgconn.prepare(name, *key))
        self.names[key] = name
        return name

    def check(self, result: Any) -> None:
        if result.status != ExecStatus.FATAL_ERROR:
            return
        if self.pgconn.status != ConnStatus.OK:
            raise psycopg.OperationalError(result.get_error_message())
        raise error_from_result(result)


@lru_cache
def for_libpq(sql: str) -> tuple[bytes, list[str] | None]:
    """A statement with `$1` in place of `%s` or `%(name)s`, and any names in the order of the numbers."""
    numbers: dict[str, int] = {}

    def numbered(placeholder: re.Match) -> str:
        if placeholder[0] == "%%":
            return "%"
        name = placeholder[1] or str(len(numbers))
        return f"${numbers.setdefault(name, len(numbers) + 1)}"

    return PLACEHOLDER.sub(numbered, sql).encode(), list(numbers) if "%(" in sql else None
