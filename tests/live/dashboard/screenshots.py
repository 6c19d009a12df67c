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
from tests.live.dashboard.conftest import WIDTHS
from tests.live.dashboard.pages import Pages
from tests.live.owner import Dashboard

FOLDER = PROJECT / "docs" / "screenshots"
LIST = "customers/customer/"


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
    Picture("customers", LIST),
    Picture("customers-filtered", f"{LIST}?user_type=customer&tag=vip&o=-7"),
    Picture("customers-phone", f"{LIST}?o=-7", window="phone"),
    Picture("customer", f"{LIST}{{buyer}}/change/"),
    Picture("timeline", f"{LIST}{{buyer}}/change/#timeline"),
    Picture("erase", f"{LIST}{{buyer}}/erase/"),
]


def take(folder: Path) -> None:
    with stores(folder) as start, chromium(folder) as chrome:
        shop = start()
        shop.manage("demo")
        owner = Dashboard(shop)
        best = owner.get(f"{shop.url}/dashboard/{LIST}?o=-7").text
        found = re.search(rf"/dashboard/{LIST}(\d+)/change/", best)
        assert found
        FOLDER.mkdir(parents=True, exist_ok=True)
        pages = Pages(chrome, shop, *WIDTHS["desktop"])
        pages.be(owner)
        for picture in PICTURES:
            pages.resize(*WIDTHS[picture.window])
            pages.use_scheme(picture.scheme)
            pages.open(picture.path.format(buyer=found[1]))
            pages.browser.save_screenshot(str(FOLDER / f"{picture.name}.png"))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        take(Path(folder))
