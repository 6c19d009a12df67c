"""An owner's own tokens and the security log, as a browser shows them."""

import pytest
import requests
from selenium.webdriver.common.by import By

from tests.live.owner import errors, fits_the_window, press, resize, shown_secret, sign_in


@pytest.fixture
def shop(store, browser):
    """With its owner signed in."""
    shop = store()
    browser.get(f"{shop.url}/dashboard/")
    sign_in(browser, shop)
    return shop


def make_token(browser, shop, name: str) -> str:
    browser.get(f"{shop.url}/dashboard/")
    press(browser, "API access")
    press(browser, "Add API access")
    browser.find_element(By.NAME, "name").send_keys(name)
    browser.find_element(By.CSS_SELECTOR, "input[name=scopes][value='users:read']").click()
    press(browser, "Save")
    return shown_secret(browser)


def status(shop, token: str) -> int:
    return requests.get(f"{shop.url}/api/admin/users/", headers={"Authorization": f"Bearer {token}"}).status_code


class TestApiAccess:
    def test_makes_a_token_that_is_shown_once_and_replaced(self, shop, browser):
        browser.execute_cdp_cmd("Browser.grantPermissions", {"permissions": ["clipboardReadWrite"]})

        token = make_token(browser, shop, "Warehouse")
        press(browser, "Copy")
        browser.find_element(By.XPATH, "//button[.='Copied']")
        assert browser.execute_async_script("navigator.clipboard.readText().then(arguments[0])") == token
        assert status(shop, token) == 200

        press(browser, "Done")
        row = browser.find_element(By.XPATH, "//tr[contains(., 'Warehouse')]")
        assert "in version 2024-04-01 from 127.0.0.1" in row.text
        assert token not in browser.page_source

        press(browser, "Warehouse")
        press(browser, "Revoke and replace")
        press(browser, "Revoke and replace the token")
        replacement = shown_secret(browser)
        assert (status(shop, token), status(shop, replacement)) == (401, 200)
        assert errors(browser) == []


class TestSecurityLog:
    def test_lists_what_happened_by_event_and_by_app(self, shop, browser):
        status(shop, make_token(browser, shop, "Warehouse"))
        browser.get(f"{shop.url}/dashboard/oauth/auditevent/")

        def listed() -> list[tuple[str, str]]:
            rows = browser.find_elements(By.CSS_SELECTOR, "#result_list tbody tr")
            return [tuple(row.find_element(By.CLASS_NAME, f"field-{name}").text for name in ("event", "app")) for row in rows]

        ...
