"""The reference page, as a developer reads it."""

import json

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.ui import WebDriverWait

from tests.live.conftest import PATIENCE


class TestReferencePage:
    def test_reference_page_shows_every_operation_without_other_hosts(self, store, browser):
        shop = store()

        browser.get(f"{shop.url}/api/docs/admin/")
        browser.find_element(By.CSS_SELECTOR, "#operations-customers-usersCreate")
        shown = set(browser.execute_script("return [...document.querySelectorAll('.opblock')].map((each) => each.id)"))
        Select(browser.find_element(By.CSS_SELECTOR, "#select")).select_by_visible_text("2023-02-10")
        browser.find_element(By.XPATH, "//*[contains(@class, 'version') and contains(., '2023-02-10')]")

        document = shop.session().get(f"{shop.url}/api/schema/admin/?version=2024-04-01").json()
        operations = [operation for path in document["paths"].values() for operation in path.values()]
        assert shown == {f"operations-{operation['tags'][0]}-{operation['operationId']}" for operation in operations}
        asked = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
        sent = [entry["params"] for entry in asked if entry["method"] == "Network.requestWillBeSent"]
        urls = {request["request"]["url"] for request in sent if request["documentURL"].startswith(shop.url)}
        assert len(urls) > 3
        assert {url for url in urls if not url.startswith((shop.url, "data:", "blob:"))} == set()
        assert [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []

    def test_reference_page_sends_a_request_with_a_token(self, store, browser):
        shop = store()
        browser.get(f"{shop.url}/api/docs/admin/")

        def click(css: str) -> None:
            """Also while the page is drawn again."""
            waiting = WebDriverWait(browser, PATIENCE, ignored_exceptions=[WebDriverException])
            waiting.until(lambda _: browser.find_element(By.CSS_SELECTOR, css).click() or True)

        click(".authorize")
        form = browser.find_element(By.XPATH, "//form[.//h4[contains(., 'http, Bearer')]]")
        form.find_element(By.CSS_SELECTOR, "input").send_keys(shop.token)
        form.find_element(By.CSS_SELECTOR, "button[type=submit]").click()
        click(".close-modal")
        click("#operations-customers-usersList .opblock-summary-control")
        click(".try-out__btn")
        click(".execute")

        answer = browser.find_element(By.CSS_SELECTOR, ".live-responses-table tbody .response-col_status")
        assert answer.text.startswith("200")
