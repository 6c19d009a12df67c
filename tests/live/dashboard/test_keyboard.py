"""Without a mouse."""

import pytest
from selenium.webdriver.common.keys import Keys

from tests.live.dashboard.pages import WIDTHS, Pages
from tests.live.dashboard.people import path_of
from tests.live.dashboard.test_pages import faults

MOST_TABS = 60
OUTLINE = """
    const style = getComputedStyle(document.activeElement);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
"""


class Keyboard:
    def __init__(self, pages: Pages):
        self.pages = pages

    @property
    def focused(self):
        return self.pages.browser.switch_to.active_element

    def tab_to(self, css: str) -> None:
        """From control to control, each of which shows that it has the focus."""
        for _ in range(MOST_TABS):
            self.focused.send_keys(Keys.TAB)
            assert self.pages.browser.execute_script(OUTLINE), self.focused.tag_name
            if self.pages.browser.execute_script(f"return document.activeElement.matches({css!r})"):
                return
        raise AssertionError(f"No way to {css}.")

    def type(self, *keys: str) -> None:
        self.focused.send_keys(*keys)


@pytest.fixture
def desk(chrome, shop, owner):
    desk = Pages(chrome, shop, *WIDTHS["desktop"])
    desk.be(owner)
    return desk


class TestKeyboard:
    def test_keyboard_finds_edits_and_saves_a_customer(self, desk, shop, ada):
        keyboard = Keyboard(desk)
        desk.open("customers/customer/")
        keyboard.tab_to("#searchbar")
        keyboard.type(ada["email"], Keys.ENTER)
        desk.wait_for(lambda: len(desk.rows) == 1)
        keyboard.tab_to("#result_list .field-name a")
        keyboard.type(Keys.ENTER)
        desk.find("#contact")
        keyboard.tab_to("#contact [data-dialog]")
        keyboard.type(Keys.ENTER)
        desk.wait_for(lambda: keyboard.focused.get_attribute("name") == "email")
        assert faults(desk) == []
        keyboard.tab_to("dialog [name=first_name]")
        keyboard.type(Keys.CONTROL + "a")
        keyboard.type("Augusta", Keys.TAB)
        keyboard.tab_to("dialog [type=submit]")
        keyboard.type(Keys.ENTER)

        desk.wait_for(lambda: desk.heading.startswith("Augusta"))
        desk.wait_for(lambda: keyboard.focused.get_attribute("aria-label") == "Edit contact")
        assert shop.session().get(f"{shop.url}/api/admin/users/{ada['id']}/").json()["first_name"] == "Augusta"

    def test_keyboard_skips_to_the_content(self, desk):
        keyboard = Keyboard(desk)
        desk.open("account/")

        keyboard.tab_to(".skip-to-content-link")
        assert desk.find(".skip-to-content-link").is_displayed()
        keyboard.type(Keys.ENTER)

        desk.wait_for(lambda: keyboard.focused.get_attribute("id") == "content-start")

    def test_slash_and_control_k_search_and_enter_opens_what_is_found(self, desk, ada):
        keyboard = Keyboard(desk)
        desk.open("account/")

        keyboard.type("/")
        assert keyboard.focused.get_attribute("type") == "search"
        keyboard.type(ada["last_name"].lower(), Keys.ENTER)
        desk.wait_for(lambda: desk.browser.current_url.endswith(path_of(ada)))

        keyboard.type(Keys.CONTROL + "k")
        # At once: on a busy machine, keys may be searched for one by one.
        desk.browser.execute_cdp_cmd("Input.insertText", {"text": "store"})
        desk.wait_for(lambda: len(desk.all("#search-options [role=option]")) > 1)
        second = desk.all("#search-options [role=option]")[1]
        keyboard.type(Keys.ARROW_DOWN)
        assert keyboard.focused.get_attribute("aria-activedescendant") == second.get_attribute("id")
        assert faults(desk) == []
        keyboard.type(Keys.ESCAPE)
        assert not desk.find("#search-options").is_displayed()

    def test_drawer_of_a_phone_keeps_the_focus_until_it_is_closed(self, desk):
        desk.resize(*WIDTHS["phone"])
        keyboard = Keyboard(desk)
        desk.open("webhooks/webhook/")
        assert not desk.find("#navigation").is_displayed()

        keyboard.tab_to(".drawer-button")
        keyboard.type(Keys.ENTER)
        desk.wait_for(lambda: keyboard.focused.text == "Webhooks")
        assert faults(desk) == []
        keyboard.type(Keys.SHIFT + Keys.TAB)
        assert desk.browser.execute_script("return document.activeElement.closest('#navigation') !== null")
        assert desk.find("#main").get_attribute("inert")
        keyboard.type(Keys.ESCAPE)

        desk.wait_for(lambda: not desk.find("#navigation").is_displayed())
        desk.wait_for(lambda: keyboard.focused.get_attribute("class") == "drawer-button")

    def test_keyboard_removes_and_adds_a_tag(self, desk, shop, ada):
        shop.session().patch(f"{shop.url}/api/admin/users/{ada['id']}/", json={"tags": ["old"]})
        keyboard = Keyboard(desk)
        desk.open(path_of(ada))

        keyboard.tab_to(".customer-tag button")
        keyboard.type(Keys.ENTER)
        keyboard.type("new", Keys.ENTER)

        assert desk.says("Tags: — → new")
        assert desk.value("tags") == "new"


class TestLabels:
    @pytest.mark.parametrize("path", ["customers/customer/", "{customer}", "customers/customer/add/", "account/"])
    def test_every_control_has_a_label(self, desk, ada, path):
        desk.open(path.format(customer=path_of(ada)))

        controls = [each for each in desk.all("input, select, textarea, button") if each.is_displayed()]

        assert controls
        assert [each.get_attribute("outerHTML") for each in controls if not each.accessible_name] == []
