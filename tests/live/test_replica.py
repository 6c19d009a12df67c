"""Reads on a standby: a real primary with a real streaming standby, whose logs show which one ran a statement."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import psycopg
import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.lab.nodes import PROJECT, Node
from tests.lab.postgresql import Cluster, binaries
from tests.live.conftest import PATIENCE
from tests.live.owner import Dashboard
from tests.support.ports import free_port
from tests.support.webhook_receiver import served

pytestmark = pytest.mark.once

USERS, EXPORTS, MEDUSA = "/api/admin/users/", "/api/admin/exports/", "/admin/customers"
METRICS_TOKEN = "of Prometheus"
LOGGED = "options=-c%20log_statement%3Dall"
# What only one statement of a read contains: of the customers, and of the token. A write of the token's last use, which
# falls due once in a minute, has none of them.
CUSTOMERS, TOKEN = '"customers_user"."first_name"', "AS is_use_due"

# Of statements for pages: a page counts who joined, and customers by country.
JOINED, COUNTRIES = "date_joined >= ", '"is_default_for_shipping" GROUP BY'
HOME, CUSTOMER_LIST = "/dashboard/", "/dashboard/customers/customer/"
PAGES = [HOME, "/dashboard/search/?q=ada", CUSTOMER_LIST, f"{CUSTOMER_LIST}?q=ada",
         "/dashboard/orders/order/?q=ada", "/dashboard/orders/subscription/?q=ada"]  # fmt: skip
MADE_IN_MEDUSA = {"email": "medusa@example.com", "first_name": "M", "last_name": "E", "password": "long enough 1"}
EXPORT = {"type": "customer_list", "date_from": "2020-01-01", "date_to": "2099-12-31"}
PRETEND_TO_BE_LARGE = """
    INSERT INTO customers_customercount (id, number, erased, up_to, counted_at) VALUES (1, 1000000, 0, 1000, now())
    ON CONFLICT (id) DO UPDATE SET number = excluded.number
"""
# Run in the store: it makes a customer, and prints the tokens of four apps.
PREPARE = """
from customers.services import create_user
from customers.models import User
from oauth.actor import SYSTEM
from oauth.scopes import Scope
from oauth.tokens import issue_personal_token

owner = User.objects.create_superuser("owner@store.example", "x")
create_user(email="ada@example.com", first_name="Ada", by=SYSTEM)
scopes = [Scope.USERS_READ, Scope.USERS_WRITE, Scope.WEBHOOKS_WRITE, Scope.EXPORTS_READ, Scope.EXPORTS_WRITE]
for number in range(4):
    print(issue_personal_token(app_name=f"App {number}", scopes=scopes, owner=owner))
