"""The failure lab: `make lab`. Real processes on this machine, killed one after the other under load.

A PostgreSQL primary and a standby with synchronous replication, two web nodes, two workers, a receiver of webhooks, and
clients that create customers. It prints a table, and fails if an acknowledged customer or an event of one is lost.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.lab.load import Load
from tests.lab.nodes import Node, Nodes
from tests.lab.postgresql import Cluster, binaries
from tests.support.webhook_receiver import served

ERASE = "from customers.privacy.erasure import erase; from oauth.actor import SYSTEM; erase({id}, by=SYSTEM)"
SETTLE = 5.0  # seconds of load before and after each failure


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description=__doc__)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=SETTLE, help="of load before and after each failure")
    options = parser.parse_args()
    if binaries() is None:
        print("The lab was skipped: it needs PostgreSQL's server programs (Debian: postgresql).")
        return 0
    folder = Path(tempfile.mkdtemp(prefix="lab-", dir="/tmp"))
    try:
        with served() as receiver, Cluster(folder) as cluster, Nodes(folder, cluster.url) as nodes:
            return run(cluster, nodes, receiver, options)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(cluster: Cluster, nodes: Nodes, receiver, options) -> int:
    nodes.prepare(receiver.url)
    cluster.back_up()
    load = Load([web.url for web in nodes.webs], nodes.token, nodes.revoked, clients=options.clients)
    rows = []
    with load:
        time.sleep(options.seconds)
        before = load.acknowledged(until=time.monotonic())
        moment = cluster.now()
        erased = min(before)
        nodes.manage("shell", "--verbosity=0", "--command", ERASE.format(id=erased))
        cluster.archive()
        for name, fail, recover in failures(cluster, nodes):
            began = time.monotonic()
            fail()
            recover()
            recovered = load.wait_for_success_of_all(since=time.monotonic(), limit=120)
            time.sleep(options.seconds)
            errors = Counter(each.outcome for each in load.errors_since(began))
            rows.append((name, recovered - began if recovered else None, errors))
    acknowledged = load.acknowledged()
    stored = cluster.customers()
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not acknowledged <= received_ids(receiver):
        time.sleep(0.5)
    lost = acknowledged - stored.keys()
    half = [id for id in acknowledged & stored.keys() - {erased} if stored[id] != 1]
    events = acknowledged - received_ids(receiver)
    report(rows, acknowledged, lost, half, events)
    print(f"Answers to a revoked token: {dict(load.revoked_answers)}.")
    is_restored = restore(cluster, nodes, moment, before, erased)
    is_safe = {"401"} <= load.revoked_answers.keys() <= {"401", "503"} and is_restored
    return 0 if is_safe and not (lost or half or events) and all(seconds for _, seconds, _ in rows) else 1


def restore(cluster: Cluster, nodes: Nodes, moment, before: set[int], erased: int) -> bool:
    """Recovers to the moment, from the base backup and the archived log, and applies the erasure that came after it."""
    began = time.monotonic()
    url = cluster.restore(moment)
    restored = cluster.customers("restored")
    is_back = not cluster.is_erased("restored", erased)
    output = nodes.manage("apply_erasures", DATABASE_URL=url)
    is_erased = cluster.is_erased("restored", erased)
    late = cluster.count_created_after("restored", moment)
    print(f"Restored to a moment in {time.monotonic() - began:.1f} s: {len(before - restored.keys())} of {len(before)} "
          f"customers lost, {late} from after the moment; the erased one was {'back' if is_back else 'not back'}, "
          f"and is {'erased again' if is_erased else 'NOT ERASED'}: {output.splitlines()[0]}")  # fmt: skip
    return before <= restored.keys() and not late and is_back and is_erased


def failures(cluster: Cluster, nodes: Nodes):
    """Name, what fails, and what a supervisor or an operator does about it."""

    def killed(node: Node):
        return f"kill -9 {node.name}", node.kill, node.start

    yield killed(nodes.webs[0])
    yield killed(nodes.webs[1])
    yield killed(nodes.workers[0])
    yield killed(nodes.workers[1])
    yield "kill -9 the primary, and start it", cluster.kill_primary, cluster.start_primary
    yield "kill -9 the primary, and promote the standby", cluster.kill_primary, cluster.promote


def received_ids(receiver) -> set[int]:
    return {each.event["data"]["id"] for each in list(receiver.received)}


def report(rows, acknowledged, lost, half, events) -> None:
    print(f"\n{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}\n")
    print("| failure | until all nodes answer | errors of the clients |")
    print("|---|---|---|")
    for name, seconds, errors in rows:
        shown = ", ".join(f"{number} x {outcome}" for outcome, number in sorted(errors.items())) or "none"
        print(f"| {name} | {f'{seconds:.1f} s' if seconds else 'never'} | {shown} |")
    print(f"\n{len(acknowledged)} customers acknowledged: {len(lost)} lost, {len(half)} half-written, "
          f"{len(events)} without their event.")  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
