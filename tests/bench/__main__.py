"""`python -m tests.bench`: how fast the API is; exit code 1 where a bar is missed.

DATABASE_URL names a PostgreSQL server, on which databases are made and dropped.
"""

import argparse
import os
import signal
import sys
from pathlib import Path

from tests.bench import medusa
from tests.bench.comparison import ALL_OPERATIONS, TEXTBOOK, VARIANTS, compare, compare_checkouts
from tests.bench.dashboard import REQUESTS, measure_pages
from tests.bench.imports import measure_imports
from tests.bench.nodes import measure_nodes
from tests.bench.passwords import measure_passwords
from tests.bench.report import CORES, Table, describe_machine
from tests.bench.scale import MANY, compare_sizes
from tests.bench.sqlite import compare_databases
from tests.bench.tokens import measure_exchanges
from tests.bench.traffic import OPERATIONS
from tests.bench.webhooks import measure_outbox


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3, help="of one turn (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each, of which the medians count (%(default)s)")
    parser.add_argument(
        "--only", nargs="+", choices=[*VARIANTS, *ALL_OPERATIONS], default=[], help="variants, operations"
    )
    parser.add_argument("--dashboard", action="store_true", help="the dashboard's pages with many customers")
    parser.add_argument("--customers", type=int, default=MANY, help="of --dashboard and --scale (default: %(default)s)")
    parser.add_argument("--nodes", action="store_true", help="CPU time on one node, on two, and with a replica")
    parser.add_argument("--scale", action="store_true", help="median latencies with 10,000 and many customers")
    parser.add_argument("--sqlite", action="store_true", help="the API on SQLite beside the API on PostgreSQL")
    parser.add_argument(
        "--against", type=Path, metavar="PATH", help="the CPU time beside that of another checkout, which has a .venv"
    )
    options = parser.parse_args()

    timing = {"rounds": options.rounds, "seconds": options.seconds}
    how = f"{options.rounds} turns of {options.seconds:g} s"
    if options.nodes:
        return report(*measure_nodes(**timing), f"{CORES} cores; {how}.")
    url = os.environ["DATABASE_URL"]
    if options.dashboard:
        tables, how = [measure_pages(url, total=options.customers)], f"{REQUESTS} requests of each page"
    elif options.scale:
        tables = compare_sizes(url, many=options.customers, **timing)
    elif options.sqlite:
        tables = compare_databases(url, **timing)
    elif options.against:
        operations = [operation for operation in ALL_OPERATIONS if operation in options.only] or list(OPERATIONS)
        tables = [compare_checkouts(url, options.against.resolve(), operations=operations, **timing)]
    else:
        tables = compared(url, options.only, timing)
        if not options.only:
            tables += measure_exchanges(url, **timing)
            tables += [measure(url, **timing) for measure in (measure_passwords, measure_outbox, measure_imports)]
    return report(*tables, f"{describe_machine(url)}; {how}.")


def report(*parts: Table | str) -> int:
    """Prints tables and texts. Returns the exit code."""
    print(*parts, sep="\n\n")
    tables = [part for part in parts if isinstance(part, Table)]
    for table in tables:
        for miss in table.missed:
            print(f"Missed: {miss}", file=sys.stderr)
        for miss in table.missed_goals:
            print(f"Goal missed, which changes no exit code: {miss}", file=sys.stderr)
    return 1 if any(table.missed for table in tables) else 0


def compared(url: str, only: list[str], timing: dict) -> list:
    """A table for each API; the textbook has but one."""
    names = [name for name in VARIANTS if name in only] or list(VARIANTS)
    wanted = [operation for operation in ALL_OPERATIONS if operation in only] or list(ALL_OPERATIONS)
    tables = []
    for known in (OPERATIONS, medusa.OPERATIONS):
        operations = [operation for operation in known if operation in wanted]
        sides = names if known is OPERATIONS else [name for name in names if name != TEXTBOOK]
        if operations and sides:
            tables.extend(compare(url, names=sides, operations=operations, **timing))
    return tables


if __name__ == "__main__":
    # As Ctrl-C: servers stop, databases go.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    sys.exit(main())
