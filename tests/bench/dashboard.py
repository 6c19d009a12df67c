"""How long the dashboard's pages take the server in a store with many customers."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from statistics import median
from time import perf_counter
from urllib.parse import urlencode

import requests

from tests.bench.report import Bar, Table
from tests.bench.serving import STORE, Server, Variant, prepared, served
from tests.bench.shop import OWNER

VARIANT = Variant(STORE, "config.settings", "tests.bench.shop")
BAR = Bar("≤", 150)  # milliseconds
REQUESTS = 30  # of each page
LIST = "/dashboard/customers/customer/"
TODAY = datetime.now(UTC).date()
DAYS_AGO, YEAR_AGO = str(TODAY - timedelta(days=3)), str(TODAY - timedelta(days=365))


def found(**make_value: Callable[[dict], object]) -> Callable[[dict], str]:
    """A list with these parameters, each taken from a customer."""

    def path(customer: dict) -> str:
        given = {name: make(customer) for name, make in make_value.items()}
        return f"{LIST}?{urlencode(given, doseq=True)}"

    return path


def only(value: object) -> Callable[[dict], object]:
    return lambda customer: value


def day_joined(customer: dict) -> str:
    return customer["date_joined"][:10]


PAGES: dict[str, Callable[[dict], str]] = {
    "home": lambda customer: "/dashboard/",
    "home, 12 months": lambda customer: "/dashboard/?days=365",
    "list": lambda customer: LIST,
    "list, a page in the midst": found(after=lambda customer: customer["id"]),
    "list, the last page": found(last=only(1)),
    "list by name": found(o=only("name")),
    "list by name, a page in the midst": found(o=only("name"), after=lambda customer: customer["id"]),
    "list by amount spent": found(o=only("-spent")),
    "list by amount spent, a page in the midst": found(o=only("-spent"), after=lambda customer: customer["id"]),
    "search by id": found(q=lambda customer: customer["id"]),
    "search by both names": found(q=lambda customer: f"{customer['last_name'][:4]} {customer['first_name']}"),
    "search by part of a name": found(q=lambda customer: customer["last_name"][2:8]),
    "search by email": found(q=lambda customer: customer["email"]),
    "search by phone number": found(q=lambda customer: customer["phone_number"][-8:]),
    "search for what nobody has": found(q=only("zzqxzzqx")),
    "search for two letters": found(q=only("an")),
    "search everything": lambda customer: f"/dashboard/search/?{urlencode({'q': customer['last_name'], 'part': 1})}",
    "leads": found(user_type=only("lead")),
    "blocked, none": found(is_blocked=only("True")),
    "with a tag": found(tag=only("vip")),
    "with one of two tags": found(tag=only(["vip", "newsletter"])),
    "with a tag that nobody has": found(tag=only("nobody-has-it")),
    "of a day": found(
        joined_from=lambda customer: customer["date_joined"][:10],
        joined_to=lambda customer: customer["date_joined"][:10],
    ),
    "who spent much, none": found(spent_from=only(1000)),
    "of a country": found(country=only("CA")),
    "of one of two countries, and customers": found(country=only(["CA", "US"]), user_type=only("customer")),
    "who ordered in the last days": found(ordered_from=only(DAYS_AGO)),
    "first order in the last days": found(first_order_from=only(DAYS_AGO)),
    "ordered until a year ago": found(ordered_to=only(YEAR_AGO)),
    "ordered until a year ago, the last page": found(ordered_to=only(YEAR_AGO), last=only(1)),
    "ordered until a year ago, customers": found(ordered_to=only(YEAR_AGO), user_type=only("customer")),
    "ordered until a year ago, of a country": found(ordered_to=only(YEAR_AGO), country=only("US")),
    "ordered until a year ago, of a language": found(ordered_to=only(YEAR_AGO), language=only("en")),
    "ordered until a year ago, with a tag": found(ordered_to=only(YEAR_AGO), tag=only("vip")),
    "last order until a year ago": found(last_order_to=only(YEAR_AGO)),
    "of a city, none": found(city=only("Nowhere")),
    "of a language": found(language=only("en")),
    "a customer": lambda customer: f"{LIST}{customer['id']}/change/",
}


def measure_pages(server_url: str, *, total: int) -> Table:
    """One person clicks: nothing waits for another request."""
    with prepared(VARIANT, server_url, "bench_dashboard", total) as store, served(VARIANT, store) as server:
        browser = signed_in(server)
        table = Table(f"{total:,} customers: median, ms", "first time", "median")
        customers = store.customers[: REQUESTS + 1]
        for title, path_of in PAGES.items():
            times = [time_of(browser, server, path_of(customer)) for customer in customers]
            table.add(title, [times[0], median(times[1:])], ".0f", [None, BAR])
        return table


def signed_in(server: Server) -> requests.Session:
    """As the owner."""
    browser = requests.Session()
    url = f"http://127.0.0.1:{server.port}/dashboard/login/"
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', browser.get(url).text)
    assert token
    form = {"username": OWNER, "password": server.store.tokens[0], "csrfmiddlewaretoken": token[1]}
    assert browser.post(url, form).ok
    return browser


def time_of(browser: requests.Session, server: Server, path: str) -> float:
    """Milliseconds."""
    before = perf_counter()
    answer = browser.get(f"http://127.0.0.1:{server.port}{path}", allow_redirects=False)
    assert answer.status_code == 200, (path, answer.status_code)
    return (perf_counter() - before) * 1000
