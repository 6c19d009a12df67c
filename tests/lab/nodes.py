"""Web nodes and workers of a store, as processes of their own."""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

import requests

from tests.support.ports import free_port

PROJECT = Path(__file__).resolve().parents[2]
LIMIT = 5  # requests per second of the app whose limit the lab watches

# Run in the store: migrations, a person, and the tokens of apps.
PREPARE = f"""
import json
from django.core.management import call_command
from customers.models import User
from oauth import partner_apps
from oauth.actor import SYSTEM
from oauth.models import App
from oauth.scopes import Scope
from oauth.tokens import NEVER, generate_access_token, issue_personal_token, store_access_token

call_command("migrate", verbosity=0)
owner = User.objects.create_superuser("owner@store.example", "x")

def token(app_name, *scopes, **settings):
    scopes = [Scope(scope) for scope in scopes]
    return issue_personal_token(app_name=app_name, scopes=scopes, owner=owner, **settings)

revoked = token("Gone", "users:read")
token("Gone", "users:read")
leaving = App(name="Leaving", user=owner, app_url="https://app.example/", redirect_uris="https://app.example/back",
              allowed_scopes=["users:read"], client_type=App.CLIENT_CONFIDENTIAL)
secret = partner_apps.register(leaving, SYSTEM)
tokens = [generate_access_token() for _ in range(50)]
for each in tokens:
    store_access_token(each, app=leaving, user=owner, scope="users:read", expires=NEVER)

print(json.dumps({{
    "load": token("Load", "users:read", "users:write", "webhooks:write"),
    "limited": token("Limited", "users:read", rate_limit={LIMIT}),
    "leaving": tokens,
    "client": {{"client_id": leaving.client_id, "client_secret": secret}},
    "revoked": revoked,
}}))
"""


class Node:
    """A process with a log. `url`: where it answers."""

    def __init__(self, name: str, command: list[str], environment: dict[str, str], log: Path, url: str = ""):
        self.name, self.command, self.environment, self.log, self.url = name, command, environment, log, url
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                self.command, cwd=PROJECT, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )

    def kill(self) -> None:
        if self.process and self.process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def terminate(self) -> None:
        """As a supervisor does. A node that does not end says in its log what its threads do."""
        self.process.terminate()
        try:
            self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)
            self.process.wait()
            raise AssertionError(self.log.read_text()[-20_000:]) from None

    def is_ready(self) -> bool:
        with suppress(requests.RequestException):
            return requests.get(f"{self.url}/readyz", timeout=2).status_code == 200
        return False


class Nodes:
    """Two web nodes and two workers. `environment`: of all, `second`: other settings of the second web node."""

    def __init__(self, folder: Path, environment: dict[str, str], second: dict[str, str]):
        self.environment = {**os.environ, "DEVELOPMENT": "1", "PYTHONFAULTHANDLER": "1", "VAR_DIR": str(folder / "var"),
                            "SECRET_KEY": secrets.token_urlsafe(50), "RATE_LIMIT": "0", "WEBHOOKS_RETRY_SECONDS": "1",
                            **environment}  # fmt: skip
        (folder / "var").mkdir(exist_ok=True)
        self.webs, self.workers = [], []
        for number, other in ((1, {}), (2, second)):
            port = free_port()
            server = [sys.executable, "-m", "config.server", "--port", str(port), "--workers", "1"]
            worker = [sys.executable, "manage.py", "run_worker"]
            settings = {**self.environment, **other}
            url = f"http://127.0.0.1:{port}"
            self.webs.append(Node(f"web node {number}", server, settings, folder / f"web {number}.log", url))
            self.workers.append(Node(f"worker {number}", worker, self.environment, folder / f"worker {number}.log"))
        self.all = [*self.webs, *self.workers]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        for node in self.all:
            node.kill()

    def manage(self, *arguments: str, **environment: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        variables = {**self.environment, **environment}
        done = subprocess.run(command, cwd=PROJECT, env=variables, stdout=subprocess.PIPE, text=True, check=True)
        return done.stdout

    def prepare(self, receiver_url: str) -> None:
        """Migrates, starts all, and subscribes the receiver. `tokens` has the access tokens by their use."""
        self.tokens = json.loads(self.manage("shell", "--verbosity=0", "--command", PREPARE))
        for node in self.all:
            node.start()
        self.wait_until_ready()
        webhook = {"target": receiver_url, "events": ["customer.created"]}
        headers = {"Authorization": f"Bearer {self.tokens['load']}"}
        requests.post(f"{self.webs[0].url}/api/admin/webhooks/", json=webhook, headers=headers).raise_for_status()

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + 120
        while not all(web.is_ready() for web in self.webs):
            assert time.monotonic() < deadline, [web.log.read_text()[-2000:] for web in self.webs]
            time.sleep(0.1)
