import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.core.management.commands import migrate
from django.db import connections

# The number of the lock on PostgreSQL, which has one space of numbers for each database.
LOCK = 5_290_417
RETRY_SECONDS = 0.5


class Command(migrate.Command):
    help = f"{migrate.Command.help} Several processes may start it at once: one migrates, and the others wait for it."

    def handle(self, *args: Any, **options: Any) -> None:
        if options["plan"] or options["check_unapplied"]:  # it only reads
            super().handle(*args, **options)
            return
        with self.one_at_a_time(options["database"]):
            super().handle(*args, **options)

    @contextmanager
    def one_at_a_time(self, alias: str) -> Iterator[None]:
        connection: Any = connections[alias]
        if connection.vendor == "postgresql":
            lock = self.lock_on_postgresql(connection)
        elif connection.vendor == "sqlite" and not connection.is_in_memory_db():
            lock = self.lock_of_file(Path(f"{connection.settings_dict['NAME']}.migrate-lock"))
        else:
            yield
            return
        with lock:
            yield

    @contextmanager
    def lock_on_postgresql(self, connection: Any) -> Iterator[None]:
        """Held by a transaction on a connection of its own, because PgBouncer keeps no locks of sessions. It ends with
        the process, however that ends.

        Who waits asks again and again. A statement that waits for the lock would have a snapshot, for whose end CREATE
        INDEX CONCURRENTLY of the process that migrates would wait: both for ever.
        """
        own = connection.copy()
        try:
            own.set_autocommit(False)
            with own.cursor() as cursor:
                for timeout in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
                    cursor.execute(f"SET LOCAL {timeout} = 0")
            if not self.takes_lock(own.connection):
                self.say_that_it_waits()
                while not self.takes_lock(own.connection):
                    time.sleep(RETRY_SECONDS)
            yield
        finally:
            own.close()

    def takes_lock(self, connection: psycopg.Connection) -> bool:
        """By PostgreSQL's simple protocol. With parameters, or prepared, the statement would keep its snapshot until
        the end of the transaction, and the index would wait for it."""
        row = connection.execute(f"SELECT pg_try_advisory_xact_lock({LOCK})", prepare=False).fetchone()
        return bool(row and row[0])

    @contextmanager
    def lock_of_file(self, path: Path) -> Iterator[None]:
        """A file beside the database. SQLite's own locks belong to the file of the database."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.say_that_it_waits()
                fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def say_that_it_waits(self) -> None:
        self.stdout.write("Another process migrates this database. Waiting for it ...")
        self.stdout.flush()
