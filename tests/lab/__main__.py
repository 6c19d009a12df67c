"""The failure lab: `make lab`. Real processes on this machine, killed one after the other under load.

A PostgreSQL primary and a standby with synchronous replication, PgBouncer, Valkey or Redis, HAProxy, two web nodes, two
workers, a receiver of webhooks, and clients that write customers. It prints a table, and fails if anything that was
acknowledged is lost, if an error can't be repeated, or if a limit or a revocation does not hold.
"""

import argparse
import os
import signal
import sys
import time
from collections import Counter

from tests.lab import backup, soak
from tests.lab.postgresql import binaries
from tests.lab.scenarios import SCENARIOS, Scenario
from tests.lab.setup import Lab
from tests.lab.verify import Row, faults


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description=__doc__)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=5, help="of load before and after each failure")
    parser.add_argument("--short", action="store_true", help="half a minute: what the tests run")
    parser.add_argument("--only", default="", help="scenarios with this word in their name")
    parser.add_argument("--soak", action="store_true", help="a week in an hour, and the memory of all processes")
    parser.add_argument("--minutes", type=float, default=60, help="of the soak")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("The lab was stopped."))  # it ends what it has started
    if binaries() is None:
        print("The lab was skipped: it needs PostgreSQL's server programs (Debian: postgresql).")
        return 0
    if options.soak:
        return finish(soak.run(options.minutes, options.clients))
    seconds = 1 if options.short else options.seconds
    scenarios = [each for each in SCENARIOS if options.only in each.name and (each.is_short or not options.short)]
    with Lab(options.clients) as lab:
        if options.short or options.only:
            rows = run(lab, scenarios, seconds)
            found = faults(lab)
        else:
            with backup.tried(lab, seconds) as restored:
                rows = run(lab, scenarios, seconds)
            found = faults(lab) + restored
    return finish(found + [fault for row in rows for fault in row.faults])


def finish(faults: list[str]) -> int:
    print("\n".join(["", *faults]) if faults else "\nAll held.")
    return 1 if faults else 0


def run(lab: Lab, scenarios: list[Scenario], seconds: float) -> list[Row]:
    print(f"\n{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}\n")
    print("| failure | until all nodes answer | until events arrive | errors of the clients |\n|---|---|---|---|")
    time.sleep(seconds)
    rows = []
    for scenario in scenarios:
        row = Row(scenario.name, skipped=scenario.missing(lab))
        rows.append(row)
        if row.skipped:
            print(row, flush=True)
            continue
        began = time.monotonic()
        with lab.revocations.around_failure():
            scenario.run(lab)
            answered, delivered = lab.recovery(since=time.monotonic())
        time.sleep(max(seconds, scenario.settle))
        row.answered, row.delivered = answered and answered - began, delivered and delivered - began
        row.errors = Counter(each.outcome for each in lab.load.errors(began))
        row.late = len(lab.load.errors(answered)) if answered else 0
        row.most = lab.load.most_in_a_second(began)
        print(row, flush=True)
    return rows


if __name__ == "__main__":
    sys.exit(main())
