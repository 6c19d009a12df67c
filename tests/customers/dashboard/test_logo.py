"""The store's logo: an image in the header of every page."""

import re
from base64 import b64decode

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from customers.store.models import StoreDetails, StoreLogo
from customers.store.services import get_details
from tests.support.dashboard import DASHBOARD

DETAILS = f"{DASHBOARD}store/storedetails/1/change/"
PNG = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


def save(browser, content: bytes | None = None, **fields):
    given = {"name": "Beans", "currencies": "EUR", **fields}
    if content is not None:
        given["logo"] = SimpleUploadedFile("logo.png", content, "image/png")
    return browser.post(DETAILS, given)


def shown(browser, url: str = DASHBOARD) -> str | None:
    found = re.search(r'<img src="(/dashboard/logo/[^"]+)"', browser.get(url).content.decode())
    return found and found[1]


class TestLogo:
    def test_logo_is_shown_on_every_page_and_to_anybody(self, dashboard_client):
        assert save(dashboard_client, PNG).status_code == 302

        url = shown(dashboard_client)
        assert url == shown(Client(), f"{DASHBOARD}login/")
        image = Client().get(url)
        assert (image.content, image.headers["Content-Type"]) == (PNG, "image/png")
        assert "immutable" in image.headers["Cache-Control"]
        assert image.headers["X-Content-Type-Options"] == "nosniff"

    def test_logo_that_is_no_small_image_is_refused_and_nothing_is_saved(self, dashboard_client):
        for content in (b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"GIF", b"\x89PNG\r\n\x1a\n" + b"x" * 200_000):
            page = save(dashboard_client, content)

            assert "Choose an image" in page.content.decode()
            assert not StoreLogo.objects.exists()
        assert get_details().name == "Store"

    def test_logo_stays_until_it_is_removed_or_replaced(self, dashboard_client):
        save(dashboard_client, PNG)
        first = shown(dashboard_client)
        save(dashboard_client, tagline="Fresh")
        assert shown(dashboard_client) == first

        save(dashboard_client, PNG + b"x")
        assert shown(dashboard_client) != first
        assert Client().get(first).status_code == 404

        save(dashboard_client, remove_logo="on")
        assert shown(dashboard_client) is None
        assert not StoreLogo.objects.exists()
        assert StoreDetails.objects.get().logo_digest == ""

    def test_logo_can_be_changed_by_owners_alone(self, as_role):
        assert save(as_role("Staff"), PNG).status_code == 403
        assert not StoreLogo.objects.exists()
