"""How much CPU time a webhook that subscribes to `customer.created` adds to each create.

It is the time of the server and of its database, which must be on the same machine.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

import psycopg

from tests.bench import load
from tests.bench.comparison import CUSTOMERS, OURS, VARIANTS
from tests.bench.report import Bar, Table
from tests.bench.serving import Server, prepared, served
from tests.bench.traffic import creates

VARIANT = VARIANTS[OURS]
WEBHOOK = {"target": "https://receiver.example/", "events": ["customer.created"]}
TURNS = 4  # of each round
BAR = Bar("<", 15)  # percent


def measure_outbox(server_url: str, *, rounds: int, seconds: float) -> Table:
    with (
        running(server_url, "bench_without_webhook") as without_webhook,
        running(server_url, "bench_with_webhook") as with_webhook,
    ):
        with_webhook.ask("POST", "/api/admin/webhooks/", WEBHOOK)
        sides = [(server.traffic(creates), []) for server in (without_webhook, with_webhook)]
        # Short turns, so that other work on the machine slows both stores alike. The first turn warms up.
        for _ in range(TURNS * rounds + 1):
            for traffic, spent in sides:
                spent.append(sum(load.run(traffic, seconds=seconds / TURNS).cpu_of_request))
        with psycopg.connect(with_webhook.store.environment["DATABASE_URL"]) as connection:
            ((enqueued,),) = connection.execute("SELECT count(*) FROM webhooks_delivery")
    if not enqueued:
        raise SystemExit("The outbox is empty.")
    before, after = (median(spent[1:]) for _, spent in sides)
    table = Table("µs of CPU time per create", "no webhook", "one is subscribed", "more, in percent")
    table.add("this project", [before, after, (after / before - 1) * 100], ",.0f", [None, None, BAR])
    return table


@contextmanager
def running(server_url: str, name: str) -> Iterator[Server]:
    with prepared(VARIANT, server_url, name, CUSTOMERS) as store, served(VARIANT, store) as server:
        yield server
