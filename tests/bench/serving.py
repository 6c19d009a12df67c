"""A variant behind its server, on a database of its own, for as long as it is measured."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import psutil
import psycopg

from tests.bench.load import Cpu, Traffic
from tests.bench.report import CORES
from tests.support.ports import free_port

STORE = "config.server"  # the store itself, which has a server of its own
# A worker's other parts would compete with what is measured: a bench creates thousands of duplicates.
COUNT_CUSTOMERS = """
import contextlib, threading, django
django.setup()
with contextlib.suppress(ImportError):  # an older checkout
    from customers import customer_count
    customer_count.run(threading.Event())
"""
PROJECT = Path(__file__).resolve().parents[2]
PATIENCE = 30  # seconds until a server has to answer


@dataclass(frozen=True, slots=True)
class Variant:
    application: str
    settings: str
    preparation: str  # `python -m` of it, with a number of customers, fills the database; prints tokens and customers
    checkout: Path | None = None  # another one than this, with a .venv of its own

    def command(self, *arguments: str) -> list[str]:
        python = self.checkout / ".venv/bin/python" if self.checkout else sys.executable
        return [str(python), *arguments]


@dataclass(frozen=True, slots=True)
class Store:
    """A database that is ready, and what requests need to know of it."""

    environment: dict[str, str]
    tokens: list[str]
    customers: list[dict]  # some of them, with id, email, names, phone_number, date_joined
    postmaster: int | None  # the id of PostgreSQL's first process; None for SQLite, which the server itself runs


@dataclass(frozen=True, slots=True)
class Server:
    port: int
    pid: int
    store: Store

    def traffic(self, requests: Callable[[list[str], list[dict]], Iterator[bytes]]) -> Traffic:
        """`requests` made for this server's tokens and customers."""
        return Traffic([self.port], requests(self.store.tokens, self.store.customers), self.cpu_seconds)

    def cpu_seconds(self) -> Cpu:
        postmaster = self.store.postmaster
        return Cpu(cpu_seconds_of(self.pid), cpu_seconds_of(postmaster) if postmaster else 0)

    def ask(self, method: str, path: str, body: dict | None = None):
        """The JSON of the answer."""
        url, data = f"http://127.0.0.1:{self.port}{path}", json.dumps(body).encode() if body else None
        headers = {"Authorization": f"Bearer {self.store.tokens[0]}", "Content-Type": "application/json"}
        with urlopen(Request(url, data, headers, method=method)) as answer:
            return json.load(answer)


@contextmanager
def prepared(variant: Variant, server_url: str, name: str, total: int) -> Iterator[Store]:
    """A new database `name` with `total` customers, dropped afterwards."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name}")
        try:
            postmaster = psutil.Process(connection.info.backend_pid).ppid()
            yield filled(variant, urlsplit(server_url)._replace(path=f"/{name}").geturl(), total, postmaster)
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def prepared_on_sqlite(variant: Variant, total: int) -> Iterator[Store]:
    """A new file with `total` customers, on the disk of the project's own, deleted afterwards."""
    with TemporaryDirectory(prefix="bench-", dir=PROJECT) as folder:
        yield filled(variant, f"sqlite:///{folder}/store.sqlite3", total, None)


def filled(variant: Variant, database_url: str, total: int, postmaster: int | None) -> Store:
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
        "DJANGO_SETTINGS_MODULE": variant.settings,
        "DEVELOPMENT": "1",  # plain HTTP
        "REDIS_URL": "",  # the rate limit is kept in the database, as the raw variant does
    }
    command = variant.command("-m", variant.preparation, str(total))
    known = json.loads(subprocess.check_output(command, env=environment, cwd=variant.checkout))
    return Store(environment, known["tokens"], known["customers"], postmaster)


@contextmanager
def served(variant: Variant, store: Store, workers: int = CORES) -> Iterator[Server]:
    """As in production: a worker per core, each with one thread."""
    port = free_port()
    if variant.application == STORE:
        command = f"-m {STORE} --workers {workers} --port {port}"
    else:
        command = f"-m granian {variant.application}:application --interface wsgi --workers {workers} --port {port}"
        command += " --blocking-threads 1 --log-level warning"
    process = subprocess.Popen(
        variant.command(*command.split()),
        env=store.environment,
        cwd=variant.checkout,
        start_new_session=True,  # Ctrl-C is ours alone, and its workers go with it
    )
    try:
        wait_for(port, process)
        yield Server(port, process.pid, store)
    finally:
        # Not asked to stop: it would wait for connections that a Ctrl-C left open.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def counted(variant: Variant, store: Store) -> Iterator[None]:
    """As by a worker: the store keeps the number of customers while a bench creates more."""
    process = subprocess.Popen(
        variant.command("-c", COUNT_CUSTOMERS), env=store.environment, cwd=variant.checkout, start_new_session=True
    )
    try:
        yield
    finally:
        process.kill()
        process.wait()


def cpu_seconds_of(pid: int) -> float:
    """The CPU time of a process and all its children, those that have ended included."""
    process, spent = psutil.Process(pid), 0.0
    for each in [process, *process.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            spent += sum(each.cpu_times()[:4])  # user, system, and both of children that have ended
    return spent


def wait_for(port: int, process: subprocess.Popen) -> None:
    """Until it listens."""
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("The server did not start.")
