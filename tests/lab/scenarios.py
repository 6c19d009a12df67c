"""What fails in the lab, and what a supervisor or an operator does about it. A table of functions."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psycopg

from tests.lab.clock import LIBRARY, Clock
from tests.lab.nodes import Node
from tests.lab.services import program
from tests.lab.setup import Lab

LOCKED, CUT, FULL, WRONG, NOTICED = 5, 15, 4, 20, 3  # seconds
AWAY = 5  # seconds for which a node does not ask Valkey again


@dataclass(frozen=True)
class Scenario:
    """`run` lets something fail and mends it. `missing`: the reason why it can't be tried here, or "". `is_short`: it
    is part of the short form."""

    name: str
    run: Callable[[Lab], None]
    missing: Callable[[Lab], str] = lambda lab: ""
    is_short: bool = False
    settle: float = 0  # further seconds in which it has an effect


def killed(find: Callable[[Lab], Node | None]) -> Callable[[Lab], None]:
    """`kill -9`, and the start by a supervisor."""

    def run(lab: Lab) -> None:
        node = find(lab)
        node.kill()
        node.start()

    return run


def kill_counter(lab: Lab) -> None:
    """Its counts are gone with it. It stays away until both nodes have noticed: were it back within the second, the
    counts of before, those of the database and new ones would each allow the limit."""
    assert lab.counter
    lab.counter.kill()
    time.sleep(NOTICED)
    lab.counter.start()


def needs(name: str, package: str) -> Callable[[Lab], str]:
    return lambda lab: "" if getattr(lab, name) else f"needs Debian's {package}"


def lock(lab: Lab) -> None:
    """A migration or a person in psql holds the table of customers."""
    with psycopg.connect(
        f"postgresql://postgres@127.0.0.1:{lab.cluster.ports[lab.cluster.primary]}/store"
    ) as connection:
        connection.execute("LOCK TABLE customers_user IN ACCESS EXCLUSIVE MODE")
        time.sleep(LOCKED)


def cut(lab: Lab) -> None:
    """Packets between the second web node and the pooler vanish: nobody gets a RST."""
    host, port = lab.pooler.SECOND, lab.pooler.port
    with firewall("-d", host, "--dport", port), firewall("-s", host, "--sport", port):
        time.sleep(CUT)


@contextmanager
def firewall(*rule) -> Iterator[None]:
    command = [program("iptables"), "--wait", "-p", "tcp", *map(str, rule), "-j", "DROP"]
    subprocess.run([*command[:2], "--insert", "INPUT", *command[2:]], check=True)
    try:
        yield
    finally:
        subprocess.run([*command[:2], "--delete", "INPUT", *command[2:]], check=True)


def cannot_cut(lab: Lab) -> str:
    if not lab.pooler or not program("iptables"):
        return "needs Debian's pgbouncer and iptables"
    listed = subprocess.run([program("iptables"), "--list", "INPUT", "-n"], capture_output=True)
    return "" if listed.returncode == 0 else "needs root"


def fill_disk(lab: Lab) -> None:
    """Without room for a page of a table, then for the log. A larger disk and a start mend it."""
    disk = lab.folder / "primary"
    with suppress(OSError), (disk / "ballast").open("wb", buffering=0) as ballast:
        while True:
            ballast.write(bytes(8192))
    time.sleep(FULL)
    with suppress(psycopg.OperationalError):  # the server ends itself: it can't write its log
        for _ in range(3):
            lab.cluster.rows("SELECT pg_switch_wal()")
    time.sleep(FULL)
    (disk / "ballast").unlink()
    if not lab.cluster.is_running():
        lab.cluster.start_primary()


def jump(minutes: int) -> Callable[[Lab], None]:
    """The clocks of a web node and a worker jump while they run. The worker gets all webhooks, and dies with them."""

    def run(lab: Lab) -> None:
        nodes = (lab.nodes.webs[1], lab.nodes.workers[1])
        other = lab.nodes.workers[0]
        clock = Clock(lab.folder / "clock")
        true = [node.environment for node in nodes]
        restart(lab, nodes, [environment | clock.environment for environment in true])
        clock.jump(minutes * 60)
        other.terminate()
        time.sleep(WRONG)
        other.start()
        for node, environment in zip(nodes, true, strict=True):
            node.environment = environment
            node.kill()
            node.start()

    return run


def has_no_clock(lab: Lab) -> str:
    return "" if LIBRARY else "needs Debian's faketime"


def restart(lab: Lab, nodes, environments) -> None:
    for node, environment in zip(nodes, environments, strict=True):
        node.environment = environment
        node.terminate()
        node.start()
    lab.nodes.wait_until_ready()


def restart_primary(lab: Lab) -> None:
    lab.cluster.restart_primary()


def kill_primary(lab: Lab) -> None:
    lab.cluster.kill_primary()
    lab.cluster.start_primary()


def promote(lab: Lab) -> None:
    lab.cluster.kill_primary()
    lab.cluster.promote()
    if lab.pooler:
        lab.pooler.follow(lab.cluster.ports["standby"])


SCENARIOS = (
    Scenario("kill -9 web node 1", killed(lambda lab: lab.nodes.webs[0]), is_short=True),
    Scenario("kill -9 web node 2", killed(lambda lab: lab.nodes.webs[1])),
    Scenario("kill -9 worker 1", killed(lambda lab: lab.nodes.workers[0])),
    Scenario("kill -9 worker 2", killed(lambda lab: lab.nodes.workers[1])),
    Scenario("kill -9 Valkey", kill_counter, needs("counter", "valkey-server or redis-server"),
             is_short=True, settle=AWAY + 1),
    Scenario("kill -9 PgBouncer", killed(lambda lab: lab.pooler), needs("pooler", "pgbouncer"), is_short=True),
    Scenario("kill -9 HAProxy", killed(lambda lab: lab.proxy), needs("proxy", "haproxy")),
    Scenario("kill -9 the receiver", killed(lambda lab: lab.receiver)),
    Scenario(f"slow database: a locked table for {LOCKED} s", lock),
    Scenario(f"network cut between web node 2 and the database for {CUT} s", cut, cannot_cut),
    Scenario("clocks of a web node and a worker 10 min fast", jump(10), has_no_clock),
    Scenario("clocks of a web node and a worker 10 min slow", jump(-10), has_no_clock),
    Scenario("full disk of the primary", fill_disk, lambda lab: "" if lab.has_small_disk else "may not mount a disk"),
    Scenario("restart of the primary", restart_primary),
    Scenario("kill -9 the primary, and start it", kill_primary),
    Scenario("kill -9 the primary, and promote the standby", promote, is_short=True),
)  # fmt: skip
