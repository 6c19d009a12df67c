"""Web nodes and workers of a store, as processes of their own."""

import os
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

import requests

from tests.support.ports import free_port

PROJECT = Path(__file__).resolve().parents[2]


class Node:
    def __init__(self, name: str, command: list[str], environment: dict[str, str], log: Path, url: str = ""):
        self.name, self.command, self.environment, self.log, self.url = name, command, environment, log, url
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                self.command, cwd=PROJECT, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Nodes:
    """Two web nodes and two workers on one database."""

    def __init__(self, folder: Path, url: str):
        self.environment = {**os.environ, "DEVELOPMENT": "1", "VAR_DIR": str(folder / "var"), "DATABASE_URL": url,
                            "SECRET_KEY": secrets.token_urlsafe(50), "RATE_LIMIT": "0",
                            "WEBHOOKS_RETRY_SECONDS": "1"}  # fmt: skip
        (folder / "var").mkdir()
        self.webs, self.workers = [], []
        for number in (1, 2):
            port = free_port()
            command = [sys.executable, "-m", "config.server", "--port", str(port), "--workers", "1"]
            self.webs.append(self._node(folder, f"web {number}", command, f"http://127.0.0.1:{port}"))
            self.workers.append(self._node(folder, f"worker {number}", [sys.executable, "manage.py", "run_worker"]))

    def _node(self, folder: Path, name: str, command: list[str], url: str = "") -> Node:
        return Node(name, command, self.environment, folder / f"{name}.log", url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        for node in (*self.webs, *self.workers):
            if node.process and node.process.poll() is None:
                node.kill()

    def manage(self, *arguments: str, **environment: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        variables = {**self.environment, **environment}
        done = subprocess.run(command, cwd=PROJECT, env=variables, stdout=subprocess.PIPE, text=True, check=True)
        return done.stdout

    def prepare(self, receiver_url: str) -> None:
        """Migrates, starts all, and subscribes the receiver."""
        self.manage("migrate", "--verbosity=0")
        owner = "from customers.models import User; User.objects.create_superuser('owner@store.example', 'x')"
        self.manage("shell", "--verbosity=0", "--command", owner)
        scopes = ("users:read", "users:write", "webhooks:write")
        self.token = self.manage("create_token", "--app", "Lab", "--scope", *scopes).strip()
        # A second token for an app revokes the first one.
        gone = ("create_token", "--app", "Gone", "--scope", "users:read")
        self.revoked = self.manage(*gone).strip()
        self.manage(*gone)
        for node in (*self.webs, *self.workers):
            node.start()
        for web in self.webs:
            wait_until_ready(web.url)
        webhook = {"target": receiver_url, "events": ["customer.created"]}
        headers = {"Authorization": f"Bearer {self.token}"}
        requests.post(f"{self.webs[0].url}/api/admin/webhooks/", json=webhook, headers=headers).raise_for_status()


def wait_until_ready(url: str) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            if requests.get(f"{url}/readyz", timeout=2).status_code == 200:
                return
        except requests.RequestException:
            pass
        time.sleep(0.2)
    raise TimeoutError(url)
