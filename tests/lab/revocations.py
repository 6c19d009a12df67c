"""Tokens that were revoked. From the acknowledgement on, each node refuses them."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any, Self

import requests

from tests.lab.load import TIMEOUT, Answer, Load, outcome_of

LATER = 0.3  # seconds after the beginning of a failure
MOST_TRIED = 3  # the latest tokens, again and again. At the end all are tried
ACKNOWLEDGED_WITHIN = 120  # seconds


class Revocations:
    """For each failure an app revokes two tokens that work: one right before it, and one while it lasts.

    `nodes`: the URLs of the web nodes, without a proxy. `answers`: to revoked tokens.
    """

    def __init__(self, load: Load, nodes: list[str], tokens: dict[str, Any]):
        self.load, self.nodes = load, nodes
        self.client, self.unused = tokens["client"], list(tokens["leaving"])
        self.revoked: list[str] = [tokens["revoked"]]
        self.answers: Counter[str] = Counter()
        self.faults: list[str] = []
        self.stop = Event()
        self.thread = Thread(target=self._try, daemon=True)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.stop.set()
        self.thread.join()

    @contextmanager
    def around_failure(self) -> Iterator[None]:
        before, meanwhile = self.unused.pop(), self.unused.pop()
        answers = {self._answer(node, token) for node in self.nodes for token in (before, meanwhile)}
        if answers != {"200"}:
            self.faults.append(f"tokens that were not revoked yet were answered {sorted(answers)}")
        self._revoke(before)
        thread = Thread(target=self._revoke, args=[meanwhile, LATER], daemon=True)
        thread.start()
        yield
        thread.join(ACKNOWLEDGED_WITHIN)
        if meanwhile not in self.revoked:
            self.faults.append("a revocation was never acknowledged")

    def try_all(self) -> list[str]:
        """All faults, when the nodes work again."""
        for token in self.revoked:
            final = {self._answer(node, token) for node in self.nodes}
            if final != {"401"}:
                self.faults.append(f"at the end a revoked token was answered {sorted(final)}")
        if not self.answers.keys() <= {"401", "503", "no answer"}:
            self.faults.append("a revoked token was accepted")
        return self.faults

    def _answer(self, node: str, token: str) -> str:
        """Repeats the request while the node asks for that, or a busy machine lets it wait too long."""
        deadline = time.monotonic() + ACKNOWLEDGED_WITHIN
        while (answer := self.load.get(node, token)) in ("503", "no answer") and time.monotonic() < deadline:
            time.sleep(0.2)
        return answer

    def _revoke(self, token: str, later: float = 0) -> None:
        """As the app does, which repeats it until it is acknowledged (RFC 7009)."""
        time.sleep(later)
        outcome, form = "", {**self.client, "token": token}
        while outcome != "200" and not self.stop.wait(0.1):
            sent = time.monotonic()
            try:
                url = f"{self.load.urls[0]}/oauth2/revoke_token/"
                outcome = outcome_of(requests.post(url, form, timeout=TIMEOUT))
            except requests.RequestException as error:
                outcome = type(error).__name__
            self.load.answers.append(Answer(sent, time.monotonic(), outcome, None))
        if outcome == "200":
            self.revoked.append(token)

    def _try(self) -> None:
        while not self.stop.wait(0.2):
            for token in self.revoked[-MOST_TRIED:]:
                self._try_at_each_node(token, self.answers)

    def _try_at_each_node(self, token: str, answers: Counter[str]) -> None:
        answers.update(self.load.get(node, token) for node in self.nodes)
