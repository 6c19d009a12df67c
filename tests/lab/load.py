"""Clients that write customers, and note each answer."""

import time
from contextlib import suppress
from dataclasses import dataclass
from itertools import cycle
from threading import Event, Thread
from typing import Any, Self
from uuid import uuid4

import requests

CUSTOMERS = "/api/admin/users/"
TIMEOUT = 15  # seconds


@dataclass(frozen=True)
class Answer:
    """`outcome`: a status, or the name of a connection's error."""

    sent: float
    at: float
    outcome: str
    created: int | None


def outcome_of(answer: requests.Response) -> str:
    is_incomplete = answer.status_code == 503 and "Retry-After" not in answer.headers
    return f"{answer.status_code}{' without Retry-After' if is_incomplete else ''}"


class Load:
    """Each client creates customers and changes one of its own, at one URL after the other.

    Every other client sends an `Idempotency-Key`, and repeats a request until it is answered. The others never do.
    `pace`: seconds between two requests of a client. A further thread tries a token with a limit.
    """

    def __init__(self, urls: list[str], tokens: dict[str, Any], clients: int, pace: float):
        self.urls, self.token, self.limited = urls, tokens["load"], tokens["limited"]
        self.pace = pace
        self.answers: list[Answer] = []
        self.limited_answers: list[Answer] = []
        self.versions: dict[int, int] = {}  # the last acknowledged change of a customer
        self.stop = Event()
        self.threads = [Thread(target=self._run, args=(number,), daemon=True) for number in range(clients)]
        self.threads.append(Thread(target=self._try_limited, daemon=True))

    def __enter__(self) -> Self:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def _run(self, client: int) -> None:
        own = None
        for number, url in enumerate(cycle(self.urls)):
            if self.stop.wait(self.pace):
                return
            if own and number % 5 == 0:
                answer = self._send("patch", f"{url}{CUSTOMERS}{own}/", {"last_name": str(number)})
                if answer.outcome == "200":
                    self.versions[own] = number
                continue
            body = {"email": f"c{client}-{number}@example.com",
                    "addresses": [{"line1": "1 High St", "line4": "Leeds", "country": "GB"}]}  # fmt: skip
            headers = {"Idempotency-Key": str(uuid4())} if client % 2 else {}
            answer = self._send("post", url + CUSTOMERS, body, headers)
            while client % 2 and answer.outcome != "201" and not self.stop.wait(0.2):
                answer = self._send("post", url + CUSTOMERS, body, headers)
            own = own or answer.created

    def _send(self, method: str, url: str, body: Any, headers: Any = {}) -> Answer:  # noqa: B006  it stays empty
        sent = time.monotonic()
        id = None
        try:
            authorization = {"Authorization": f"Bearer {self.token}"}
            answer = requests.request(method, url, json=body, headers=authorization | headers, timeout=TIMEOUT)
            outcome = outcome_of(answer)
            if answer.status_code == 201:
                id = answer.json()["id"]
        except requests.RequestException as error:
            outcome = type(error).__name__
        answered = Answer(sent, time.monotonic(), outcome, id)
        self.answers.append(answered)
        return answered

    def get(self, url: str, token: str) -> str:
        with suppress(requests.RequestException):
            headers = {"Authorization": f"Bearer {token}"}
            return str(requests.get(url + CUSTOMERS, headers=headers, params={"limit": 1}, timeout=TIMEOUT).status_code)
        return "no answer"

    def _try_limited(self) -> None:
        for url in cycle(self.urls):
            if self.stop.wait(0.05):
                return
            sent = time.monotonic()
            outcome = self.get(url, self.limited)
            self.limited_answers.append(Answer(sent, time.monotonic(), outcome, None))

    def acknowledged(self, *, until: float = float("inf"), since: float = 0) -> set[int]:
        return {each.created for each in list(self.answers) if each.created and since <= each.at and each.at <= until}

    def errors(self, since: float, until: float = float("inf")) -> list[Answer]:
        """Of the requests that were sent in that time."""
        sent = [answer for answer in list(self.answers) if since <= answer.sent < until]
        return [answer for answer in sent if answer.outcome not in ("200", "201")]

    def most_in_a_second(self, since: float = 0, until: float = float("inf")) -> int:
        """The most requests that the limited token certainly had within one second: sent and answered in it."""
        allowed = [each for each in list(self.limited_answers) if each.outcome == "200" and since <= each.sent < until]
        return max((sum(first.sent <= each.sent and each.at < first.sent + 1 for each in allowed[place:place + 100])
                    for place, first in enumerate(allowed)), default=0)  # fmt: skip
