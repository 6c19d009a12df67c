"""No event is lost, whichever process is killed at whatever moment."""

import contextlib
import json
import os
import random
import subprocess
import sys
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path

import psutil
import psycopg
import pytest
import requests

from customers.webhooks.models import MAX_BLOCKING_ATTEMPTS
from tests.live.conftest import PROJECT, Store
from tests.support.ports import free_port
from tests.support.webhook_receiver import Received

SECRET = "a secret that only the two of us know"
CUSTOMERS = int(os.environ.get("WEBHOOK_CUSTOMERS", "100"))  # each is created, and changed twice
TIMEOUT = 60 + CUSTOMERS  # seconds, for the events that are left at the end
# The customers that have an event which failed five times: it no longer holds back later ones.
NOT_HELD_BACK = f"SELECT DISTINCT object_id FROM webhooks_delivery WHERE attempts >= {MAX_BLOCKING_ATTEMPTS}"


class Receiver:
    """A process that fails one request in five, and may be killed."""

    def __init__(self, log: Path):
        self.log = log
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.live.webhook_receiver", str(self.port), str(self.log)]
        self.process = subprocess.Popen(command, cwd=PROJECT)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def received(self) -> list[Received]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        entries = []
        for line in lines:
            with contextlib.suppress(ValueError):  # it was killed while it wrote this line
                entries.append(json.loads(line))
        return [Received("/", each["body"].encode(), each["signature"], each["answer"]) for each in entries]


@pytest.fixture
def receiver(tmp_path):
    receiver = Receiver(tmp_path / "received.jsonl")
    yield receiver
    receiver.kill()


def test_webhook_events_survive_killed_receivers_workers_and_stores(store, receiver):
    shop = store(RATE_LIMIT="0", WEBHOOKS_RETRY_SECONDS="0.2")
    subscribe(shop, receiver.url)
    answered: dict[int, list[dict]] = defaultdict(list)  # by customer: the answer to each change

    with ThreadPoolExecutor(4) as pool:
        work = [pool.submit(create_and_change, shop, number, answered) for number in range(CUSTOMERS)]
        for killed in cycle([kill_receiver, kill_worker, kill_store]):
            time.sleep(random.uniform(0.2, 1.5 + CUSTOMERS / 500))
            killed(shop, receiver)
            if all(each.done() for each in work):
                break
        for each in work:
            each.result()
    now = {id: latest(shop, id) for id in answered}
    wait_for_all(receiver, answered, now)

    received = receiver.received()
    assert all(each.is_signed(SECRET) for each in received)
    bodies: dict[str, set[bytes]] = defaultdict(set)
    for each in received:
        bodies[each.event["event_id"]].add(each.body)
    assert all(len(versions) == 1 for versions in bodies.values())
    assert len(answered) == CUSTOMERS
    out_of_order = set()
    events = by_customer(received)
    for id, answers in answered.items():
        types = [event_type for event_type, _ in events[id]]
        assert types.count("customer.created") == 1
        assert types.count("customer.updated") >= len(answers) - 1
        assert now[id] in [data for _, data in events[id]]
        if types[0] != "customer.created" or events[id][-1][1] != now[id]:
            out_of_order.add(id)
    with psycopg.connect(shop.environment["DATABASE_URL"]) as connection:
        assert out_of_order <= {id for (id,) in connection.execute(NOT_HELD_BACK)}


def kill_receiver(shop: Store, receiver: Receiver) -> None:
    receiver.kill()
    time.sleep(random.uniform(0, 0.5))
    receiver.start()


def kill_worker(shop: Store, receiver: Receiver) -> None:
    """The command that serves the store starts another one."""
    for child in psutil.Process(shop.process.pid).children():
        with contextlib.suppress(psutil.Error):
            if "run_worker" in child.cmdline():
                child.kill()


def kill_store(shop: Store, receiver: Receiver) -> None:
    shop.kill()
    time.sleep(random.uniform(0, 0.5))
    shop.start()


def subscribe(shop: Store, url: str) -> None:
    scopes = ("webhooks:read", "webhooks:write")
    token = shop.manage("create_token", "--app", "Webhooks", "--scope", *scopes).strip()
    body = {"target": url, "events": ["customer.created", "customer.updated"], "secret_key": SECRET}
    headers = {"Authorization": f"Bearer {token}"}
    assert requests.post(f"{shop.url}/api/admin/webhooks/", json=body, headers=headers).status_code == 201


def create_and_change(shop: Store, number: int, answered: dict[int, list[dict]]) -> None:
    """Repeats each request until it is answered."""
    person = {"email": f"{number}@example.com", "metadata": {"n": number / 7}}
    created = send_until_answered(shop, "POST", "", person, {"Idempotency-Key": str(number)})
    id = created["id"]
    answered[id] = [
        created,
        *(send_until_answered(shop, "PATCH", f"{id}/", {"first_name": name}) for name in ("Ada", "Grace")),
    ]


def send_until_answered(shop: Store, method: str, path: str, body: dict, headers: dict | None = None) -> dict:
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        with contextlib.suppress(requests.RequestException):
            url = f"{shop.url}/api/admin/users/{path}"
            answer = shop.session().request(method, url, json=body, headers=headers, timeout=30)
            if answer.status_code != 503:  # the database is starting
                assert answer.ok, answer.text
                return answer.json()
        time.sleep(0.1)
    raise AssertionError(f"{method} {path} was not answered.")


def wait_for_all(receiver: Receiver, answered: dict[int, list[dict]], now: dict[int, dict]) -> None:
    """Waits until each customer has as many events as answered changes, and one of what they are now, or until TIMEOUT:
    a change may have been made, but not answered."""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        events = by_customer(receiver.received())
        if all(
            len(events[id]) >= len(answers) and now[id] in [data for _, data in events[id]]
            for id, answers in answered.items()
        ):
            return
        time.sleep(0.5)


def by_customer(received: list[Received]) -> dict[int, list[tuple[str, dict]]]:
    """Type and data of the accepted events, by customer: each event once, in the order of arrival."""
    seen, events = set(), defaultdict(list)
    for event in [each.event for each in received if each.code == 200]:
        if event["event_id"] not in seen:
            seen.add(event["event_id"])
            events[event["data"]["id"]].append((event["event_type"], event["data"]))
    return events


def latest(shop: Store, id: int) -> dict:
    return shop.session().get(f"{shop.url}/api/admin/users/{id}/").json()
