"""Backups of SQLite: what a copy is checked for, and what is never replaced."""

import sqlite3
import stat
from contextlib import closing
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from customers.core import sqlite_backup
from customers.core.sqlite_backup import DATABASE, MANIFEST, BackupError, create, install, verify
from customers.management.sqlite import key_check

pytestmark = pytest.mark.once


@pytest.fixture
def database(tmp_path) -> Path:
    path = tmp_path / "store.sqlite3"
    with closing(sqlite3.connect(path, isolation_level=None)) as store:
        store.execute("PRAGMA journal_mode=WAL")
        store.execute("CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT)")
        store.execute("INSERT INTO customer (name) VALUES (?), (?)", ["Ada", "x" * 20_000])
    return path


@pytest.fixture
def backup(database, tmp_path) -> Path:
    return create(database, tmp_path / "backups", key_check="k")


@pytest.fixture
def configured(database, monkeypatch) -> Path:
    """The database as that of the store."""
    monkeypatch.setitem(connection.settings_dict, "NAME", str(database))
    return database


def names(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as store:
        return [name[:3] for (name,) in store.execute("SELECT name FROM customer ORDER BY id")]


def test_backup_has_what_is_committed_although_a_writer_is_busy(database, tmp_path):
    with closing(sqlite3.connect(database, isolation_level=None)) as writer:
        writer.execute("INSERT INTO customer (name) VALUES ('Bob')")
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO customer (name) VALUES ('Eve')")

        made = create(database, tmp_path / "backups", key_check="k")

        writer.execute("ROLLBACK")
    assert names(made / DATABASE) == ["Ada", "xxx", "Bob"]
    assert verify(made).rows == {"customer": 3}
    assert [path.name for path in sorted(made.iterdir())] == [MANIFEST, DATABASE]


def test_backup_is_readable_by_its_owner_only(database, tmp_path):
    made = create(database, tmp_path / "backups", key_check="k", secret_key="s3cret")

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (made, *made.iterdir())}
    assert modes == {made.name: 0o700, DATABASE: 0o600, MANIFEST: 0o600, "secret_key": 0o600}
    assert "s3cret" not in (made / MANIFEST).read_text()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "SHA-256"),
        (lambda path: path.write_bytes(path.read_bytes().replace(b"Ada", b"Eva")), "SHA-256"),
        (lambda path: path.unlink(), "SHA-256"),
        (lambda path: (path.parent / MANIFEST).unlink(), "no backup"),
        (lambda path: (path.parent / MANIFEST).write_text("{}"), "no backup"),
        (lambda path: edit(path, '"customer": 2', '"customer": 3'), "other rows"),
    ],
)
def test_verify_refuses_a_backup_that_is_not_as_it_was_made(backup, damage, message):
    damage(backup / DATABASE)

    with pytest.raises(BackupError, match=message):
        verify(backup)


def edit(path: Path, before: str, after: str) -> None:
    manifest = path.parent / MANIFEST
    text = manifest.read_text()
    assert before in text
    manifest.write_text(text.replace(before, after))


def damage_a_page(content: bytearray) -> None:
    content[4096 + 8 : 4096 + 200] = b"\xff" * 192  # within the only page of the table


def damage_the_header(content: bytearray) -> None:
    content[:16] = b"not a database.."


@pytest.mark.parametrize("damage", [damage_a_page, damage_the_header])
def test_backup_of_a_damaged_database_fails_and_leaves_nothing(database, tmp_path, damage):
    with closing(sqlite3.connect(database)) as store:
        store.execute("PRAGMA journal_mode=DELETE")
    content = bytearray(database.read_bytes())
    damage(content)
    database.write_bytes(content)

    with pytest.raises(BackupError):
        create(database, tmp_path / "backups", key_check="k")

    assert list((tmp_path / "backups").iterdir()) == []


def test_restore_refuses_to_replace_a_database_that_is_open(backup, database):
    with closing(sqlite3.connect(database)) as served:
        served.execute("SELECT * FROM customer").fetchall()

        with pytest.raises(BackupError, match="in use"):
            install(backup, database)

    assert names(database) == ["Ada", "xxx"]
    assert not list(database.parent.glob("*.restoring"))


def test_restore_sets_aside_the_log_of_a_deleted_database(backup, database):
    log = database.with_name(f"{database.name}-wal")
    with closing(sqlite3.connect(database, isolation_level=None)) as store:
        store.execute("INSERT INTO customer (name) VALUES ('Bob')")
        content = log.read_bytes()
    database.unlink()
    log.write_bytes(content)

    assert install(backup, database) is None

    assert names(database) == ["Ada", "xxx"]
    assert [path.read_bytes() for path in database.parent.glob("*.before-*-wal")] == [content]


def test_restore_keeps_the_former_database_with_its_last_writes(backup, database):
    with closing(sqlite3.connect(database, isolation_level=None)) as store:
        store.execute("INSERT INTO customer (name) VALUES ('Bob')")

    former = install(backup, database)

    assert names(database) == ["Ada", "xxx"]
    assert names(former) == ["Ada", "xxx", "Bob"]
    assert stat.S_IMODE(database.stat().st_mode) == 0o600


def test_restore_replaces_a_damaged_database(backup, database):
    database.write_bytes(b"not a database" * 1000)

    assert install(backup, database)

    assert names(database) == ["Ada", "xxx"]


def test_oldest_backups_are_deleted_and_other_folders_are_kept(database, tmp_path):
    folder = tmp_path / "backups"
    for day in (1, 2, 3):
        create(database, folder, key_check="k").rename(folder / f"store-2026010{day}T000000Z")
    (folder / "store-other").mkdir()

    deleted = sqlite_backup.delete_all_but(2, folder)

    assert [path.name for path in deleted] == ["store-20260101T000000Z"]
    assert len(list(folder.iterdir())) == 3


def test_restore_refuses_a_database_that_exists(db, tmp_path, backup):
    with pytest.raises(CommandError, match="exists"):
        call_command("restore", str(backup))


def test_backup_command_stores_the_key_if_asked_to_and_keeps_the_newest_backups(configured, tmp_path, settings):
    folder, output = tmp_path / "backups", StringIO()
    create(configured, folder, key_check="k").rename(folder / "store-20260101T000000Z")

    call_command("backup", str(folder), "--with-secret-key", "--keep", "1", stdout=output, stderr=StringIO())

    made = Path(output.getvalue().strip())
    assert [*folder.iterdir()] == [made]
    assert (made / "secret_key").read_text() == settings.SECRET_KEY
    assert verify(made).key_check == key_check(settings.SECRET_KEY) != key_check("another key")


def test_restore_refuses_the_backup_of_a_newer_version_and_replaces_nothing(configured, tmp_path):
    with closing(sqlite3.connect(configured, isolation_level=None)) as store:
        store.execute("CREATE TABLE django_migrations (app TEXT, name TEXT)")
        store.execute("INSERT INTO django_migrations VALUES ('customers', '0999_of_a_newer_version')")
    made = create(configured, tmp_path / "backups", key_check="k")

    with pytest.raises(CommandError, match=r"Nothing was restored: .* customers\.0999_of_a_newer_version"):
        call_command("restore", str(made), "--replace")

    assert names(configured) == ["Ada", "xxx"]
    assert not list(tmp_path.glob("*.before-*"))
