"""Medusa's own admin UI, as its npm package has it, in a browser and on another origin than the store."""

import json
from collections.abc import Callable

import pytest
import requests
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from customers.management.commands.quickstart import OWNER
from tests.live.conftest import PATIENCE, stores
from tests.live.medusa_clients import AdminUiServer

EMAILS = ["ada@byron.example", "grace@byron.example"]
# Prints the store's customers as JSON.
READ_DATABASE = """
import json
from customers.models import Customer
for customer in Customer.objects.filter(email__endswith="@byron.example").order_by("email"):
    groups = list(customer.customer_groups.values_list("name", flat=True))
    print(json.dumps([customer.email, customer.first_name, customer.phone_number, groups]))
"""


@pytest.fixture
def ui(tmp_path):
    with AdminUiServer() as server, stores(tmp_path) as start:
        server.store = start(MEDUSA_ADMIN_CORS=server.origin)
        server.store_url = server.store.url
        yield server


class AdminUiPage:
    def __init__(self, browser):
        self.browser = browser

    def wait_for(self, is_so: Callable[[], object]) -> None:
        """Also while the page is drawn again, when elements go stale or another one lies above them."""
        WebDriverWait(self.browser, PATIENCE, ignored_exceptions=[WebDriverException]).until(lambda _: is_so())

    def click(self, xpath: str) -> None:
        self.wait_for(lambda: self.browser.find_element(By.XPATH, xpath).click() or True)

    def fill(self, css: str, text: str) -> None:
        def filled() -> bool:
            field = self.browser.find_element(By.CSS_SELECTOR, css)
            field.clear()
            field.send_keys(text)
            return field.get_attribute("value") == text

        self.wait_for(filled)

    def see(self, xpath: str) -> None:
        self.browser.find_element(By.XPATH, xpath)


def in_database(store) -> list[list]:
    return [json.loads(line) for line in store.manage("shell", "-v0", "-c", READ_DATABASE).splitlines()]


@pytest.mark.browser
def test_admin_ui_finds_and_edits_a_customer_and_fills_a_new_group(ui, browser):
    for email in EMAILS:
        person = {"email": email, "first_name": email[:5], "last_name": "Byron", "password": ""}
        headers = {"x-medusa-access-token": ui.store.token}
        requests.post(f"{ui.store.url}/admin/customers", json=person, headers=headers).raise_for_status()
    page = AdminUiPage(browser)

    browser.get(ui.origin)
    page.fill("[name=email]", OWNER)
    page.fill("[name=password]", ui.store.password)
    page.click("//button[@type='submit']")
    page.click("//a[.='Customers']")
    page.fill("[placeholder=Search]", "ada@byr")
    page.click("//tr[contains(., 'ada@byron.example')]")
    page.click("//h1/following::button[1]")
    page.click("//*[@role='menuitem'][.='Edit']")
    page.fill("[name=first_name]", "Augusta")
    page.fill("[name=phone]", "+44 20 7946 0958")
    page.click("//button[.='Save and close']")
    page.see("//h1[.='Augusta Byron']")

    page.click("//a[.='Customers']")
    page.click("//*[text()='Groups']")
    page.click("//button[.='New group']")
    page.fill("[name='general.name']", "Pioneers")
    page.click("//button[.='Publish Group']")
    page.click("//td[.='Pioneers']")
    page.click("//button[.='Edit customers']")
    for email in EMAILS:
        page.click(f"//tr[contains(., '{email}')]//div[contains(@class, 'cursor-pointer')]")
    page.click("//button[.='Save']")
    page.see("//tr[contains(., 'Augusta Byron')]")

    assert in_database(ui.store) == [
        ["ada@byron.example", "Augusta", "+442079460958", ["Pioneers"]],
        ["grace@byron.example", "grace", None, ["Pioneers"]],
    ]
