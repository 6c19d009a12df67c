"""The pictures in docs/screenshots, of a store of generated customers: `make screenshots`."""

import json
import os
import re
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from tests.live.conftest import PROJECT, chromium, stores
from tests.live.dashboard.pages import Pages
from tests.live.owner import Dashboard
from tests.support.webhook_receiver import Server, served

FOLDER = PROJECT / "docs" / "screenshots"
WINDOWS = {"desktop": (1280, 700), "phone": (390, 844)}
RECEIVER = 8025  # its port, which the pictures show
LIST = "customers/customer/"
BUYERS = f"{LIST}?tag=vip&orders_from=5"
IMPORTED = """E-mail,Given Name,Surname,City,Country,Accepts Email Marketing,Customer Since,Favourite colour
grace@hopper.example,Grace,Hopper,New York,United States,yes,2019-05-03,blue
alan@turing.example,Alan,Turing,London,United Kingdom,no,2020-06-23,
katherine@johnson.example,Katherine,Johnson,Hampton,United States,yes,2021-08-26,green
"""
# One person under two email addresses.
TWINS = [
    {
        "email": "mary.somerville@mail.example", "first_name": "Mary", "last_name": "Somerville", "language": "en",
        "phone_number": "+441134960123", "tags": ["filter", "newsletter"], "accepts_marketing": True,
        "metadata": {"loyalty_points": 120},
        "addresses": [{"line1": "1 High Street", "line4": "Leeds", "postcode": "LS1 4DY", "country": "GB"}],
    },
    {
        "email": "m.greig@post.example", "first_name": "Mary", "last_name": "Greig", "language": "en",
        "phone_number": "+441134960123", "tags": ["wholesale"], "metadata": {"loyalty_points": 45},
    },
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Picture:
    name: str
    path: str
    window: str = "desktop"
    scheme: str = "light"


PICTURES = [
    Picture("front-door", "../"),
    Picture("home", ""),
    Picture("home-dark", "", scheme="dark"),
    Picture("home-phone", "", window="phone"),
    Picture("customers", BUYERS),
    Picture("customers-phone", BUYERS, window="phone"),
    Picture("customer", f"{LIST}{{buyer}}/change/"),
    Picture("segment", f"{LIST}?segment={{segment}}"),
    Picture("duplicates", f"{LIST}duplicates/"),
    Picture("merge", f"{LIST}{{pair[0]}}/merge/?other={{pair[1]}}"),
    Picture("merge-phone", f"{LIST}{{pair[0]}}/merge/?other={{pair[1]}}", window="phone"),
    Picture("timeline", f"{LIST}{{buyer}}/change/#timeline"),
    Picture("erase", f"{LIST}{{buyer}}/erase/"),
    Picture("import", "jobs/job/{job}/change/"),
    Picture("webhook", "webhooks/webhook/{webhook}/change/"),
    Picture("deliveries", "webhooks/delivery/"),
]


def take(folder: Path) -> None:
    with stores(folder) as start, chromium(folder) as chrome, served(RECEIVER) as receiver:
        shop = start(RATE_LIMIT="0", WEBHOOKS_RETRY_SECONDS="60")
        shop.manage("demo")
        owner = Dashboard(shop)
        found = re.search(rf"/dashboard/{LIST}(\d+)/change/", owner.get(f"{shop.url}/dashboard/{BUYERS}").text)
        assert found
        file = ("customers.csv", IMPORTED, "text/csv")
        job = owner.submit("/dashboard/jobs/job/import/", files={"file": file}).headers["Location"].split("/")[-3]
        ids = {"buyer": found[1], "job": job, "segment": save_segment(owner), "pair": add_twins(owner)}
        ids["webhook"] = subscribe(owner, receiver)
        FOLDER.mkdir(parents=True, exist_ok=True)
        pages = Pages(chrome, shop, *WINDOWS["desktop"])
        pages.be(owner)
        chrome.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
        for picture in PICTURES:
            pages.resize(*WINDOWS[picture.window])
            pages.use_scheme(picture.scheme)
            pages.open(picture.path.format(**ids))
            pages.browser.save_screenshot(str(FOLDER / f"{picture.name}.png"))


def subscribe(owner: Dashboard, receiver: Server) -> str:
    """The id of a webhook that has sent some events and failed to deliver one of them."""
    names = ["customer.created", "customer.updated", "customer.redacted", "export.created"]
    fields = {"name": "Mailing list", "target": receiver.url, "events": names, "api_version": "2024-04-01"}
    owner.submit("/dashboard/webhooks/webhook/add/", **fields, active="on")
    session, url = owner.shop.session(), f"{owner.shop.url}/api/admin/users/"
    receiver.codes = [200] * 5 + [503]
    # The ten newest users are six customers and four members of staff. The API does not change members of staff.
    for person in session.get(url, params={"page_size": 10}).json()["results"]:
        session.patch(f"{url}{person['id']}/", json={"accepts_marketing": not person["accepts_marketing"]})
    deadline = time.monotonic() + 30
    while len(receiver.received) < 6:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    time.sleep(1)  # until the outcome of the last one is stored
    page = owner.get(f"{owner.shop.url}/dashboard/webhooks/webhook/").text
    return re.findall(r"/dashboard/webhooks/webhook/(\d+)/change/", page)[0]


def save_segment(owner: Dashboard) -> str:
    """The id of a segment."""
    filters = json.dumps({"orders_from": 5, "accepts_marketing": True})
    path = f"/dashboard/segments/segment/add/?{urlencode({'filters': filters})}"
    page = owner.submit(path, name="Regulars with consent", filters=filters)
    return page.headers["Location"].rpartition("=")[2]


def add_twins(owner: Dashboard) -> list[str]:
    """The ids of the pair, once the worker suggests it."""
    session, url = owner.shop.session(), f"{owner.shop.url}/api/admin/"
    ids = []
    for person in TWINS:
        response = session.post(f"{url}users/", json=person)
        response.raise_for_status()
        ids.append(str(response.json()["id"]))
    deadline = time.monotonic() + 60
    while f"/merge/?other={ids[1]}" not in owner.get(f"{owner.shop.url}/dashboard/{LIST}{ids[0]}/change/").text:
        assert time.monotonic() < deadline
        time.sleep(0.5)
    return ids


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        take(Path(folder))
