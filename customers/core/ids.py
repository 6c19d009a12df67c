"""Which ids the database may assign."""

from typing import Any

from django.db import connection


def never_assign_up_to(model: Any, id: int) -> None:
    """Lets the ids that the database assigns to new rows of the model start after this one."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [table])
            sequence = cursor.fetchone()[0]
            cursor.execute(
                f"SELECT setval(%s, %s) FROM {sequence} WHERE last_value < %s",  # noqa: S608  the name comes from PostgreSQL itself
                [sequence, id, id],
            )
        else:
            cursor.execute("UPDATE sqlite_sequence SET seq = %s WHERE name = %s AND seq < %s", [id, table, id])
