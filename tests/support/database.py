"""The test database: what differs between PostgreSQL and SQLite, and all of its rows."""

from django.db import connection


def by_database(*, postgresql, sqlite):
    """The value for the database that the tests run on, such as a number of queries."""
    return {"postgresql": postgresql, "sqlite": sqlite}[connection.vendor]


def dump() -> str:
    """Every row of every table."""
    with connection.cursor() as cursor:
        rows = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            rows += [f"{table}: {row}" for row in cursor.fetchall()]
    return "\n".join(rows)