"""


class App:
    def __init__(self, url: str, token: str):
        self.url = url
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str) -> requests.Response:
        return self.session.get(f"{self.url}{path}", timeout=PATIENCE)

    def create(self, email: str) -> int:
        answer = self.session.post(f"{self.url}{USERS}", json={"email": email}, timeout=PATIENCE)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    def export(self) -> None:
        """A worker does it for the person who owns the app."""
        answer = self.session.post(f"{self.url}{EXPORTS}", json=EXPORT, timeout=PATIENCE)
        assert answer.status_code == 201, answer.text
        deadline = time.monotonic() + PATIENCE
        while self.get(f"{EXPORTS}{answer.json()['id']}/").json()["status"] != "available":
            assert time.monotonic() < deadline
            time.sleep(0.1)

    def sees(self, email: str) -> bool:
        """By the first page of each API. Both say the same."""
        pages = [self.get(USERS).json()["results"], self.get(MEDUSA).json()["customers"]]
        seen = {email in [each["email"] for each in page] for page in pages}
        assert len(seen) == 1
        return seen.pop()


class Person(Dashboard):
    def open(self, path: str) -> str:
        answer = self.get(f"{self.shop.url}{path}", timeout=PATIENCE)
        assert answer.status_code == 200, answer.text
        return answer.text


def run(url: str, statement: str) -> list[tuple]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


class Replicated:
    """A web node and a worker on a primary with a standby."""

    def __init__(self, cluster: Cluster, folder: Path):
        self.cluster = cluster
        replica = f"{cluster.url_of('standby')}?{LOGGED}%20-c%20lock_timeout%3D200"
        environment = {
            **os.environ, "DEVELOPMENT": "1", "VAR_DIR": str(folder), "DATABASE_URL": cluster.url,
            "DATABASE_REPLICA_URL": replica, "METRICS_TOKEN": METRICS_TOKEN, "RATE_LIMIT": "1000"
        }  # fmt: skip
        logged = {**environment, "DATABASE_URL": f"{cluster.url}&{LOGGED}"}  # the worker's statements come at any time
        port = free_port()
        server = [sys.executable, "-m", "config.server", "--port", str(port), "--workers", "1"]
        self.web = Node("web", server, logged, folder / "web.log", f"http://127.0.0.1:{port}")
        worker = [sys.executable, "manage.py", "run_worker"]
        self.worker = Node("worker", worker, environment, folder / "worker.log")
        self.url = self.web.url

    def __enter__(self) -> Self:
        for statement in ("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()"):
            self.run("primary", statement)
        self.manage("migrate", "--verbosity=0")
        self.web.start()
        self.worker.start()
        tokens = self.manage("shell", "--verbosity=0", "--command", PREPARE).split()
        self.writer, self.reader, self.receiver, self.revoked = (App(self.url, token) for token in tokens)
        deadline = time.monotonic() + PATIENCE
        while not self.web.is_ready():
            assert time.monotonic() < deadline, self.web.log.read_text()
            time.sleep(0.1)
        self.reader.get(USERS)  # the first read of an app is on the primary
        self.wait_for_replay()
        return self

    def __exit__(self, *_) -> None:
        self.web.kill()
        self.worker.kill()

    def manage(self, *arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.check_output(command, cwd=PROJECT, env=self.web.environment, text=True)

    def run(self, server: str, statement: str) -> list[tuple]:
        return run(self.cluster.url_of(server), statement)

    def wait_for_replay(self) -> None:
        [(lsn,)] = self.run("primary", "SELECT pg_current_wal_insert_lsn()")
        deadline = time.monotonic() + PATIENCE
        while not self.run("standby", f"SELECT pg_last_wal_replay_lsn() >= '{lsn}'")[0][0]:
            assert time.monotonic() < deadline
            time.sleep(0.05)

    @contextmanager
    def paused_replay(self):
        self.wait_for_replay()
        self.run("standby", "SELECT pg_wal_replay_pause()")
        try:
            yield
        finally:
            self.run("standby", "SELECT pg_wal_replay_resume()")

    @contextmanager
    def without_worker(self):
        self.worker.terminate()
        try:
            yield
        finally:
            self.worker.start()

    @contextmanager
    def counted(self, *parts: str):
        """Yields a dictionary that gets the number of statements within the block, by server and what they contain."""
        servers = ("primary", "standby")
        begins = {server: self.cluster.log_of(server).stat().st_size for server in servers}
        counts: dict[tuple[str, str], int] = {}
        yield counts
        for server in servers:
            with self.cluster.log_of(server).open() as log:
                log.seek(begins[server])
                statements = re.split(r"^\d{4}-\d\d-\d\d .*? LOG:  ", log.read(), flags=re.MULTILINE)
            for part in parts or (CUSTOMERS, TOKEN):
                counts[server, part] = sum(part in statement for statement in statements)

    def outcomes(self) -> dict[str, float]:
        answer = requests.get(f"{self.url}/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"})
        families = {family.name: family for family in text_string_to_metric_families(answer.text)}
        counter = families.get("store_replica_reads")
        return {each.labels["outcome"]: each.value for each in counter.samples} if counter else {}


@pytest.fixture(scope="module")
def replicated(tmp_path_factory):
    if binaries() is None:
        pytest.skip("needs PostgreSQL's server programs (Debian: postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="replica-", dir="/tmp"))
    try:
        with Cluster(folder) as cluster, Replicated(cluster, tmp_path_factory.mktemp("store")) as replicated:
            yield replicated
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def writer(replicated):
    return replicated.writer


@pytest.fixture
def reader(replicated):
    """It has written nothing."""
    return replicated.reader


@pytest.fixture(scope="module")
def owner(replicated):
    """A person who is signed in, and whose writes the standby has."""
    owner = Person(replicated, "x", "owner@store.example")
    owner.open(CUSTOMER_LIST)  # the first read of a person is on the primary
    replicated.wait_for_replay()
    return owner


READS = 5


def on_standby(counts, *, reads: int) -> bool:
    """All customers were read from the standby, and all tokens from the primary."""
    return counts == {
        ("primary", CUSTOMERS): 0,
        ("primary", TOKEN): reads,
        ("standby", CUSTOMERS): reads,
        ("standby", TOKEN): 0,
    }


def on_primary(counts, *, reads: int) -> bool:
    return (counts["primary", CUSTOMERS], counts["standby", CUSTOMERS]) == (reads, 0)


class TestReplica:
    def test_reads_run_on_the_standby_and_token_and_limit_on_the_primary(self, replicated, reader):
        [first, *_] = reader.get(USERS).json()["results"]
        medusa_id = reader.get(MEDUSA).json()["customers"][0]["id"]
        paths = [USERS, f"{USERS}?email={first['email']}", f"{USERS}?name=ada", f"{USERS}{first['id']}/", MEDUSA,
                 f"{MEDUSA}?q=ada", f"{MEDUSA}/{medusa_id}"]  # fmt: skip

        for path in paths:
            with replicated.counted() as counts:
                answers = [reader.get(path) for _ in range(READS)]

            assert {answer.status_code for answer in answers} == {200}, path
            assert on_standby(counts, reads=READS), (path, counts)
            assert "RateLimit" in answers[-1].headers or path.startswith(MEDUSA)

        with replicated.counted() as counts:
            assert reader.session.head(f"{reader.url}{USERS}").status_code == 200
        assert on_standby(counts, reads=1), counts

    def test_writer_reads_its_own_write_at_once_and_others_read_from_the_standby(self, replicated, writer, reader):
        with replicated.paused_replay():
            id = writer.create("own@example.com")

            with replicated.counted() as counts:
                assert writer.sees("own@example.com")
            assert on_primary(counts, reads=2), counts
            with replicated.counted() as counts:
                assert not reader.sees("own@example.com")
            assert on_standby(counts, reads=2), counts
            # Not found is not stale: it is looked for on the primary, too.
            assert reader.get(f"{USERS}{id}/").json()["email"] == "own@example.com"

        replicated.wait_for_replay()
        with replicated.counted() as counts:
            assert writer.sees("own@example.com")
            assert reader.sees("own@example.com")
        assert on_standby(counts, reads=4), counts

    def test_pages_of_a_person_run_on_the_standby(self, replicated, owner):
        for path in PAGES:
            with replicated.counted(CUSTOMERS, JOINED, COUNTRIES) as counts:
                owner.open(path)

            assert counts["standby", CUSTOMERS] > 0, (path, counts)
            assert counts["primary", CUSTOMERS] == 1, (path, counts)  # the person who is signed in
            assert {counts["primary", part] for part in (JOINED, COUNTRIES)} == {0}, (path, counts)
            assert {counts["standby", part] for part in (JOINED, COUNTRIES)} == {int(path == HOME)}, (path, counts)

    def test_person_sees_their_own_change_at_once(self, replicated, owner, reader):
        path = f"{USERS}?email=ada@example.com"
        [ada] = reader.get(path).json()["results"]
        with replicated.paused_replay():
            answer = owner.submit(f"{CUSTOMER_LIST}{ada['id']}/edit/tags/", tags="changed")
            assert answer.status_code == 302, answer.text

            with replicated.counted() as counts:
                assert "changed" in owner.open(CUSTOMER_LIST)
            assert counts["standby", CUSTOMERS] == 0, counts
            assert reader.get(path).json()["results"][0]["tags"] == []

        replicated.wait_for_replay()
        with replicated.counted() as counts:
            assert "changed" in owner.open(CUSTOMER_LIST)
        assert (counts["primary", CUSTOMERS], counts["standby", CUSTOMERS]) == (1, 1), counts

    def test_person_sees_at_once_what_medusa_or_a_worker_did_for_them(self, replicated, owner, writer):
        medusa = requests.Session()
        signed_in = medusa.post(f"{replicated.url}/admin/auth", json={"email": "owner@store.example", "password": "x"})
        assert signed_in.status_code == 200, signed_in.text
        with replicated.paused_replay():
            made = medusa.post(f"{replicated.url}{MEDUSA}", json=MADE_IN_MEDUSA)
            assert made.status_code == 201, made.text

            assert MADE_IN_MEDUSA["email"] in owner.open(CUSTOMER_LIST)

        replicated.wait_for_replay()
        with replicated.paused_replay():
            with replicated.counted() as counts:
                owner.open(CUSTOMER_LIST)
            assert counts["standby", CUSTOMERS] == 1, counts
            writer.export()

            with replicated.counted() as counts:
                owner.open(CUSTOMER_LIST)
            assert counts["standby", CUSTOMERS] == 0, counts

    def test_home_page_that_keeps_its_numbers_reads_them_from_the_primary(self, replicated, owner):
        """As it does in a large store, if no worker has computed them."""
        with replicated.without_worker():
            replicated.run("primary", PRETEND_TO_BE_LARGE)
            replicated.wait_for_replay()

            with replicated.counted(CUSTOMERS, COUNTRIES) as counts:
                owner.open(HOME)

            replicated.run("primary", "DELETE FROM customers_customercount")
        assert counts["standby", CUSTOMERS] > 0, counts
        assert (counts["primary", COUNTRIES] > 0, counts["standby", COUNTRIES]) == (True, 0), counts
        assert ("parts",) in replicated.run("primary", "SELECT name FROM dashboard_homenumbers")

    def test_standby_that_is_too_far_behind_is_not_read_from(self, replicated, reader):
        with replicated.paused_replay():
            replicated.run("primary", "SELECT pg_logical_emit_message(false, '', repeat('x', 16500000))")

            with replicated.counted() as counts:
                assert reader.get(USERS).status_code == 200
            assert on_primary(counts, reads=1), counts

        replicated.wait_for_replay()
        with replicated.counted() as counts:
            reader.get(USERS)
        assert on_standby(counts, reads=1), counts

    def test_app_that_got_an_event_sees_what_it_is_about(self, replicated, writer):
        app = replicated.receiver
        with served() as receiver:
            webhook = {"target": receiver.url, "events": ["customer.created"]}
            answer = app.session.post(f"{replicated.url}/api/admin/webhooks/", json=webhook)
            assert answer.status_code == 201, answer.text
            with replicated.paused_replay():
                writer.create("event@example.com")
                deadline = time.monotonic() + PATIENCE
                while not receiver.received:
                    assert time.monotonic() < deadline
                    time.sleep(0.05)

                assert receiver.received[0].event["data"]["email"] == "event@example.com"
                assert app.sees("event@example.com")

    def test_revoked_token_is_refused_at_once_while_the_standby_has_it_still(self, replicated):
        app = replicated.revoked
        app.get(USERS)
        with replicated.paused_replay():
            assert app.get(USERS).status_code == 200

            # A second token of an app revokes the first one.
            replicated.manage("create_token", "--app", "App 3", "--scope", "users:read")

            assert app.get(USERS).status_code == 401

    def test_read_that_the_standby_refuses_is_repeated_on_the_primary(self, replicated, reader, owner):
        before = replicated.outcomes().get("failed", 0)
        with psycopg.connect(replicated.cluster.url_of("primary")) as connection:
            connection.execute("LOCK TABLE customers_address IN ACCESS EXCLUSIVE MODE")
            replicated.run("primary", "SELECT pg_switch_wal()")
            with replicated.paused_replay():  # which holds the lock on the standby alone
                connection.rollback()

                assert reader.get(USERS).status_code == 200
                assert "Ada" in owner.open(CUSTOMER_LIST)
        assert replicated.outcomes()["failed"] == before + 2

    def test_standby_that_is_killed_fails_no_read_and_is_used_again_later(self, replicated, reader):
        assert requests.get(f"{replicated.url}/readyz").json()["replica_lag_bytes"] is not None
        replicated.run("primary", "ALTER SYSTEM SET synchronous_standby_names = ''")
        replicated.run("primary", "SELECT pg_reload_conf()")
        replicated.cluster.kill("standby")

        with replicated.counted() as counts:
            assert {reader.get(USERS).status_code for _ in range(20)} == {200}
        assert on_primary(counts, reads=20), counts
        assert replicated.outcomes()["unavailable"] == 20

        assert requests.get(f"{replicated.url}/readyz").status_code == 200
        assert replicated.web.log.read_text().count("The replica of the database is unavailable") == 1

        replicated.cluster.start("standby")
        before = replicated.outcomes()["replica"]
        deadline = time.monotonic() + PATIENCE
        while replicated.outcomes()["replica"] == before:
            assert time.monotonic() < deadline
            assert reader.get(USERS).status_code == 200
            time.sleep(0.1)
