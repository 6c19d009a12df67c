"""Starts everything, from the database to the load, and ends it."""

import os
import shutil
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Self
from unittest.mock import patch

from tests.lab import services
from tests.lab.clock import Clock
from tests.lab.load import Load
from tests.lab.nodes import Nodes
from tests.lab.postgresql import Cluster
from tests.lab.revocations import Revocations

DISK = "800m"  # of the primary, so that it can be filled


class Lab:
    """`clock`: of PostgreSQL, servers and workers. `settings`: environment variables of the store."""

    def __init__(
        self,
        clients: int,
        clock: Clock | None = None,
        *,
        has_small_disk: bool = True,
        pace: float = 0.1,
        **settings: str,
    ):
        self.clients, self.pace = clients, pace
        self.clock = clock.environment if clock else {}
        self.settings = settings | self.clock
        self.has_small_disk = has_small_disk

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.folder = Path(tempfile.mkdtemp(prefix="lab-", dir="/tmp"))
            stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
            self.has_small_disk = self.has_small_disk and mount(self.folder / "primary")
            if self.has_small_disk:
                stack.callback(subprocess.run, ["umount", "--lazy", self.folder / "primary"], check=True)
            with patch.dict(os.environ, self.clock):
                self.cluster = stack.enter_context(Cluster(self.folder))
            self.start_services(stack)
            environment = {"DATABASE_URL": self.cluster.url}
            second = {}
            if self.pooler:
                environment = {"DATABASE_URL": self.pooler.database_url(), "DATABASE_POOLER": "1"}
                second = {"DATABASE_URL": self.pooler.database_url(self.pooler.SECOND)}
            if self.counter:
                environment["REDIS_URL"] = f"redis://127.0.0.1:{self.counter.port}/0"
            self.nodes = stack.enter_context(Nodes(self.folder, environment | self.settings, second))
            self.nodes.prepare(self.receiver.url)
            webs = urls = [web.url for web in self.nodes.webs]
            self.proxy = services.proxy(self.folder, urls)
            if self.proxy:
                stack.callback(self.proxy.kill)
                self.proxy.start()
                urls = [f"http://127.0.0.1:{self.proxy.port}"]
            self.load = stack.enter_context(Load(urls, self.nodes.tokens, self.clients, self.pace))
            self.revocations = stack.enter_context(Revocations(self.load, webs, self.nodes.tokens))
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *error) -> None:
        self.stack.__exit__(*error)

    def start_services(self, stack: ExitStack) -> None:
        self.pooler = services.pooler(self.folder, self.cluster.ports["primary"])
        self.counter = services.counter(self.folder)
        self.receiver = services.Receiver(self.folder)
        for each in (self.pooler, self.counter, self.receiver):
            if each:
                stack.callback(each.kill)
                each.start()

    def recovery(self, since: float, limit: float = 120) -> tuple[float | None, float | None]:
        """Waits until all nodes are ready and clients get what they sent after `since`; then until an event of theirs
        arrives. Returns both times; None for what does not happen within `limit` seconds."""
        answered = self._wait(limit, lambda: self.load.acknowledged(since=since) and self._are_ready())
        return answered, self._wait(
            limit, lambda: self.load.acknowledged(since=since).intersection(self.receiver.events())
        )

    def _are_ready(self) -> bool:
        return all(web.is_ready() for web in self.nodes.webs)

    def _wait(self, limit: float, condition) -> float | None:
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            if condition():
                return time.monotonic()
            time.sleep(0.05)
        return None


def mount(folder: Path) -> bool:
    """A small file system of its own. False where this machine or this user may not."""
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={DISK},mode=0700,uid=postgres", "tmpfs"]
    return os.getuid() == 0 and subprocess.run(["mount", *options, folder], stderr=subprocess.DEVNULL).returncode == 0
