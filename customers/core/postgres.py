"""What only PostgreSQL has."""

from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def custom_plan():
    """Plans each statement in the block for its own parameters.

    PostgreSQL soon plans a prepared statement once for all parameters. It can't know then how rare a part of a name
    is, and reads the whole table in the order of the list until it has found enough. On SQLite nothing is done.
    """
    if connection.vendor != "postgresql":
        yield
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL plan_cache_mode = force_custom_plan")
        yield
