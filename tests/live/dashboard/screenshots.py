"""The pictures in docs/screenshots, of a store of people who do not exist: `make screenshots`."""

import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from tests.live.conftest import PROJECT, chromium, stores
from tests.live.dashboard.pages import Pages
from tests.live.owner import Dashboard

FOLDER = PROJECT / "docs" / "screenshots"
WINDOWS = {"desktop": (1280, 700), "phone": (390, 844)}
LIST = "customers/customer/"
BUYERS = f"{LIST}?tag=vip&orders_from=5"
IMPORTED = """E-mail,Given Name,Surname,City,Country,Accepts Email Marketing,Customer Since,Favourite colour
grace@hopper.example,Grace,Hopper,New York,United States,yes,2019-05-03,blue
alan@turing.example,Alan,Turing,London,United Kingdom,no,2020-06-23,
katherine@johnson.example,Katherine,Johnson,Hampton,United States,yes,2021-08-26,green
"""


@dataclass(frozen=True, slots=True)
class Picture:
    name: str
    path: str
    window: str = "desktop"
    scheme: str = "light"


PICTURES = [
    Picture("home", ""),
    Picture("home-dark", "", scheme="dark"),
    Picture("home-phone", "", window="phone"),
    Picture("customers", BUYERS),
    Picture("customers-phone", BUYERS, window="phone"),
    Picture("customer", f"{LIST}{{buyer}}/change/"),
    Picture("timeline", f"{LIST}{{buyer}}/change/#timeline"),
    Picture("erase", f"{LIST}{{buyer}}/erase/"),
    Picture("import", "bulk/job/{job}/change/"),
]


def take(folder: Path) -> None:
    with stores(folder) as start, chromium(folder) as chrome:
        shop = start()
        shop.manage("demo")
        owner = Dashboard(shop)
        found = re.search(rf"/dashboard/{LIST}(\d+)/change/", owner.get(f"{shop.url}/dashboard/{BUYERS}").text)
        assert found
        file = ("customers.csv", IMPORTED, "text/csv")
        job = owner.submit("/dashboard/bulk/job/import/", files={"file": file}).headers["Location"].split("/")[-3]
        FOLDER.mkdir(parents=True, exist_ok=True)
        pages = Pages(chrome, shop, *WINDOWS["desktop"])
        pages.be(owner)
        chrome.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
        for picture in PICTURES:
            pages.resize(*WINDOWS[picture.window])
            pages.use_scheme(picture.scheme)
            pages.open(picture.path.format(buyer=found[1], job=job))
            pages.browser.save_screenshot(str(FOLDER / f"{picture.name}.png"))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        take(Path(folder))
