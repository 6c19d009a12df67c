"""The API on SQLite, with the settings of `make run`, beside the API on PostgreSQL."""

from contextlib import ExitStack
from operator import truediv
from statistics import median

from tests.bench.comparison import CUSTOMERS, OURS, VARIANTS, cpu_table, measured
from tests.bench.report import Bar, Table
from tests.bench.serving import prepared, prepared_on_sqlite, served
from tests.bench.traffic import OPERATIONS

SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"
# The rate on SQLite as a part of that on PostgreSQL. A create waits for the disk.
RATE_BARS = {"list": Bar("≥", 0.5), "retrieve": Bar("≥", 0.5)}
# Half the rate is at most twice the CPU time, which other programs on the machine change less.
CPU_BARS = {"list": Bar("≤", 2), "retrieve": Bar("≤", 2)}


def compare_databases(server_url: str, *, rounds: int, seconds: float) -> list[Table]:
    operations, names = list(OPERATIONS), [SQLITE, POSTGRESQL]
    with ExitStack() as stack:
        stores = {
            SQLITE: stack.enter_context(prepared_on_sqlite(VARIANTS[OURS], CUSTOMERS)),
            POSTGRESQL: stack.enter_context(prepared(VARIANTS[OURS], server_url, "bench_beside_sqlite", CUSTOMERS)),
        }
        servers = {name: stack.enter_context(served(VARIANTS[OURS], store)) for name, store in stores.items()}
        results = measured(servers, operations, rounds=rounds, seconds=seconds)
    rates, spent = (
        {name: [median(map(value, results[name, operation])) for operation in operations] for name in names}
        for value in (lambda run: run.rate, lambda run: sum(run.cpu_of_request))
    )
    table = Table("requests per second", *operations)
    for name in names:
        table.add(name, rates[name], ",.0f")
    ratios = list(map(truediv, rates[SQLITE], rates[POSTGRESQL]))
    table.add(f"{SQLITE} ÷ {POSTGRESQL}", ratios, ".2f", [RATE_BARS.get(operation) for operation in operations])
    cpu = cpu_table(results, names, operations)
    ratios = list(map(truediv, spent[SQLITE], spent[POSTGRESQL]))
    cpu.add(f"{SQLITE} ÷ {POSTGRESQL}", ratios, ".2f", [CPU_BARS.get(operation) for operation in operations])
    return [table, cpu]
