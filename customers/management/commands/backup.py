from pathlib import Path

from django.conf import settings
from django.core.management.base import CommandError

from customers.core import sqlite_backup
from customers.management.sqlite import DOCUMENT, SQLiteCommand, key_check


class Command(SQLiteCommand):
    help = (
        "Back up an SQLite database, while the store is served: a verified copy in a new folder, which is private. "
        f"For PostgreSQL see {DOCUMENT}."
    )

    def add_arguments(self, parser):
        parser.add_argument("folder", type=Path, help="Where the new folder is made.")
        parser.add_argument("--with-secret-key", action="store_true", help="Put SECRET_KEY beside the copy.")
        parser.add_argument("--keep", type=int, metavar="NUMBER", help="Then delete all but so many backups.")

    def handle(self, *, folder: Path, with_secret_key: bool, keep: int | None, **options):
        database = self.database()
        if keep is not None and keep < 1:
            raise CommandError("--keep needs a number of 1 or more.")
        try:
            backup = sqlite_backup.create(
                database,
                folder,
                key_check=key_check(settings.SECRET_KEY),
                secret_key=settings.SECRET_KEY if with_secret_key else "",
            )
        except (sqlite_backup.BackupError, OSError) as error:
            raise CommandError(f"No backup was made: {error}") from error
        self.stdout.write(str(backup))
        if keep:
            for old in sqlite_backup.delete_all_but(keep, folder):
                self.stderr.write(f"{old} was deleted.")
