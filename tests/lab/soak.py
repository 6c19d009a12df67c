"""A week in an hour: `python -m tests.lab --soak`. The clock of all processes, PostgreSQL's too, jumps 60 times.

Meanwhile clients write and read customers, exports and imports are made, a token expires, one endpoint fails, and old
rows are deleted. The memory of each server and worker must not grow.
"""

import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from statistics import linear_regression, median
from threading import Event, Thread

import psutil
import requests

from tests.lab import verify
from tests.lab.clock import LIBRARY, Clock
from tests.lab.nodes import Node
from tests.lab.setup import Lab

STEPS = 60
ATTEMPTS = 11  # of a delivery: ten retries
WEEK = 7 * 24 * 3600  # seconds
PACE = 0.5  # seconds between two requests of a client
MOST_GROWTH, MOST_BYTES = 0.15, 20_000_000  # of memory, from the first third to the last: the larger of both
# Deliveries are kept for a day. A retry comes soon, and the last one three hours after the one before it.
SETTINGS = {"RETENTION_DELIVERIES_DAYS": "1", "WEBHOOKS_RETRY_SECONDS": "0.5", "RETENTION_JOBS_DAYS": "2"}
EXPORT = {"type": "customer_list", "date_from": "2020-01-01", "date_to": "2099-12-31"}
READ = ("users/?limit=20", "users/?search=c1", "users/?is_user=true&sort=-date_joined", "webhooks/", "exports/")

TOKENS = """
import json
from datetime import timedelta
from django.utils import timezone
from customers.models import User
from oauth.scopes import Scope
from oauth.tokens import issue_personal_token

owner = User.objects.get(is_superuser=True)
tomorrow = timezone.now() + timedelta(days=1)
print(json.dumps({
    "all": issue_personal_token(app_name="Soak", scopes=list(Scope), owner=owner),
    "short": issue_personal_token(app_name="Short", scopes=[Scope.USERS_READ], owner=owner, expires=tomorrow),
}))
"""


def run(minutes: float, clients: int) -> list[str]:
    """Returns the faults."""
    if LIBRARY is None:
        print("The soak was skipped: it needs Debian's faketime.")
        return []
    with tempfile.TemporaryDirectory(prefix="lab-clock-", dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        clock = Clock(Path(folder) / "clock")
        with Lab(clients, clock, has_small_disk=False, pace=PACE, **SETTINGS) as lab:
            return Soak(lab, clock, minutes).run()


class Soak:
    def __init__(self, lab: Lab, clock: Clock, minutes: float):
        self.lab, self.clock, self.seconds = lab, clock, minutes * 60 / STEPS
        self.api = f"{lab.load.urls[0]}/api/admin/"
        self.tokens = json.loads(lab.nodes.manage("shell", "--verbosity=0", "--command", TOKENS))
        self.memory: dict[str, list[int]] = {node.name: [] for node in lab.nodes.all}
        self.exports: list[int] = []
        self.faults: list[str] = []

    def run(self) -> list[str]:
        self.send("post", "webhooks/", {"target": f"{self.lab.receiver.url}broken", "events": ["customer.created"]})
        self.expect_status("short", 200)
        with repeated(self.read):
            for step in range(STEPS):
                ends = time.monotonic() + self.seconds
                self.exports.append(self.send("post", "exports/", EXPORT)["id"])
                if step % 10 == 5:
                    self.import_customers(step)
                time.sleep(max(ends - time.monotonic(), 0))
                for node in self.lab.nodes.all:
                    self.memory[node.name].append(memory(node))
                self.clock.jump(WEEK / STEPS)
        self.expect_status("short", 401)
        self.check_exports()
        self.check_retention()
        self.check_retries()
        self.check_memory()
        errors = self.lab.load.errors(0)
        self.require(not errors, f"{len(errors)} errors, such as {errors[:1]}")
        return self.faults + verify.faults(self.lab, are_deliveries_kept=False)

    def send(self, method: str, path: str, body=None):
        headers = {"Authorization": f"Bearer {self.tokens['all']}"}
        answer = requests.request(method, self.api + path, json=body, headers=headers, timeout=30)
        assert answer.ok, answer.text
        return answer.json()

    def read(self, stop: Event) -> None:
        for path in cycle(READ):
            if stop.wait(PACE):
                return
            try:
                self.send("get", path)
            except requests.RequestException as error:
                self.faults.append(f"{path}: {error}")

    def import_customers(self, step: int) -> None:
        file = self.lab.folder / "import.csv"
        file.write_text("email\n" + "".join(f"i{step}-{number}@example.com\n" for number in range(200)))
        self.lab.nodes.manage("import_customers", str(file))

    def require(self, condition: object, fault: str) -> None:
        if not condition:
            self.faults.append(fault)

    def expect_status(self, token: str, status: int) -> None:
        headers = {"Authorization": f"Bearer {self.tokens[token]}"}
        found = requests.get(f"{self.api}users/?limit=1", headers=headers, timeout=30).status_code
        self.require(found == status, f"the token {token!r} was answered {found} instead of {status}")

    def check_exports(self) -> None:
        [(left,)] = self.lab.cluster.rows("SELECT count(*) FROM jobs_job WHERE kind = 'export'")
        states = [self.send("get", f"exports/{id}/")["status"] for id in self.exports[-5:-1]]
        print(f"{len(self.exports)} exports were made, {left} of them are still there; the latest are {states}.")
        self.require(set(states) == {"available"}, f"the latest exports are {states}")
        self.require(0 < left < len(self.exports), "old exports were not deleted")

    def check_retention(self) -> None:
        """What was over when a worker last deleted old deliveries is gone."""
        over = "last_sent_at < started_at AND created_at < started_at - interval '1 day' AND status <> 'waiting'"
        began = "(SELECT started_at FROM retention_cleanup WHERE name = 'deliveries') AS deletion"
        [(left,)] = self.lab.cluster.rows(f"SELECT count(*) FROM webhooks_delivery, {began} WHERE {over}")
        self.require(left == 0, f"{left} old deliveries were not deleted")

    def check_retries(self) -> None:
        attempts = Counter(self.lab.receiver.events("/broken"))
        ended = sum(number == ATTEMPTS for number in attempts.values())
        print(f"The broken endpoint got {len(attempts)} events; {ended} of them for the last time.")
        self.require(ended and max(attempts.values()) == ATTEMPTS, f"an event was sent {max(attempts.values())} times")

    def check_memory(self) -> None:
        print(f"\n| memory of | first | last | slope in {STEPS} steps |\n|---|---|---|---|")
        for name, samples in self.memory.items():
            third = len(samples) // 3
            settled = samples[third:]
            slope = linear_regression(range(len(settled)), settled).slope * STEPS
            print(f"| {name} | {samples[0] / 1e6:.0f} MB | {samples[-1] / 1e6:.0f} MB | {slope / 1e6:+.1f} MB |")
            before, after = median(samples[third : 2 * third]), median(samples[2 * third :])
            most = max(before * MOST_GROWTH, MOST_BYTES)
            self.require(after - before < most, f"{name} grew from {before / 1e6:.0f} to {after / 1e6:.0f} MB")


def memory(node: Node) -> int:
    """Bytes of the process and its children that are in memory."""
    process = psutil.Process(node.process.pid)
    return sum(each.memory_info().rss for each in (process, *process.children(recursive=True)))


@contextmanager
def repeated(run: Callable[[Event], None]) -> Iterator[None]:
    stop = Event()
    thread = Thread(target=run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
