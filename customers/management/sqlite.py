"""What the commands `backup` and `restore` have in common."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.utils.crypto import salted_hmac

DOCUMENT = "docs/backup.md"


class SQLiteCommand(BaseCommand):
    """A command that PostgreSQL has its own tools for."""

    def database(self) -> Path:
        """Raises CommandError unless the database is SQLite."""
        if connection.vendor != "sqlite":
            raise CommandError(f"This command is for SQLite. For PostgreSQL see {DOCUMENT}.")
        return Path(connection.settings_dict["NAME"])


def key_check(secret_key: str) -> str:
    """A text that a backup may show: it lets nobody guess a long random key."""
    return salted_hmac("customers.backup", "", secret=secret_key, algorithm="sha256").hexdigest()
