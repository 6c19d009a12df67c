"""A partner's app, from its registration to its end, as a member of staff meets it in a browser."""

from threading import Thread
from urllib.parse import urlsplit

import pytest
import requests

from tests.live.owner import errors, hosts_asked, press, shown, sign_in
from tests.live.partner_app import PartnerApp


@pytest.fixture
def app():
    with PartnerApp() as app:
        Thread(target=app.serve_forever).start()
        yield app
        app.shutdown()


@pytest.fixture
def shop(store, app, browser):
    """With the app registered, and its owner's browser sent to install it and to sign in first."""
    shop = store()
    registered = shop.register_app(f"{app.url}/", f"{app.url}/callback")
    app.client_id, app.client_secret = registered["client_id"], registered["client_secret"]
    browser.get(f"{shop.url}{registered['install']}")
    sign_in(browser, shop)
    return shop


class TestInstallApp:
    def test_app_is_installed_opened_and_uninstalled_by_the_documented_steps(self, shop, app, browser):
        domain = urlsplit(shop.url).netloc

        def create_customer(email: str) -> int:
            bearer = {"Authorization": f"Bearer {app.access_token}"}
            return requests.post(f"{shop.url}/api/admin/users/", {"email": email}, headers=bearer).status_code

        question = shown(browser, "//main")
        assert "Mailer wants to be installed" in question
        assert "See customers" in question
        assert "Add and change customers" in question

        press(browser, "Authorize")
        assert shown(browser, "//h1[.='installed']")
        begun, finished = app.visits
        assert begun == {"store": domain}
        assert finished == {"store": domain, "code": finished["code"], "iss": shop.url}
        assert create_customer("grace@example.com") == 201

        browser.get(f"{shop.url}/dashboard/oauth/partnerapp/")
        press(browser, "Mailer")
        press(browser, "Open")
        assert shown(browser, "//h1[.='welcome owner@example.com']")
        assert set(app.visits[-1]) == {"store", "token"}

        browser.back()
        press(browser, "Uninstall")
        press(browser, "Uninstall")
        assert shown(browser, "//*[.='Mailer is uninstalled.']")
        assert create_customer("ada.l@example.com") == 401

        assert hosts_asked(browser, shop) <= {domain, urlsplit(app.url).netloc}
        assert errors(browser) == []

    def test_refused_app_gets_access_denied_and_no_code(self, shop, app, browser):
        press(browser, "Cancel")

        assert shown(browser, "//h1[.='refused: access_denied']")
        assert "code" not in app.visits[-1]
        assert app.visits[-1]["store"] == urlsplit(shop.url).netloc
        assert errors(browser) == []
