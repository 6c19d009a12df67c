"""An owner's own tokens and the security log, as a browser shows them."""

from contextlib import suppress

import pytest
import requests
from selenium.common.exceptions import StaleElementReferenceException, TimeoutException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from tests.live.conftest import PATIENCE
from tests.live.owner import authorize_path, errors, press, shown, sign_in


@pytest.fixture
def shop(store, browser):
    """With its owner at the dashboard."""
    shop = store()
    browser.get(f"{shop.url}/dashboard/")
    sign_in(browser, shop)
    return shop


def make_token(browser, name: str) -> str:
    press(browser, "API tokens")
    press(browser, "Add API token")
    browser.find_element(By.NAME, "name").send_keys(name)
    browser.find_element(By.CSS_SELECTOR, "[name=allowed_scopes][value='users:read']").click()
    press(browser, "Save")
    return shown_token(browser)


def shown_token(browser) -> str:
    return browser.find_element(By.ID, "access_token").get_attribute("value")


def status(shop, token: str) -> int:
    return requests.get(f"{shop.url}/api/admin/users/", headers={"Authorization": f"Bearer {token}"}).status_code


class TestApiAccess:
    def test_new_token_is_shown_once_and_can_be_replaced(self, shop, browser):
        browser.execute_cdp_cmd(
            "Browser.grantPermissions", {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
        )

        token = make_token(browser, "Warehouse")
        press(browser, "Copy")
        assert shown(browser, "//button[.='Copied']")
        assert browser.execute_async_script("navigator.clipboard.readText().then(arguments[0])") == token
        assert status(shop, token) == 200

        press(browser, "Done")
        press(browser, "API tokens")
        assert "in version 2024-04-01 from 127.0.0.1" in shown(browser, "//tr[contains(., 'Warehouse')]")
        assert token not in browser.page_source

        press(browser, "Warehouse")
        press(browser, "Revoke and replace the token")
        press(browser, "Revoke and replace the token")
        replacement = shown_token(browser)
        assert replacement != token
        assert [status(shop, token), status(shop, replacement)] == [401, 200]
        assert errors(browser) == []


class TestSecurityLog:
    def test_security_log_filters_by_kind_and_by_app(self, shop, browser):
        status(shop, make_token(browser, "Warehouse"))

        def listed() -> list[str]:
            """Event, actor and app, newest first."""
            rows = browser.find_elements(By.CSS_SELECTOR, "#result_list tbody tr")
            cells = ("field-event", "field-who", "field-by_app")
            return [" | ".join(row.find_element(By.CLASS_NAME, cell).text for cell in cells) for row in rows]

        def wait_for(*rows: str) -> None:
            waiting = WebDriverWait(browser, PATIENCE, ignored_exceptions=[StaleElementReferenceException])
            with suppress(TimeoutException):
                waiting.until(lambda _: listed() == list(rows))
            assert listed() == list(rows)

        created = "Token created | owner@example.com | Warehouse"
        first_use = "First use of token | — | Warehouse"
        of_quickstart = ("First use of token | — | Quickstart", "Token created | — | Quickstart")
        press(browser, "Security log")
        wait_for(first_use, created, "Signed in | owner@example.com | —", *of_quickstart)
        press(browser, "Filters")
        press(browser, "Tokens")
        wait_for(first_use, created, *of_quickstart)
        browser.find_element(By.ID, "searchbar").send_keys("warehouse", Keys.ENTER)
        wait_for(first_use, created)
        assert errors(browser) == []


class TestPages:
    @pytest.mark.parametrize("width", [1280, 390], ids=["desktop", "phone"])
    def test_api_access_pages_fit_the_window_width(self, shop, browser, width):
        window = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": False}
        redirect_uri = f"https://{'subdomain.' * 12}example/callback"
        app = shop.register_app(redirect_uri, redirect_uri, "--name", "Mailer " * 20)

        make_token(browser, "Warehouse")
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", window)
        assert overflow(browser) <= 1

        browser.get(shop.url + authorize_path(app, redirect_uri))
        assert shown(browser, "//button[.='Authorize']")
        assert overflow(browser) <= 1


def overflow(browser) -> int:
    """The pixels of the page that the window is too narrow for."""
    return browser.execute_script("return document.documentElement.scrollWidth - innerWidth")
