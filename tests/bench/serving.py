"""A variant behind its server, on a database of its own, for as long as it is measured."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import psycopg

from tests.bench.report import CORES

STORE = "config.server"  # the store itself, which has a server of its own
PATIENCE = 30  # seconds until a server has to answer


@dataclass(frozen=True, slots=True)
class Variant:
    application: str
    settings: str
    preparation: str  # `python -m` of it, with a number of customers, fills the database; prints tokens and customers


@dataclass(frozen=True, slots=True)
class Store:
    """A database that is ready, and what requests need to know of it."""

    environment: dict[str, str]
    tokens: list[str]
    customers: list[dict]  # some of them, with id, email, names, phone_number, date_joined


@dataclass(frozen=True, slots=True)
class Server:
    port: int
    pid: int
    store: Store

    def traffic(self, requests: Callable[[list[str], list[dict]], Iterator[bytes]]) -> tuple[int, Iterator[bytes]]:
        """A run for `load`: `requests` made for this server's tokens and customers."""
        return self.port, requests(self.store.tokens, self.store.customers)

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
            environment = {
                **os.environ,
                "DATABASE_URL": urlsplit(server_url)._replace(path=f"/{name}").geturl(),
                "DJANGO_SETTINGS_MODULE": variant.settings,
                "DEVELOPMENT": "1",  # plain HTTP
                "REDIS_URL": "",  # the rate limit is kept in the database, as the raw variant does
            }
            command = [sys.executable, "-m", variant.preparation, str(total)]
            known = json.loads(subprocess.check_output(command, env=environment))
            yield Store(environment, known["tokens"], known["customers"])
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def served(variant: Variant, store: Store) -> Iterator[Server]:
    """As in production: a worker per core, each with one thread."""
    port = free_port()
    if variant.application == STORE:
        command = f"-m {STORE} --workers {CORES} --port {port}"
    else:
        command = f"-m granian {variant.application}:application --interface wsgi --workers {CORES} --port {port}"
        command += " --blocking-threads 1 --log-level warning"
    process = subprocess.Popen(
        [sys.executable, *command.split()],
        env=store.environment,
        start_new_session=True,  # Ctrl-C is ours alone, and its workers go with it
    )
    try:
        wait_for(port, process)
        yield Server(port, process.pid, store)
    finally:
        # Not asked to stop: it would wait for connections that a Ctrl-C left open.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


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
