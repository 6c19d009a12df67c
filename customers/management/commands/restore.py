from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from customers.core import sqlite_backup
from customers.management.sqlite import DOCUMENT, SQLiteCommand, key_check


class Command(SQLiteCommand):
    help = (
        "Restore a backup of an SQLite database, migrate it, and erase again who was erased after the backup was made. "
        f"Stop the servers and the workers first. For PostgreSQL see {DOCUMENT}."
    )

    def add_arguments(self, parser):
        parser.add_argument("backup", type=Path, help="The folder that `backup` has made.")
        parser.add_argument(
            "--replace", action="store_true", help="Replace a database that is there. It is kept under another name."
        )

    def handle(self, *, backup: Path, replace: bool, **options):
        database = self.database()
        if database.exists() and not replace:
            raise CommandError(f"{database} exists. With --replace the backup takes its place.")
        connection.close()
        try:
            manifest = sqlite_backup.verify(backup)
            if unknown := sqlite_backup.applied_migrations(backup) - set(MigrationLoader(None).disk_migrations or ()):
                names = ", ".join(sorted(f"{app}.{name}" for app, name in unknown))
                raise sqlite_backup.BackupError(f"the backup is of another version, with the migrations {names}.")
            former = sqlite_backup.install(backup, database)
        except (sqlite_backup.BackupError, OSError) as error:
            raise CommandError(f"Nothing was restored: {error}") from error
        self.stdout.write(f"The backup of {manifest.created_at} is restored: {sum(manifest.rows.values())} rows.")
        if former:
            self.stdout.write(f"The former database is {former}. It holds personal data: delete it when you can.")
        if manifest.key_check not in map(key_check, (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)):
            self.stderr.write("The backup was made with another SECRET_KEY. Without it, no stored secret can be read.")
        call_command("migrate", interactive=False, verbosity=0)
        call_command("apply_erasures", stdout=self.stdout, stderr=self.stderr)
