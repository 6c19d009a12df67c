"""A closed-loop load generator: every connection sends its next request when the answer to the last one is there.

It shares the machine with what it measures, so it does no more per request than it must.
"""

import re
import selectors
import socket
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from itertools import cycle
from statistics import quantiles
from typing import NamedTuple

CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
STATUS = slice(9, 12)  # of b"HTTP/1.1 200 OK"
WARM_UP = 1  # seconds


class Cpu(NamedTuple):
    """CPU time of the server's processes, and of PostgreSQL's."""

    server: float
    database: float


class Traffic(NamedTuple):
    ports: list[int]  # connections use one after the other
    requests: Iterator[bytes]  # without an end
    cpu_seconds: Callable[[], tuple[float, ...]]  # that were spent until now, as Cpu or as other named parts


@dataclass(frozen=True, slots=True)
class Result:
    """Of one run. Times in seconds."""

    latencies: list[float]
    elapsed: float
    statuses: Counter[bytes]
    cpu: tuple[float, ...]

    @property
    def cpu_of_request(self):
        """In microseconds, with the names of `cpu`."""
        return type(self.cpu)(*(seconds / len(self.latencies) * 1e6 for seconds in self.cpu))

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.elapsed

    def percentile(self, percent: int) -> float:
        if len(self.latencies) == 1:  # longer than the whole run
            return self.latencies[0]
        return quantiles(self.latencies, n=100, method="inclusive")[percent - 1]

    @property
    def failures(self) -> dict[str, int]:
        """How many answers came with each status that is not 2xx."""
        return {status.decode(): count for status, count in self.statuses.items() if not status.startswith(b"2")}


class Connection:
    __slots__ = ("received", "sent_at", "socket")

    def __init__(self, port: int):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.sent_at = 0.0

    def send(self, request: bytes) -> None:
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> bytes | None:
        """The status of the answer once all of it is there. To be called when there is something to read."""
        part = self.socket.recv(1 << 18)
        if not part:
            raise ConnectionError("The server closed a connection that was to be kept alive.")
        answer = self.received = self.received + part
        head_ends = answer.find(b"\r\n\r\n")
        if head_ends < 0:
            return None
        length = CONTENT_LENGTH.search(answer, 0, head_ends)
        if length is None:
            raise ConnectionError("An answer without Content-Length.")
        if len(answer) < head_ends + 4 + int(length[1]):
            return None
        self.received = b""
        return answer[STATUS]


def run(traffic: Traffic, *, seconds: float, connections: int = 8) -> Result:
    """Sends requests over keep-alive connections to 127.0.0.1. All that were sent are answered when it returns."""
    ports, requests, cpu_seconds = traffic
    before = cpu_seconds()
    latencies: list[float] = []
    statuses: Counter[bytes] = Counter()
    with selectors.DefaultSelector() as selector:
        waiting = [Connection(port) for port, _ in zip(cycle(ports), range(connections), strict=False)]
        for connection in waiting:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        started = now = time.perf_counter()
        for connection in waiting:
            connection.send(next(requests))
        while waiting:
            for key, _ in selector.select():
                connection = key.data
                status = connection.receive()
                if status is None:
                    continue
                now = time.perf_counter()
                latencies.append(now - connection.sent_at)
                statuses[status] += 1
                if now - started < seconds:
                    connection.send(next(requests))
                else:
                    waiting.remove(connection)
                    selector.unregister(connection.socket)
                    connection.socket.close()
    spent = type(before)(*(after - earlier for after, earlier in zip(cpu_seconds(), before, strict=True)))
    return Result(latencies, now - started, statuses, spent)


def interleaved(
    runs: dict[Hashable, Traffic], *, rounds: int, seconds: float, connections: int = 8
) -> dict[Hashable, list[Result]]:
    """`rounds` results of each run. They take turns, so that a slow minute of the machine is everyone's; a first short
    turn warms up. Exits where an answer is not 2xx."""
    results: dict[Hashable, list[Result]] = {name: [] for name in runs}
    for turn in range(rounds + 1):
        for name, traffic in runs.items():
            result = run(traffic, seconds=seconds if turn else WARM_UP, connections=connections)
            if result.failures:
                raise SystemExit(f"{name}: answers that are not 2xx: {result.failures}")
            if turn:
                results[name].append(result)
    return results
