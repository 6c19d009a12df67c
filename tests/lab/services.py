"""What stands around the store: a proxy, a pooler, a counter of requests, and a receiver of webhooks.

Each is None where its program is missing: then the lab runs without it, and skips what would kill it.
"""

import os
import shutil
import signal
import socket
import sys
import time
from pathlib import Path

from tests.lab.nodes import PROJECT, Node
from tests.support.ports import free_port

PROXY_CONFIGURATION = PROJECT / "docs/operations/haproxy.cfg"
POOL = """
[databases]
* = host=127.0.0.1 port={server} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1,{second}
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 20
max_client_conn = 500
server_login_retry = 1
server_connect_timeout = 3
query_wait_timeout = 10
"""


def program(*names: str) -> str | None:
    return next(
        (found for name in names if (found := shutil.which(name) or shutil.which(name, path="/usr/sbin"))), None
    )


class Service(Node):
    """A process that listens on `port`."""

    def __init__(self, name: str, folder: Path, port: int, command: list[str], **environment: str):
        super().__init__(name, command, {**os.environ, **environment}, folder / f"{name}.log")
        self.port = port

    def start(self) -> None:
        super().start()
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                has_failed = self.process.poll() is not None or time.monotonic() > deadline
                assert not has_failed, self.log.read_text()[-2000:]
                time.sleep(0.02)


class Pooler(Service):
    """PgBouncer. It also listens on SECOND, the address by which the second web node reaches it: it can be cut off."""

    SECOND = "127.0.0.2"

    def __init__(self, folder: Path, binary: str, server_port: int):
        self.file = folder / "pgbouncer.ini"
        self.port = free_port()
        self.write(server_port)
        user = ["--user", "nobody"] if os.getuid() == 0 else []  # it refuses to run as root
        super().__init__("PgBouncer", folder, self.port, [binary, "--quiet", *user, str(self.file)])

    def database_url(self, host: str = "127.0.0.1") -> str:
        return f"postgresql://postgres@{host}:{self.port}/store"

    def write(self, server_port: int) -> None:
        self.file.write_text(POOL.format(server=server_port, port=self.port, second=self.SECOND))

    def follow(self, server_port: int) -> None:
        """As a callback of Patroni does after a promotion: another line in the file, and a reload."""
        self.write(server_port)
        self.process.send_signal(signal.SIGHUP)


def pooler(folder: Path, server_port: int) -> Pooler | None:
    binary = program("pgbouncer")
    return Pooler(folder, binary, server_port) if binary else None


def counter(folder: Path) -> Service | None:
    """Valkey or Redis, which keeps nothing on the disk."""
    binary, port = program("valkey-server", "redis-server"), free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder)]
    return Service("Valkey", folder, port, [binary, *options]) if binary else None


def proxy(folder: Path, urls: list[str]) -> Service | None:
    """HAProxy with the file that the documentation has for operators."""
    binary, port = program("haproxy"), free_port()
    if not binary:
        return None
    first, second = (url.removeprefix("http://") for url in urls)
    names = {"LISTEN": f"127.0.0.1:{port}", "WEB_1": first, "WEB_2": second}
    return Service("HAProxy", folder, port, [binary, "-db", "-f", str(PROXY_CONFIGURATION)], **names)


class Receiver(Service):
    """It writes what it gets to a file before it answers, so that nothing counted is lost with it."""

    def __init__(self, folder: Path):
        self.file, port = folder / "received", free_port()
        self.file.touch()
        command = [sys.executable, "-m", "tests.lab.receiver", str(port), str(self.file)]
        super().__init__("the receiver", folder, port, command)
        self.url = f"http://127.0.0.1:{port}/"

    def events(self, path: str = "/") -> list[int]:
        """The ids of the customers, an event each, in the order in which they arrived."""
        lines = [line.split(" ") for line in self.file.read_text().split("\n")[:-1]]
        return [int(id) for found, id in lines if found == path]
