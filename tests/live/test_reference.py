"""The reference page, as a developer reads it."""

import json

from selenium.webdriver.common.by import By
from selenium.webdriver.support.select import Select


class TestReferencePage:
    def test_reference_page_shows_every_operation_without_other_hosts(self, store, browser):
        shop = store()

        browser.get(f"{shop.url}/api/docs/admin/")
        browser.find_element(By.CSS_SELECTOR, "#operations-customers-usersCreate")
        shown = {block.get_attribute("id") for block in browser.find_elements(By.CSS_SELECTOR, ".opblock")}
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

        browser.find_element(By.CSS_SELECTOR, ".authorize").click()
        form = browser.find_element(By.XPATH, "//form[.//h4[contains(., 'http, Bearer')]]")
        form.find_element(By.CSS_SELECTOR, "input").send_keys(shop.token)
        form.find_element(By.CSS_SELECTOR, "button[type=submit]").click()
        browser.find_element(By.CSS_SELECTOR, ".close-modal").click()
        browser.find_element(By.CSS_SELECTOR, "#operations-customers-usersList .opblock-summary-control").click()
        browser.find_element(By.CSS_SELECTOR, ".try-out__btn").click()
        browser.find_element(By.CSS_SELECTOR, ".execute").click()

        answer = browser.find_element(By.CSS_SELECTOR, ".live-responses-table tbody .response-col_status")
        assert answer.text.startswith("200")
