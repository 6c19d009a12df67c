"""What only PostgreSQL has. On SQLite each function does what it can, or nothing."""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import repeat
from typing import Any, NamedTuple

import orjson
from django.db import connection, connections, transaction
from django.db.models import AutoField, BooleanField, CharField, Func, JSONField, Model, Q, TextField, Value

from oauth.replica import reads_from

MIN_ROWS_FOR_COPY = 100
# A statement takes this lock before it takes an id, and its transaction keeps it to the end.
WRITERS = """
    SELECT virtualtransaction FROM pg_locks
    WHERE relation = %s::regclass AND mode = 'RowExclusiveLock' AND pid IS DISTINCT FROM pg_backend_pid()
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
SORT_INTO_INDEXES = """
    SELECT gin_clean_pending_list(index.oid)
    FROM pg_class AS index JOIN pg_index ON indexrelid = index.oid JOIN pg_am AS method ON method.oid = index.relam
    WHERE amname = 'gin' AND indrelid = ANY (%s::regclass[]) AND pg_has_role(index.relowner, 'USAGE')
"""
# In pages of 8 KB: 100 more can still be read for each row.
GROWN = """
    SELECT relname FROM pg_class
    WHERE oid = ANY (%s::regclass[]) AND pg_relation_size(oid) / 8192 > %s::float8 * relpages + 100
"""
COPY_ESCAPES = {"\\": r"\\", "\n": r"\n", "\r": r"\r", "\t": r"\t"}
ESCAPED = str.maketrans(COPY_ESCAPES)


@contextmanager
def custom_plan():
    """Plans each statement in the block for its own parameters. On SQLite nothing is done.

    PostgreSQL soon plans a prepared statement once for all parameters. It can't know then how rare a part of a name
    is, and reads the whole table in the order of the list until it has found enough.
    """
    wrapper = connections[reads_from()]
    if wrapper.vendor != "postgresql":
        yield
        return
    wrapper.ensure_connection()
    kept = wrapper.connection
    threshold, kept.prepare_threshold = kept.prepare_threshold, None  # psycopg's way to prepare nothing
    try:
        yield
    finally:
        kept.prepare_threshold = threshold


def has_one_of_ids(ids: Sequence[int]) -> Any:
    """The condition `pk__in=ids` for many ids. PostgreSQL gets all of them as one parameter, which saves 10 µs for each
    id."""
    if connection.vendor != "postgresql":
        return Q(pk__in=ids)
    return Func("pk", Value(ids), template="%(expressions)s)", arg_joiner=" = ANY (", output_field=BooleanField())


def lock_until_commit(model: Any, key: str = "") -> None:
    """Lets one transaction at a time pass this line for the model, or for this `key` of it. On SQLite, transactions
    never overlap."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [model._meta.db_table + key])


def writers_of(model: Any) -> set[str]:
    """The other transactions that may have inserted rows of the model, and have not ended. None on SQLite, where one
    transaction writes at a time: no lower id comes after a higher one."""
    if connection.vendor != "postgresql":
        return set()
    with connection.cursor() as cursor:
        cursor.execute(WRITERS, [model._meta.db_table])
        return {transaction for (transaction,) in cursor.fetchall()}


