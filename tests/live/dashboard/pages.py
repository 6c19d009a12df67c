"""A browser at the dashboard: open pages, read, fill in, press."""

from collections.abc import Callable

from selenium.common.exceptions import TimeoutException, WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.ui import WebDriverWait

from tests.live.conftest import PATIENCE, Store
from tests.live.owner import Dashboard, press

WIDTHS = {"desktop": (1440, 900), "tablet": (1024, 768), "phone": (390, 844)}


class Pages:
    def __init__(self, browser, shop: Store, width: int, height: int):
        self.browser, self.shop = browser, shop
        self.resize(width, height)

    def resize(self, width: int, height: int) -> None:
        window = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", window)

    def use_scheme(self, scheme: str) -> None:
        """`light` or `dark`, as the system says."""
        # Without motion no colour is on the way to another one.
        features = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
        media = {"features": [{"name": name, "value": value} for name, value in features.items()]}
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)

    def be(self, somebody: Dashboard | None) -> None:
        """Takes over the session of a member of staff; None: signed out."""
        self.browser.get(f"{self.shop.url}/healthz")
        self.browser.delete_all_cookies()
        if somebody:
            somebody.stay_signed_in()
        for cookie in somebody.cookies if somebody else ():
            self.browser.add_cookie({"name": cookie.name, "value": cookie.value, "path": "/"})

    def open(self, path: str = "") -> None:
        self.browser.get(f"{self.shop.url}/dashboard/{path}")

    def press(self, text: str, *, downloads: bool = False) -> None:
        press(self.browser, text, downloads=downloads)

    def find(self, css: str) -> WebElement:
        return self.browser.find_element(By.CSS_SELECTOR, css)

    def all(self, css: str) -> list[WebElement]:
        """Without waiting, so the list may be empty."""
        self.browser.implicitly_wait(0)
        found = self.browser.find_elements(By.CSS_SELECTOR, css)
        self.browser.implicitly_wait(PATIENCE)
        return found

    @property
    def dialog(self) -> WebElement:
        """Once it is open."""
        return self.find("dialog[open]")

    def submit_dialog(self) -> None:
        """The page says later that it is done, and says so until it is left: a busy machine may look after seconds."""
        self.browser.execute_script("const set = setTimeout; setTimeout = (call, ms) => ms < 5000 && set(call, ms)")
        self.dialog.find_element(By.CSS_SELECTOR, "button[type=submit]").click()

    def fill_dialog(self, **fields: str) -> None:
        self.fill(self.dialog, **fields)

    def fill(self, form: WebElement | None = None, **fields: str) -> None:
        """By the names of fields."""
        for name, value in fields.items():
            field = (form or self.browser).find_element(By.CSS_SELECTOR, f"[name='{name}']")
            if field.tag_name == "select":
                Select(field).select_by_visible_text(value)
            else:
                field.clear()
                field.send_keys(value)

    def value(self, name: str) -> str:
        return self.find(f"[name='{name}']").get_attribute("value")

    def wait_for(self, is_so: Callable[[], bool]) -> None:
        """Also while the browser changes from one page to the next."""
        # The driver has several errors for an element of a page that is being replaced.
        waiting = WebDriverWait(self.browser, PATIENCE, poll_frequency=0.1, ignored_exceptions=[WebDriverException])
        try:
            waiting.until(lambda _: is_so())
        except TimeoutException as error:
            error.msg = f"{self.browser.current_url} says: {self.find('body').text}"
            raise

    def says(self, text: str) -> bool:
        self.wait_for(lambda: text in self.find("#content").text)
        return True

    @property
    def heading(self) -> str:
        return self.find("h1").text

    @property
    def message(self) -> str:
        return self.find(".messagelist").text

    @property
    def rows(self) -> list[str]:
        """The names in a list of customers."""
        return [cell.text for cell in self.all("#result_list .field-name")]

    @property
    def actions(self) -> list[str]:
        """The labels of the page's actions."""
        links = self.all(".object-tools a, .customer-head .toolbar a")
        return [link.get_attribute("textContent").strip() for link in links]
