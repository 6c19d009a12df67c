"""A second line against requests that keep the database busy. Commands and workers may take as long as they need."""

from django.conf import settings
from django.db import connections


def limit_statements(seconds: int | None = None) -> None:
    """Lets PostgreSQL end a statement of this process after `seconds`, by default DATABASE_STATEMENT_SECONDS; 0: never.

    Holds for connections that are opened later. The statement fails with OperationalError.
    """
    seconds = settings.DATABASE_STATEMENT_SECONDS if seconds is None else seconds
    for database in connections.settings.values():
        if seconds and database["ENGINE"] == "config.postgresql":
            options = database["OPTIONS"].get("options", "")
            database["OPTIONS"]["options"] = f"{options} -c statement_timeout={seconds}s".strip()
