"""A primary and a standby with synchronous replication."""

import os
import pwd
import signal
import subprocess
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Self

import psycopg

from tests.support.ports import free_port

NAME = "store"


def binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_basebackup"))
    return found[-1].parent if found else None


class Cluster:
    """`url` names both servers; libpq connects to the one that accepts writes."""

    def __init__(self, folder: Path):
        self.bin = binaries()
        self.folder = folder
        self.user = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
        self.ports = {name: free_port() for name in ("primary", "standby", "restored")}
        ports = f"{self.ports['primary']},{self.ports['standby']}"
        self.url = (
            f"postgresql://postgres@/{NAME}?host=127.0.0.1,127.0.0.1&port={ports}"
            "&target_session_attrs=read-write&connect_timeout=3"
        )

    def __enter__(self) -> Self:
        self._give_to_server(self.folder)
        os.chmod(self.folder, 0o755)
        self._run("initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8",
                  self._data("primary"))  # fmt: skip
        archived = f"{self.folder}/wal/%f"
        settings = {
            "listen_addresses": "'127.0.0.1'",
            "unix_socket_directories": "''",
            "wal_level": "replica",
            "synchronous_commit": "on",
            "archive_mode": "on",
            "archive_command": f"'test ! -f {archived} && cp %p {archived}'",
            "max_connections": "60",
            "wal_receiver_timeout": "5s",
        }
        _append_settings(self._data("primary") / "postgresql.conf", settings)
        archive = self.folder / "wal"
        archive.mkdir()
        self._give_to_server(archive)
        self._start("primary")
        self._execute("primary", f"CREATE DATABASE {NAME}", database="postgres")
        source = f"host=127.0.0.1 port={self.ports['primary']} user=postgres application_name=standby"
        self._run("pg_basebackup", f"--dbname={source}", f"--pgdata={self._data('standby')}", "--write-recovery-conf",
                  "--checkpoint=fast", "--wal-method=stream")  # fmt: skip
        self._start("standby")
        self._execute("primary", "ALTER SYSTEM SET synchronous_standby_names = 'standby'")
        self._execute("primary", "SELECT pg_reload_conf()")
        self.primary = "primary"
        return self

    def __exit__(self, *_) -> None:
        for name in self.ports:
            self._run("pg_ctl", "stop", "--mode=immediate", "--silent", "--pgdata", self._data(name), check=False)

    def kill_primary(self) -> None:
        self.kill(self.primary)

    def kill(self, name: str) -> None:
        """The postmaster and all its processes at once, as a power cut does."""
        postmaster = int((self._data(name) / "postmaster.pid").read_text().split()[0])
        children = subprocess.run(["pgrep", "-P", str(postmaster)], capture_output=True, text=True).stdout.split()
        for pid in (postmaster, *map(int, children)):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def is_running(self) -> bool:
        try:
            return bool(self.rows("SELECT 1"))
        except psycopg.OperationalError:
            return False

    def start_primary(self) -> None:
        self.start(self.primary)

    def start(self, name: str) -> None:
        """After `kill`."""
        (self._data(name) / "postmaster.pid").unlink(missing_ok=True)
        self._start(name)

    def restart_primary(self) -> None:
        """As after a change of its settings: open transactions are rolled back."""
        self._run("pg_ctl", "stop", "--mode=fast", "--silent", "--pgdata", self._data(self.primary))
        self._start(self.primary)

    def rows(self, statement: str) -> list[tuple]:
        """What the primary answers."""
        return self._execute(self.primary, statement)

    def promote(self) -> None:
        """As an operator or a manager such as Patroni: the standby accepts writes, without a standby of its own."""
        self._run("pg_ctl", "promote", "--wait", "--silent", "--pgdata", self._data("standby"))
        self.primary = "standby"
        self._execute("standby", "ALTER SYSTEM SET synchronous_standby_names = ''")
        self._execute("standby", "SELECT pg_reload_conf()")

    def back_up(self) -> None:
        """A base backup, verified. The write-ahead log after it is archived all the time."""
        source = f"host=127.0.0.1 port={self.ports['primary']} user=postgres"
        base = self.folder / "base"
        self._run("pg_basebackup", f"--dbname={source}", f"--pgdata={base}", "--checkpoint=fast", "--wal-method=stream")
        self._run("pg_verifybackup", "--quiet", base)

    def now(self) -> datetime:
        return self._execute(self.primary, "SELECT clock_timestamp()")[0][0]

    def archive(self) -> None:
        """Waits until all of the log up to now is archived."""
        [(file,)] = self._execute(self.primary, "SELECT pg_walfile_name(pg_switch_wal())")
        deadline = time.monotonic() + 60
        while not (self.folder / "wal" / file).exists():
            assert time.monotonic() < deadline, file
            time.sleep(0.1)

    def restore(self, moment: datetime) -> str:
        """The base backup and the log up to that moment, as a server of its own. Returns its URL."""
        data = self._data("restored")
        (self.folder / "base").rename(data)
        recovery = data / "recovery.signal"
        recovery.touch()
        self._give_to_server(recovery)
        settings = {
            "restore_command": f"'cp {self.folder}/wal/%f %p'",
            "recovery_target_time": f"'{moment.isoformat()}'",
            "recovery_target_action": "'promote'",
            "synchronous_standby_names": "''",
            "archive_mode": "off",
        }
        _append_settings(data / "postgresql.auto.conf", settings)
        self._start("restored")
        deadline = time.monotonic() + 120
        while self._execute("restored", "SELECT pg_is_in_recovery()")[0][0]:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        return self.url_of("restored")

    def url_of(self, name: str, database: str = NAME) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.ports[name]}/{database}"

    def log_of(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def is_erased(self, name: str, id: int) -> bool:
        return self._execute(name, f"SELECT email IS NULL FROM customers_user WHERE id = {id}") == [(True,)]

    def count_created_after(self, name: str, moment: datetime) -> int:
        statement = f"SELECT count(*) FROM customers_user WHERE date_joined > '{moment.isoformat()}'"
        return self._execute(name, statement)[0][0]

    def customers(self, name: str = "") -> dict[int, int]:
        """The number of addresses of each customer."""
        addresses = "(SELECT count(*) FROM customers_address WHERE user_id = customers_user.id)"
        return dict(self._execute(name or self.primary, f"SELECT id, {addresses} FROM customers_user"))

    def _give_to_server(self, path: Path) -> None:
        """Makes the user that the servers run as the owner of what root has created."""
        if os.getuid() == 0:
            os.chown(path, pwd.getpwnam(self.user).pw_uid, -1)

    def _data(self, name: str) -> Path:
        return self.folder / name

    def _start(self, name: str) -> None:
        self._run("pg_ctl", "start", "--wait", "--silent", "--pgdata", self._data(name), "--log", self.log_of(name),
                  f"--options=-p {self.ports[name]}")  # fmt: skip

    def _execute(self, name: str, statement: str, database: str = NAME) -> list[tuple]:
        with psycopg.connect(self.url_of(name, database), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def _run(self, program: str, *arguments, check: bool = True) -> None:
        user = self.user if os.getuid() == 0 else None
        command = [str(self.bin / program), *map(str, arguments)]
        errors = None if check else subprocess.DEVNULL
        subprocess.run(command, user=user, cwd="/", check=check, stdout=subprocess.DEVNULL, stderr=errors)


def _append_settings(file: Path, settings: Mapping[str, str]) -> None:
    with file.open("a") as text:
        text.writelines(f"{name} = {value}\n" for name, value in settings.items())
