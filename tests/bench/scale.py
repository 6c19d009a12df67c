"""Whether the API stays as fast when a store grows: median latencies with few customers and with many."""

import base64
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from statistics import median
from urllib.parse import urlencode

import orjson

from tests.bench import load, medusa
from tests.bench.comparison import OURS, VARIANTS
from tests.bench.report import Bar, Table
from tests.bench.serving import counted, prepared, served
from tests.bench.traffic import OPERATIONS, PATH, repeated

FEW, MANY = 10_000, 1_000_000
BAR = Bar("≤", 1.2)  # the median with many as a multiple of that with few


def of_each(
    make_path: Callable[[dict], str], tokens: list[str], customers: list[dict], method: str = "GET", body: str = ""
) -> Iterator[bytes]:
    return repeated(method, [make_path(customer) for customer in customers], tokens, body)


def filtered(path: str = PATH, **make_value: Callable[[dict], str]) -> Callable[..., Iterator[bytes]]:
    """Lists with these parameters, which each are taken from a customer."""
    return partial(of_each, lambda c: f"{path}?{urlencode({name: make(c) for name, make in make_value.items()})}")


def with_params(path: str = PATH, **params: str) -> Callable[..., Iterator[bytes]]:
    """Lists with the same parameters each time."""
    return partial(of_each, lambda c: f"{path}?{urlencode(params)}")


def from_cursor_of(customer: dict) -> str:
    """The page that begins after a customer, wherever in the list that is."""
    key = orjson.dumps(["a", customer["date_joined"], customer["id"]])
    return f"{PATH}?cursor={base64.urlsafe_b64encode(key).decode().rstrip('=')}"


def at_part(part: float, **params: str) -> Callable[..., Iterator[bytes]]:
    """A page of Medusa's list that skips this part of all customers."""

    def requests(tokens: list[str], customers: list[dict]) -> Iterator[bytes]:
        offset = int(max(customer["id"] for customer in customers) * part)
        return repeated("GET", [f"{medusa.PATH}?{urlencode({**params, 'offset': offset})}"], tokens)

    return requests


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
    "list by consent": with_params(accepts_marketing="true"),
    "list without consent": with_params(accepts_marketing="false"),
    "list, none found": with_params(user_type="customer", is_blocked="true"),
    "list by two letters of a name": filtered(name=lambda customer: customer["last_name"][:2]),
    "list by a name that nobody has": with_params(name="zzyzx qqq"),
    # All numbers begin with 2 to 9.
    "list by a phone number that nobody has": filtered(phone_number=lambda c: f"1{c['phone_number'][3:]}"),
    "list by ten zeros": with_params(phone_number="0000000000"),
    "list by an email that nobody has": with_params(email="nobody@example.net"),
    "list from a cursor": partial(of_each, from_cursor_of),
}
MEDUSA_ENDPOINTS: dict[str, Callable[..., Iterator[bytes]]] = medusa.OPERATIONS | {
    "Medusa list of accounts": with_params(medusa.PATH, has_account="true"),
    "Medusa list of guests": with_params(medusa.PATH, has_account="false"),
    "Medusa list since a moment": filtered(medusa.PATH, **{"created_at[gt]": lambda c: c["date_joined"]}),
    "Medusa list of a day": filtered(
        medusa.PATH,
        **{
            "created_at[gte]": lambda c: c["date_joined"][:10],
            "created_at[lt]": lambda c: f"{c['date_joined'][:10]}T12",
        },
    ),
    "Medusa list by email": with_params(medusa.PATH, order="email"),
    "Medusa search by part of a name": filtered(medusa.PATH, q=lambda customer: customer["last_name"][2:8]),
    "Medusa search by email": filtered(medusa.PATH, q=lambda customer: customer["email"]),
    "Medusa search for two letters": filtered(medusa.PATH, q=lambda customer: customer["last_name"][:2]),
    "Medusa search for what nobody has": with_params(medusa.PATH, q="zzyzx"),
    "Medusa list, in the middle": at_part(0.5),
    "Medusa list, at the end": at_part(0.99),
    "Medusa list of guests, in the middle": at_part(0.5, has_account="false"),
}
ALL_ENDPOINTS = ENDPOINTS | MEDUSA_ENDPOINTS


def compare_sizes(server_url: str, *, many: int = MANY, rounds: int, seconds: float) -> list[Table]:
    """Of one connection, so that nothing waits for another request. The CPU times say more on a busy machine."""
    with ExitStack() as stack:
        servers = {}
        for total in (FEW, many):
            store = stack.enter_context(prepared(VARIANTS[OURS], server_url, f"bench_{total}", total))
            stack.enter_context(counted(VARIANTS[OURS], store))
            servers[total] = stack.enter_context(served(VARIANTS[OURS], store))
        runs = {
            (endpoint, total): server.traffic(requests)
            for endpoint, requests in ALL_ENDPOINTS.items()
            for total, server in servers.items()
        }
        results = load.interleaved(runs, rounds=rounds, seconds=seconds, connections=1)
    sizes = [f"{FEW:,} customers", f"{many:,} customers", "ratio"]
    latencies = Table("median latency, ms", *sizes)
    spent = Table("ms of CPU time per request, database included", *sizes)
    for endpoint in ALL_ENDPOINTS:
        runs_of = [results[endpoint, total] for total in (FEW, many)]
        small, large = (median(run.percentile(50) for run in runs) * 1000 for runs in runs_of)
        latencies.add(endpoint, [small, large, large / small], ".2f", [None, None, BAR])
        small, large = (median(sum(run.cpu_of_request) for run in runs) / 1000 for runs in runs_of)
        spent.add(endpoint, [small, large, large / small], ".2f")
    return [latencies, spent]
