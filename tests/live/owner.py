"""A store's owner at the dashboard: in a browser, or with forms and cookies alone."""

import json
import re
from urllib.parse import urljoin, urlsplit

import requests
from selenium.webdriver.common.by import By

from customers.management.commands.quickstart import OWNER
from tests.live.conftest import Store


class Dashboard(requests.Session):
    """The dashboard of a store, after signing in."""

    def __init__(self, shop: Store):
        super().__init__()
        self.shop = shop
        signed_in = self.submit("/dashboard/login/", username=OWNER, password=shop.password, next="/dashboard/")
        assert signed_in.status_code == 302

    def submit(self, url: str, **fields) -> requests.Response:
        """Opens the page of a form and sends the form. A redirect is answered, not followed."""
        url = urljoin(self.shop.url, url)
        csrf_token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.get(url).text)[1]
        return self.post(url, {**fields, "csrfmiddlewaretoken": csrf_token}, allow_redirects=False)

    def register_app(self, **fields) -> dict[str, str]:
        """A partner app that may read and write customers; the answer is its `client_id` and `client_secret`."""
        return shown_once(
            self.submit(
                "/dashboard/oauth/partnerapp/add/",
                **{
                    "name": "Mailer",
                    "app_url": "https://app.example/",
                    "redirect_uris": "https://app.example/callback",
                    "client_type": "confidential",
                    "allowed_scopes": ["users:read", "users:write"],
                    "api_version": "2024-04-01",
                    **fields,
                },
            )
        )

    def consent(self, authorize_url: str) -> str:
        """The URL that the app is sent back to."""
        return self.submit(authorize_url, decision="authorize").headers["Location"]


def shown_once(page: requests.Response) -> dict[str, str]:
    """The secrets on a page that shows them this once, by name."""
    assert page.status_code == 200
    return dict(re.findall(r'<input id="(\w+)" value="([^"]+)" readonly', page.text))


def sign_in(browser, shop: Store) -> None:
    """At the sign-in page that the browser was sent to."""
    browser.find_element(By.NAME, "username").send_keys(OWNER)
    browser.find_element(By.NAME, "password").send_keys(shop.password)
    press(browser, "Log in")


def press(browser, text: str) -> None:
    """A link or a button."""
    said = f"[normalize-space()='{text}' or @value='{text}']"
    browser.find_element(By.XPATH, f"//a{said} | //button{said} | //input{said}").click()


def hosts_asked(browser, shop: Store) -> set[str]:
    """By the store's pages."""
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [message["params"] for message in messages if message["method"] == "Network.requestWillBeSent"]
    urls = [request["request"]["url"] for request in sent if request["documentURL"].startswith(shop.url)]
    return {urlsplit(url).netloc for url in urls if url.startswith("http")}


def errors(browser) -> list[str]:
    """In the browser's console."""
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
