"""Backups of an SQLite database, made while the store is served.

A backup is a folder, `store-20261126T171500Z`, that only its owner can read:

    store.sqlite3    the database, in one file
    manifest.json    when it was made, the SHA-256 of the database, and the number of rows of each table
    secret_key       only if it was asked for
"""

import json
import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import asdict, dataclass
from hashlib import file_digest
from pathlib import Path

from django.utils import timezone

DATABASE, MANIFEST, SECRET_KEY = "store.sqlite3", "manifest.json", "secret_key"
PREFIX, UNFINISHED = "store-", ".unfinished"
LOG_FILES = ("-wal", "-shm", "-journal")  # of a database, beside it


class BackupError(Exception):
    """The backup, or the database, is not in order. Nothing was replaced."""


@dataclass(frozen=True)
class Manifest:
    """`key_check` says whether a secret key is the one whose store was backed up."""

    created_at: str
    sha256: str
    rows: dict[str, int]
    key_check: str


def create(database: Path, folder: Path, *, key_check: str, secret_key: str = "") -> Path:
    """Writes a verified backup into a new folder within `folder`, and returns that. Others may write meanwhile.

    Raises BackupError, or OSError for a folder that can't be written. Then no backup is left.
    """
    now = timezone.now()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    backup = folder / f"{PREFIX}{now:%Y%m%dT%H%M%SZ}"
    unfinished = backup.with_name(backup.name + UNFINISHED)
    if backup.exists():
        raise BackupError(f"{backup} exists.")
    unfinished.mkdir(mode=0o700)
    try:
        copy = _private_file(unfinished / DATABASE)
        with closing(sqlite3.connect(database, isolation_level=None)) as source:
            source.execute("BEGIN")  # one snapshot, for the copy and for the counts
            rows = _rows(source)
            with closing(sqlite3.connect(copy, isolation_level=None)) as target:
                source.backup(target)
                target.execute("PRAGMA journal_mode=DELETE")  # a file of its own, without a log beside it
        if _check(copy) != rows:
            raise BackupError("The copy has other rows than the database.")
        manifest = Manifest(now.isoformat(), _sha256(copy), rows, key_check)
        _private_file(unfinished / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1))
        if secret_key:
            _private_file(unfinished / SECRET_KEY).write_text(secret_key)
        for file in unfinished.iterdir():
            _sync(file)
        _sync(unfinished)
        unfinished.rename(backup)
        _sync(folder)
    except BaseException as error:
        shutil.rmtree(unfinished)
        if isinstance(error, sqlite3.DatabaseError):
            raise BackupError(f"{database} can't be read: {error}") from error
        raise
    return backup


def verify(backup: Path) -> Manifest:
    """Reads the whole backup. Raises BackupError if it is not complete and unchanged."""
    try:
        manifest = Manifest(**json.loads((backup / MANIFEST).read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise BackupError(f"{backup} is no backup: {error}") from None
    copy = backup / DATABASE
    if not copy.exists() or _sha256(copy) != manifest.sha256:
        raise BackupError(f"{copy} is not the file that was backed up: its SHA-256 differs.")
    if _check(copy) != manifest.rows:
        raise BackupError(f"{copy} has other rows than {MANIFEST} says.")
    return manifest


def applied_migrations(backup: Path) -> set[tuple[str, str]]:
    with closing(sqlite3.connect(f"file:{backup / DATABASE}?mode=ro", uri=True)) as copy:
        return set(copy.execute("SELECT app, name FROM django_migrations"))


def install(backup: Path, database: Path) -> Path | None:
    """Puts the database of a verified backup in its place. Returns where the former one is now, if there was one.

    Raises BackupError if a process has the present database open.
    """
    staged = _private_file(database.with_name(database.name + ".restoring"))
    shutil.copyfile(backup / DATABASE, staged)
    _sync(staged)
    former = database.with_name(f"{database.name}.before-{timezone.now():%Y%m%dT%H%M%S%fZ}")
    if is_replaced := database.exists():
        try:
            _refuse_if_open(database)
        except BackupError:
            staged.unlink()
            raise
    # A database that is damaged or was deleted may still have logs. SQLite would write them into the one restored.
    for suffix in LOG_FILES:
        if (log := database.with_name(database.name + suffix)).exists():
            log.rename(former.with_name(former.name + suffix))
    if is_replaced:
        database.rename(former)
    staged.rename(database)
    _sync(database.parent)
    return former if is_replaced else None


def delete_all_but(number: int, folder: Path) -> list[Path]:
    """Deletes the oldest backups in the folder. Returns them."""
    backups = sorted(each.parent for each in folder.glob(f"{PREFIX}*/{MANIFEST}") if each.parent.suffix != UNFINISHED)
    old = backups[:-number]
    for backup in old:
        shutil.rmtree(backup)
    return old


def _refuse_if_open(database: Path) -> None:
    """Only a process that is alone can switch the write-ahead log off. This also empties the log into the database."""
    try:
        with closing(sqlite3.connect(database, timeout=1)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise BackupError(f"{database} is in use. Stop the servers and the workers first.") from None
    except sqlite3.DatabaseError:
        pass  # it is damaged, which may be why it is to be replaced


def _check(copy: Path) -> dict[str, int]:
    """The number of rows of each table. Raises BackupError if SQLite finds the file damaged."""
    try:
        with closing(sqlite3.connect(f"file:{copy}?mode=ro", uri=True)) as connection:
            problems = [text for (text,) in connection.execute("PRAGMA integrity_check") if text != "ok"]
            if problems := problems or [str(row) for row in connection.execute("PRAGMA foreign_key_check")]:
                raise BackupError(f"{copy} is damaged: {'; '.join(problems[:3])}")
            return _rows(connection)
    except sqlite3.DatabaseError as error:
        raise BackupError(f"{copy} is damaged: {error}") from None


def _rows(connection: sqlite3.Connection) -> dict[str, int]:
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    count = 'SELECT count(*) FROM "{}"'  # names of our own tables
    return {name: connection.execute(count.format(name)).fetchone()[0] for name in sorted(tables)}


def _private_file(path: Path) -> Path:
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
