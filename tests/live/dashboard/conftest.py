"""One store and one browser for all these tests; each test creates the customers that it needs."""

from zlib import crc32

import pytest

from tests.live.conftest import chromium, stores
from tests.live.dashboard.pages import WIDTHS, Pages
from tests.live.dashboard.people import Colleagues, add_customer
from tests.live.owner import Dashboard


@pytest.fixture(scope="session")
def shop(tmp_path_factory):
    with stores(tmp_path_factory.mktemp("store")) as start:
        yield start(RATE_LIMIT="0", WEBHOOKS_RETRY_SECONDS="3600")  # no page changes because of another attempt


@pytest.fixture(scope="session")
def chrome(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture(scope="session")
def owner(shop):
    return Dashboard(shop)


@pytest.fixture(scope="session")
def colleagues(shop, owner):
    """`colleagues("Viewer")`: a dashboard session of a member of staff, invited and with a password."""
    return Colleagues(shop, owner)


@pytest.fixture(params=["wide", "phone"])
def pages(request, chrome, shop, owner):
    """The owner's browser: light on a desktop, or on a tablet for half of the tests; dark on a phone."""
    is_phone = request.param == "phone"
    wide = ("desktop", "tablet")[crc32(request.node.originalname.encode()) % 2]
    browser = Pages(chrome, shop, *WIDTHS["phone" if is_phone else wide])
    browser.use_scheme("dark" if is_phone else "light")
    browser.be(owner)
    yield browser
    browser.use_scheme("light")


@pytest.fixture
def ada(shop):
    """A new customer called Ada Lovelace: as the API shows her."""
    return add_customer(shop)
