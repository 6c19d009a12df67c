"""`manage.py migrate` on several nodes at once."""

import fcntl
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.db import connection

from customers.management.commands.migrate import LOCK

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def new_database(tmp_path, db):
    """The environment of a store whose database is empty."""
    environment = {
        **os.environ,
        "DEVELOPMENT": "1",
        "VAR_DIR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    if connection.vendor == "sqlite":
        yield environment | {"DATABASE_URL": f"sqlite:///{tmp_path}/store.sqlite3"}
        return
    name = f"migrate_{os.getpid()}"
    server = os.environ["DATABASE_URL"]
    with psycopg.connect(server, autocommit=True) as administrator:
        administrator.execute(f"CREATE DATABASE {name}")
        yield environment | {"DATABASE_URL": urlunsplit(urlsplit(server)._replace(path=f"/{name}"))}
        administrator.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def another_migrates(environment: dict[str, str]):
    """Holds the lock that `migrate` takes."""
    if connection.vendor == "sqlite":
        with Path(f"{environment['VAR_DIR']}/store.sqlite3.migrate-lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
    else:
        with psycopg.connect(environment["DATABASE_URL"]) as other:
            other.execute(f"SELECT pg_advisory_xact_lock({LOCK})")  # without parameters, so it keeps no snapshot
            yield


class TestMigrate:
    def test_several_processes_migrate_one_after_another(self, new_database):
        """Of one app only: the others take long. Without a lock both would create its tables, and one would fail."""
        command = [sys.executable, "manage.py", "migrate", "--no-color", "contenttypes"]
        with another_migrates(new_database):
            nodes = [
                subprocess.Popen(command, cwd=PROJECT, env=new_database, stdout=subprocess.PIPE, text=True)
                for _ in range(2)
            ]
            waiting = [node.stdout.readline() for node in nodes]
        outputs = [node.communicate(timeout=60)[0] for node in nodes]

        assert [node.returncode for node in nodes] == [0, 0]
        assert all("Waiting" in line for line in waiting)
        assert sorted("contenttypes.0001_initial... OK" in output for output in outputs) == [False, True]
        assert sorted("No migrations to apply" in output for output in outputs) == [False, True]

    def test_process_that_waits_does_not_hold_up_an_index(self, new_database):
        """CREATE INDEX CONCURRENTLY waits for the end of each statement that runs: the lock's would be one."""
        if connection.vendor != "postgresql":
            pytest.skip("SQLite makes no index concurrently")
        command = [sys.executable, "manage.py", "migrate", "--no-color", "contenttypes"]
        with another_migrates(new_database):
            node = subprocess.Popen(command, cwd=PROJECT, env=new_database, stdout=subprocess.PIPE, text=True)
            assert "Waiting" in node.stdout.readline()
            with psycopg.connect(new_database["DATABASE_URL"], autocommit=True) as migrating:
                migrating.execute("SET statement_timeout = '20s'")
                migrating.execute("CREATE TABLE example (id int)")
                migrating.execute("CREATE INDEX CONCURRENTLY ON example (id)")
        node.communicate(timeout=60)

        assert node.returncode == 0