def expect_new_rows(model: Any, number: int) -> None:
    """For a transaction that takes ids before it inserts rows. PostgreSQL only.

    Makes it one of `writers_of`. Where the rows are many, PostgreSQL may collect more of their trigrams before it
    sorts them into the indexes: the log gets an eighth smaller. A search looks through what is collected, in 20 ms.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {model._meta.db_table} IN ROW EXCLUSIVE MODE")
        if number >= MIN_ROWS_FOR_COPY:
            cursor.execute("SET LOCAL gin_pending_list_limit = '16MB'; SET LOCAL work_mem = '64MB'")


def analyze_grown(models: Iterable[Any], times: float) -> None:
    """Refreshes the planner's statistics of tables that are more than so many `times` as large as when they were last
    analyzed. PostgreSQL only.

    The sample is small. Autovacuum takes a whole one later, because the statement names the columns.
    """
    tables = {model._meta.db_table: model for model in models}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL default_statistics_target = 30")
        cursor.execute(GROWN, [list(tables), times])
        for (table,) in cursor.fetchall():
            columns = ", ".join(field.column for field in tables[table]._meta.concrete_fields)
            cursor.execute(f"ANALYZE {table} ({columns})")


def sort_into_indexes(models: Iterable[Any]) -> None:
    """Sorts what was collected of new rows (`expect_new_rows`) into the models' indexes of texts, if this role owns
    them. PostgreSQL only. Otherwise the next insert does it, and each search reads all of it until then."""
    with connection.cursor() as cursor:
        cursor.execute(SORT_INTO_INDEXES, [[model._meta.db_table for model in models]])


@cache
def insertable_fields(model: Any) -> list[Any]:
    """The fields that an INSERT has to fill: all but the id and those that the database generates."""
    return [field for field in model._meta.concrete_fields if not (isinstance(field, AutoField) or field.generated)]


def bulk_insert(model: Any, rows: Sequence[Model]) -> None:
    """Inserts new rows of one model, all with an id or all without; many by COPY, which sets no ids on the instances.

    Raises IntegrityError.
    """
    if connection.vendor != "postgresql" or len(rows) < MIN_ROWS_FOR_COPY:
        model.objects.bulk_create(rows)
        return
    fields = insertable_fields(model) + ([model._meta.pk] if rows[0].pk else [])
    names = ", ".join(field.column for field in fields)
    with connection.cursor() as cursor, cursor.copy(f"COPY {model._meta.db_table} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row([_copied(field, field.pre_save(row, add=True)) for field in fields])


class CopyRows(NamedTuple):
    """Rows of a model as COPY reads them, but for the column `key` of `copy_into`."""

    columns: list[str]
    lines: list[str]


def copy_rows(columns: Mapping[Any, Iterable[Any]]) -> CopyRows:
    """`columns`: the values by field; a `repeat` for a field that has one value in all rows, which some fields vary."""
    texts = [
        repeat(*_copied_texts(field, [next(values)])) if isinstance(values, repeat) else _copied_texts(field, values)
        for field, values in columns.items()
    ]
    rows = zip(*texts)  # noqa: B905  not strict: a `repeat` has no end
    return CopyRows([field.column for field in columns], list(map("\t".join, rows)))


def copy_into(model: Any, rows: CopyRows, key: str, keys: Iterable[tuple[int, int]]) -> None:
    """Inserts some of the rows. `keys`: their positions, each with the row's value of the column `key`.

    Raises IntegrityError.
    """
    text = "".join([f"{value}\t{rows.lines[position]}\n" for position, value in keys])
    sql = f"COPY {model._meta.db_table} ({', '.join([key, *rows.columns])}) FROM STDIN"
    # Django wraps the errors of its own methods only.
    with connection.wrap_database_errors, connection.cursor() as cursor, cursor.copy(sql) as copy:
        copy.write(text)


def _copied_texts(field: Any, values: Iterable[Any]) -> list[str]:
    """See "Text Format" in the reference of COPY."""
    texts = list(values)
    if isinstance(field, JSONField):
        texts = [None if value is None else orjson.dumps(value).decode() for value in texts]
    elif not isinstance(field, CharField | TextField):
        texts = [None if value is None else str(value) for value in texts]
    together = "".join(filter(None, texts))
    if any(map(together.__contains__, COPY_ESCAPES)):
        texts = [text and text.translate(ESCAPED) for text in texts]
    return [r"\N" if text is None else text for text in texts] if None in texts else texts


def _copied(field: Any, value: Any) -> Any:
    return json.dumps(value, cls=field.encoder) if isinstance(field, JSONField) and value is not None else value
