"""This API between the raw ceiling and the textbook: the same requests, at the same time, on one PostgreSQL."""

from contextlib import ExitStack
from dataclasses import replace
from operator import truediv
from pathlib import Path
from statistics import median

import psycopg

from tests.bench import load, medusa
from tests.bench.report import Bar, Table
from tests.bench.serving import STORE, Server, Store, Variant, counted, prepared, served
from tests.bench.traffic import CUSTOMER, OPERATIONS, PATH

ALL_OPERATIONS = OPERATIONS | medusa.OPERATIONS

Results = dict[tuple[str, str], list[load.Result]]  # by variant and operation

CUSTOMERS = 10_000
RAW, OURS, TEXTBOOK = "raw", "this project", "textbook"
VARIANTS = {
    RAW: Variant("tests.bench.raw", "config.settings", "tests.bench.ours"),
    OURS: Variant(STORE, "config.settings", "tests.bench.ours"),
    TEXTBOOK: Variant("tests.bench.textbook.wsgi", "tests.bench.textbook.settings", "tests.bench.textbook.prepare"),
}
# Our requests per second as a multiple of another variant's.
RATIO_BARS = {
    RAW: dict.fromkeys(ALL_OPERATIONS, Bar("≥", 0.45)),
    TEXTBOOK: {"create": Bar("≥", 6), "list": Bar("≥", 11), "retrieve": Bar("≥", 11)},
}
# Our CPU time of a request, with the database's, as a part of what another checkout needs.
CPU_BARS = {"create": Bar("≤", 0.80), "list": Bar("≤", 0.70), "retrieve": Bar("≤", 0.65)}
# Microseconds of CPU time of a request of Medusa's API, the database's included: below what Medusa itself needs.
MEDUSA_BARS = {"Medusa list": Bar("≤", 4_000), "Medusa update": Bar("≤", 5_000)}
TAIL_BAR = Bar("<", 6)  # our p99 as a multiple of p50


def compare(server_url: str, *, names: list[str], operations: list[str], rounds: int, seconds: float) -> list[Table]:
    """Rates and CPU times. The operations are those of one API."""
    with ExitStack() as stack:
        servers = serve_all(stack, server_url, {name: VARIANTS[name] for name in names})
        if operations[0] in medusa.OPERATIONS:
            medusa.check_answers(servers, shape)
        else:
            check_answers(servers)
        results = measured(servers, operations, rounds=rounds, seconds=seconds)
    rates = {name: [median(run.rate for run in results[name, operation]) for operation in operations] for name in names}

    table = Table("requests per second", *operations)
    for name in names:
        table.add(name, rates[name], ",.0f")
    if OURS not in names:
        return [table, cpu_table(results, names, operations)]
    for name in [name for name in RATIO_BARS if name in names]:
        ratios = list(map(truediv, rates[OURS], rates[name]))
        table.add(f"{OURS} ÷ {name}", ratios, ".2f", [RATIO_BARS[name][operation] for operation in operations])
    p50, p99 = (
        [median(run.percentile(percent) for run in results[OURS, operation]) * 1000 for operation in operations]
        for percent in (50, 99)
    )
    table.add(f"{OURS}, p50 in ms", p50, ".1f")
    table.add(f"{OURS}, p99 in ms", p99, ".1f")
    table.add("p99 ÷ p50", list(map(truediv, p99, p50)), ".1f", [TAIL_BAR] * len(operations))
    return [table, cpu_table(results, names, operations)]


def compare_checkouts(server_url: str, other: Path, *, operations: list[str], rounds: int, seconds: float) -> Table:
    """The CPU time of this checkout beside another one's."""
    application = STORE if (other / "config/server").exists() else "config.wsgi"
    variants = {OURS: VARIANTS[OURS], str(other): replace(VARIANTS[OURS], application=application, checkout=other)}
    with ExitStack() as stack:
        servers = serve_all(stack, server_url, variants)
        results = measured(servers, operations, rounds=rounds, seconds=seconds)
    table = cpu_table(results, list(variants), operations)
    ratios = []
    for operation in operations:
        # Of each turn, so that a slow minute of the machine is in both numbers.
        pairs = zip(*(results[name, operation] for name in variants), strict=True)
        ratios.append(median(sum(ours.cpu_of_request) / sum(others.cpu_of_request) for ours, others in pairs))
    table.add(f"{OURS} ÷ {other}", ratios, ".2f", [CPU_BARS.get(operation) for operation in operations])
    return table


def cpu_table(results: Results, names: list[str], operations: list[str]) -> Table:
    table = Table("µs of CPU time per request: median (lowest to highest)", *operations)
    for name in names:
        for part in load.Cpu._fields:
            spent = [
                [getattr(run.cpu_of_request, part) for run in results[name, operation]] for operation in operations
            ]
            table.add_spread(f"{name}, {part}", spent, ",.0f")
    if OURS in names:
        sums = [median(sum(run.cpu_of_request) for run in results[OURS, operation]) for operation in operations]
        table.add(f"{OURS}, both", sums, ",.0f", [MEDUSA_BARS.get(operation) for operation in operations])
    return table


def measured(servers: dict[str, Server], operations: list[str], *, rounds: int, seconds: float) -> Results:
    runs = {
        (name, operation): server.traffic(ALL_OPERATIONS[operation])
        for operation in operations
        for name, server in servers.items()
    }
    return load.interleaved(runs, rounds=rounds, seconds=seconds)


def serve_all(stack: ExitStack, server_url: str, variants: dict[str, Variant]) -> dict[str, Server]:
    """Variants with the same preparation share a database: the raw one works on our tables."""
    stores: dict[tuple, Store] = {}
    servers = {}
    for name, variant in variants.items():
        kind = variant.checkout, variant.preparation
        if kind not in stores:
            store = prepared(variant, server_url, f"bench_{len(stores)}", CUSTOMERS)
            stores[kind] = stack.enter_context(store)
            if variant.settings == VARIANTS[OURS].settings:
                keep_uses_from_falling_due(stores[kind])
                stack.enter_context(counted(variant, stores[kind]))
        servers[name] = stack.enter_context(served(variant, stores[kind]))
    return servers


def keep_uses_from_falling_due(store: Store) -> None:
    """The store notes the use of a token at most once a minute. Each variant waits for its turn while minutes pass, so
    that its many tokens would all be due again: on a slow machine half of the requests of a turn would write."""
    with psycopg.connect(store.environment["DATABASE_URL"]) as connection:
        connection.execute("UPDATE oauth_accesstoken SET last_used_at = now() + interval '1 day'")


def check_answers(servers: dict[str, Server]) -> None:
    """Exits unless all answer the three requests with the same names, types and number of rows."""
    expected = None
    for name, server in servers.items():
        created = server.ask("POST", PATH, CUSTOMER | {"email": f"{name.replace(' ', '-')}@example.net"})
        page = server.ask("GET", PATH)
        answers = [created, server.ask("GET", f"{PATH}{created['id']}/"), page]
        known = [len(page["results"]), *(shape(answer) for answer in answers)]
        expected = expected or known
        if known != expected:
            raise SystemExit(f"{name} answers otherwise than {next(iter(servers))}:\n{known}\n{expected}")


def shape(value, path: str = "") -> set[str]:
    """Where in JSON values of which type are: `results.addresses.id int`."""
    if isinstance(value, list):
        return {found for part in value for found in shape(part, path)}
    if isinstance(value, dict):
        return {found for key, part in value.items() for found in shape(part, f"{path}.{key}")}
    return {f"{path} {type(value).__name__}"}
