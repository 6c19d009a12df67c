"""A store's owner at the dashboard: in a browser, or with forms and cookies alone."""

import json
import re
import time
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import requests
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.ui import WebDriverWait

from customers.management.commands.quickstart import OWNER
from oauth.accounts.reauthentication import HOLDS_FOR
from tests.live.conftest import PATIENCE, Store

REDIRECT_URI = "https://app.example/callback"


class Visitor(requests.Session):
    """Somebody at a store's pages."""

    def __init__(self, shop: Store):
        super().__init__()
        self.shop = shop

    def submit(self, url: str, files: dict | None = None, **fields) -> requests.Response:
        """Opens the page of a form and sends the form. Redirects are answered, not followed."""
        url = urljoin(self.shop.url, url)
        csrf_token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.get(url).text)[1]
        return self.post(url, {**fields, "csrfmiddlewaretoken": csrf_token}, files=files, allow_redirects=False)


class Dashboard(Visitor):
    """Signed in to the dashboard of a store, unless the password is a wrong one. Again before ten minutes have gone by:
    then the dashboard would ask for the password before it does what matters."""

    def __init__(self, shop: Store, password: str = "", username: str = OWNER):
        super().__init__(shop)
        self.form = {"username": username, "password": password or shop.password, "next": "/dashboard/"}
        self.sign_in()

    def sign_in(self) -> None:
        self.cookies.clear()
        self.signed_in_at = time.monotonic()
        super().submit("/dashboard/login/", **self.form)

    def stay_signed_in(self) -> None:
        if time.monotonic() - self.signed_in_at > HOLDS_FOR.total_seconds() / 3:
            self.sign_in()

    def submit(self, url: str, files: dict | None = None, **fields) -> requests.Response:
        self.stay_signed_in()
        return super().submit(url, files, **fields)

    def decide(self, decision: str) -> requests.Response:
        """Says yes to what the page of the one registered app calls `decision`."""
        listed = self.get(f"{self.shop.url}/dashboard/oauth/partnerapp/").text
        return self.submit(re.search(r"/dashboard/oauth/partnerapp/\d+/", listed)[0] + f"{decision}/")

    def consent(self, authorize_url: str) -> str:
        """The URL that the app is called back at."""
        return self.submit(authorize_url, decision="authorize").headers["Location"]

    def authorize(self, app: dict[str, str], **challenge: str) -> dict[str, str]:
        """The form by which the app then gets its tokens."""
        url = self.consent(authorize_path(app, REDIRECT_URI, **challenge))
        return {
            "grant_type": "authorization_code",
            "code": query_of(url)["code"],
            "redirect_uri": REDIRECT_URI,
            "client_id": app["client_id"],
            "client_secret": app["client_secret"],
        }


def authorize_path(app: dict[str, str], redirect_uri: str, **more: str) -> str:
    asked = {"response_type": "code", "client_id": app["client_id"], "redirect_uri": redirect_uri}
    return "/oauth2/authorize/?" + urlencode({**asked, "scope": "users:read users:write", **more})


def query_of(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


def shown_once(page: requests.Response) -> dict[str, str]:
    """The secrets on a page that shows them this once, by name."""
    assert page.status_code == 200
    return dict(re.findall(r'<input id="(\w+)" value="([^"]+)" readonly', page.text))


def sign_in(browser, shop: Store) -> None:
    """At the sign-in page that the browser was sent to."""
    browser.find_element(By.NAME, "username").send_keys(OWNER)
    browser.find_element(By.NAME, "password").send_keys(shop.password)
    press(browser, "Sign in")


# Notes whether the next click leads to another page: by a link, or by the form that it sends. The scripts of the page
# come first. They may stop the browser, and do something else.
WATCH = """
    window.leadsOn = false;
    addEventListener("click", (event) => {
        const link = event.target.closest("a[href]:not([download])");
        const isHere = link && link.hash && link.href.split("#")[0] === location.href.split("#")[0];
        if (link && !isHere && !event.defaultPrevented) window.leadsOn = true;
    }, { once: true });
    addEventListener("submit", (event) => {
        if (event.target.method !== "dialog" && !event.defaultPrevented) window.leadsOn = true;
    }, { once: true });
"""


def press(browser, text: str, *, downloads: bool = False) -> None:
    """A link, a button, or what opens a menu. Waits for the next page, if there is one, and nothing `downloads`."""
    said = f"[normalize-space()='{text}' or @value='{text}']"
    control = browser.find_element(By.XPATH, f"//a{said} | //button{said} | //summary{said} | //input{said}")
    page = browser.find_element(By.CSS_SELECTOR, "html")
    browser.execute_script(WATCH)
    control.click()
    if downloads:
        return
    try:
        leads_on = browser.execute_script("return window.leadsOn !== false")  # the next page knows nothing of it
    except WebDriverException:  # the driver has several errors for a page that is being replaced
        leads_on = True
    if leads_on:
        WebDriverWait(browser, PATIENCE, 0.1, ignored_exceptions=[WebDriverException]).until(staleness_of(page))


def shown(browser, xpath: str) -> str:
    """The text of an element, once it is there."""
    return browser.find_element(By.XPATH, xpath).text


def hosts_asked(browser, shop: Store) -> set[str]:
    """By the store's pages."""
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [message["params"] for message in messages if message["method"] == "Network.requestWillBeSent"]
    urls = [request["request"]["url"] for request in sent if request["documentURL"].startswith(shop.url)]
    return {urlsplit(url).netloc for url in urls if url.startswith("http")}


def errors(browser) -> list[str]:
    """In the browser's console."""
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
