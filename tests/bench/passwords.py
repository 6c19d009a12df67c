"""What passwords cost: customers created with one, and other requests meanwhile."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from statistics import median

from tests.bench import load, medusa
from tests.bench.comparison import CUSTOMERS, OURS, VARIANTS
from tests.bench.report import CORES, Bar, Table
from tests.bench.serving import prepared, served
from tests.bench.traffic import request, retrieves

VARIANT = VARIANTS[OURS]
PER_CORE_BAR = Bar("≥", 20)
BESIDE_BAR = Bar("≥", 0.67)
HASHING_CONNECTIONS = 8


def measure_passwords(server_url: str, *, rounds: int, seconds: float) -> Table:
    """Creates alone, retrieves alone, and retrieves while creates run, in turn."""
    alone, reads, beside = [], [], []
    with prepared(VARIANT, server_url, "bench_passwords", CUSTOMERS) as store, served(VARIANT, store) as server:
        creating, reading = server.traffic(creates), server.traffic(retrieves)
        for _ in range(rounds):
            alone.append(load.run(creating, seconds=seconds, connections=HASHING_CONNECTIONS))
            reads.append(load.run(reading, seconds=seconds).rate)
            with ThreadPoolExecutor() as pool:
                running = pool.submit(load.run, creating, seconds=seconds, connections=HASHING_CONNECTIONS)
                beside.append(load.run(reading, seconds=seconds).rate)
                running.result()
    made, read, meanwhile = map(median, ([run.rate for run in alone], reads, beside))
    of_cpu = 1e6 / median(sum(run.cpu_of_request) for run in alone)
    table = Table(
        *("per second", "create with a password", "per core", "per second of CPU time"),
        *("retrieve", "retrieve during creates", "÷ alone"),
    )
    values = [made, made / CORES, of_cpu, read, meanwhile, meanwhile / read]
    table.add("this project", values, ",.2f", [None, PER_CORE_BAR, PER_CORE_BAR, None, None, BESIDE_BAR])
    return table


def creates(tokens: list[str], customers: list[dict]) -> Iterator[bytes]:
    body = json.dumps(medusa.NEW | {"email": "member-0000000000@example.net", "password": "Correct-horse-9"})
    return medusa.numbered([request("POST", medusa.PATH, token, body) for token in tokens])
