"""What a second node and a replica cost: CPU time of a request on one node, on two nodes, and on two that read from a
standby. All share one PostgreSQL primary with a synchronous standby, which the bench starts itself."""

import shutil
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from operator import truediv
from pathlib import Path
from statistics import median
from typing import NamedTuple

import psutil
import psycopg

from tests.bench import load
from tests.bench.comparison import CUSTOMERS, OURS, VARIANTS
from tests.bench.report import CORES, Bar, Table
from tests.bench.serving import Server, cpu_seconds_of, prepared, served
from tests.bench.traffic import OPERATIONS
from tests.lab.postgresql import Cluster, binaries

ONE, TWO, WITH_REPLICA = "one node", "two nodes", "two nodes, a replica"
BAR = Bar("≥", 0.9)  # the rate per core of two nodes as a part of that of one


class Cpu(NamedTuple):
    nodes: float
    primary: float
    standby: float


def measure_nodes(*, rounds: int, seconds: float) -> list[Table]:
    if binaries() is None:
        raise SystemExit("This needs PostgreSQL's server programs (Debian: postgresql).")
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir="/tmp"))
    try:
        with ExitStack() as stack:
            runs = sides(stack, stack.enter_context(Cluster(folder)))
            results = load.interleaved(runs, rounds=rounds, seconds=seconds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return tables(results)


def sides(stack: ExitStack, cluster: Cluster) -> dict:
    """The traffic of each side and operation. All sides have as many processes: one a core, or one a node."""
    server_url = cluster.url_of("primary", "postgres")
    store = stack.enter_context(prepared(VARIANTS[OURS], server_url, "bench_nodes", CUSTOMERS))
    replica = {"DATABASE_REPLICA_URL": cluster.url_of("standby", "bench_nodes")}
    stores = {ONE: store, TWO: store, WITH_REPLICA: replace(store, environment={**store.environment, **replica})}
    with psycopg.connect(cluster.url_of("standby", "postgres")) as connection:
        standby = psutil.Process(connection.info.backend_pid).ppid()
    runs = {}
    for side, its_store in stores.items():
        number, processes = (1, max(CORES, 2)) if side == ONE else (2, max(CORES // 2, 1))
        nodes = [stack.enter_context(served(VARIANTS[OURS], its_store, workers=processes)) for _ in range(number)]
        for operation, requests in OPERATIONS.items():
            runs[side, operation] = traffic(nodes, standby, requests)
    return runs


def traffic(nodes: list[Server], standby: int, requests) -> load.Traffic:
    [store] = {id(node.store): node.store for node in nodes}.values()

    def cpu_seconds() -> Cpu:
        spent = sum(cpu_seconds_of(node.pid) for node in nodes)
        return Cpu(spent, cpu_seconds_of(store.postmaster), cpu_seconds_of(standby))

    return load.Traffic([node.port for node in nodes], requests(store.tokens, store.customers), cpu_seconds)


def tables(results: dict) -> list[Table]:
    table = Table("µs of CPU time per request: median (lowest to highest)", *OPERATIONS)
    for side in (ONE, TWO, WITH_REPLICA):
        for part in Cpu._fields:
            spent = [[getattr(run.cpu_of_request, part) for run in results[side, name]] for name in OPERATIONS]
            table.add_spread(f"{side}: {part}", spent, ",.0f")
    rates = {
        side: [1e6 / median(sum(run.cpu_of_request) for run in results[side, name]) for name in OPERATIONS]
        for side in (ONE, TWO, WITH_REPLICA)
    }
    ratios = Table("requests per second of one core, the databases' CPU time included", *OPERATIONS)
    for side, numbers in rates.items():
        ratios.add(side, numbers, ",.0f")
    ratios.add(f"{TWO} ÷ {ONE}", list(map(truediv, rates[TWO], rates[ONE])), ".2f", [BAR] * len(OPERATIONS))
    ratios.add(f"{WITH_REPLICA} ÷ {ONE}", list(map(truediv, rates[WITH_REPLICA], rates[ONE])), ".2f")
    return [table, ratios]
