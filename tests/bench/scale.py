"""Whether the API stays as fast when a store grows: median latencies with few customers and with many."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from statistics import median
from urllib.parse import urlencode

from tests.bench import load
from tests.bench.comparison import OURS, VARIANTS
from tests.bench.report import Bar, Table
from tests.bench.serving import prepared, served
from tests.bench.traffic import OPERATIONS, PATH, repeated

FEW, MANY = 10_000, 1_000_000
BAR = Bar("≤", 1.5)  # the median with many as a multiple of that with few


def of_each(
    make_path: Callable[[dict], str], tokens: list[str], customers: list[dict], method: str = "GET", body: str = ""
) -> Iterator[bytes]:
    return repeated(method, [make_path(customer) for customer in customers], tokens, body)


def filtered(**make_value: Callable[[dict], str]) -> Callable[..., Iterator[bytes]]:
    """Lists with these parameters, which each are taken from a customer."""
    return partial(of_each, lambda c: f"{PATH}?{urlencode({name: make(c) for name, make in make_value.items()})}")


def under(rest: str, **request: str) -> Callable[..., Iterator[bytes]]:
    """Requests for `rest` below a customer."""
    return partial(of_each, lambda customer: f"{PATH}{customer['id']}/{rest}", **request)


ENDPOINTS: dict[str, Callable[..., Iterator[bytes]]] = OPERATIONS | {
    "update": under("", method="PATCH", body='{"first_name": "Grace"}'),
    "addresses": under("addresses/"),
    "notes": under("notes/"),
    "write a note": under("notes/", method="POST", body='{"message": "Called back."}'),
    "list by email": filtered(email=lambda customer: customer["email"].upper()),
    "list by name": filtered(name=lambda customer: f"{customer['first_name'][:4]} {customer['last_name'][-4:]}"),
    "list by part of a name": filtered(name=lambda customer: customer["last_name"][2:8]),
    "list by part of a phone number": filtered(phone_number=lambda customer: customer["phone_number"][-8:]),
    "list of a day": filtered(
        date_joined_from=lambda customer: customer["date_joined"][:10],
        date_joined_to=lambda customer: customer["date_joined"][:10],
    ),
    "list by language": filtered(language=lambda customer: "en"),
    "list by type": filtered(user_type=lambda customer: "lead"),
    "list, none found": filtered(user_type=lambda customer: "customer", is_blocked=lambda customer: "true"),
}


def compare_sizes(server_url: str, *, rounds: int, seconds: float) -> Table:
    """Of one connection, so that nothing waits for another request."""
    with ExitStack() as stack:
        servers = {}
        for total in (FEW, MANY):
            store = stack.enter_context(prepared(VARIANTS[OURS], server_url, f"bench_{total}", total))
            servers[total] = stack.enter_context(served(VARIANTS[OURS], store))
        runs = {
            (endpoint, total): server.traffic(requests)
            for endpoint, requests in ENDPOINTS.items()
            for total, server in servers.items()
        }
        results = load.interleaved(runs, rounds=rounds, seconds=seconds, connections=1)
    table = Table("median latency, ms", f"{FEW:,} customers", f"{MANY:,} customers", "ratio")
    for endpoint in ENDPOINTS:
        few, many = (median(run.percentile(50) for run in results[endpoint, total]) * 1000 for total in (FEW, MANY))
        table.add(endpoint, [few, many, many / few], ".2f", [None, None, BAR])
    return table
