"""Clients that create customers, and note each answer."""

import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Thread
from typing import Self

import requests


@dataclass(frozen=True)
class Answer:
    """`outcome`: a status, or the name of a connection's error."""

    at: float
    node: str
    outcome: str
    customer_id: int | None


class Load:
    """Each client uses one node after the other, as behind a load balancer without health checks."""

    def __init__(self, urls: list[str], token: str, revoked: str, clients: int):
        self.urls, self.token, self.revoked = urls, token, revoked
        self.revoked_answers: Counter[str] = Counter()  # by status, of requests with a revoked token
        self.answers: list[Answer] = []
        self.stop = Event()
        self.threads = [Thread(target=self._run, args=(number,), daemon=True) for number in range(clients)]
        self.threads.append(Thread(target=self._try_revoked, daemon=True))

    def __enter__(self) -> Self:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def _run(self, client: int) -> None:
        number = 0
        while not self.stop.wait(0.02):
            number += 1
            self.answers.append(self._create(self.urls[number % len(self.urls)], f"c{client}-{number}@example.com"))

    def _create(self, url: str, email: str) -> Answer:
        body = {"email": email, "addresses": [{"line1": "1 High St", "line4": "Leeds", "country": "GB"}]}
        headers = {"Authorization": f"Bearer {self.token}"}
        id = None
        try:
            answer = requests.post(f"{url}/api/admin/users/", json=body, headers=headers, timeout=15)
            outcome = str(answer.status_code)
            if answer.status_code == 503 and "Retry-After" not in answer.headers:
                outcome += " without Retry-After"
            if answer.status_code == 201:
                id = answer.json()["id"]
        except requests.RequestException as error:
            outcome = type(error).__name__
        return Answer(time.monotonic(), url, outcome, id)

    def _try_revoked(self) -> None:
        headers = {"Authorization": f"Bearer {self.revoked}"}
        while not self.stop.wait(0.1):
            for url in self.urls:
                with suppress(requests.RequestException):
                    status = requests.get(f"{url}/api/admin/users/", headers=headers, timeout=15).status_code
                    self.revoked_answers[str(status)] += 1

    def acknowledged(self, *, until: float = float("inf")) -> set[int]:
        return {each.customer_id for each in list(self.answers) if each.customer_id and each.at <= until}

    def errors_since(self, moment: float) -> list[Answer]:
        return [answer for answer in list(self.answers) if answer.at >= moment and answer.outcome != "201"]

    def wait_for_success_of_all(self, *, since: float, limit: float) -> float | None:
        """The time at which every node has answered 201 again; None if one does not within `limit` seconds."""
        while time.monotonic() < since + limit:
            first: dict[str, float] = {}
            for answer in list(self.answers):
                if answer.at >= since and answer.outcome == "201":
                    first.setdefault(answer.node, answer.at)
            if len(first) == len(self.urls):
                return max(first.values())
            time.sleep(0.05)
        return None
