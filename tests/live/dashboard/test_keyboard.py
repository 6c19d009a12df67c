"""Without a mouse."""

import pytest
from selenium.webdriver.common.keys import Keys

from tests.live.dashboard.pages import WIDTHS, Pages
from tests.live.dashboard.people import path_of

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
        desk.find("#customer_form")
        keyboard.tab_to("[name=first_name]")
        keyboard.type(Keys.CONTROL + "a")
        keyboard.type("Augusta", Keys.TAB)
        keyboard.tab_to("[name=_save]")
        keyboard.type(Keys.ENTER)

        assert "was changed successfully" in desk.message
        assert shop.session().get(f"{shop.url}/api/admin/users/{ada['id']}/").json()["first_name"] == "Augusta"

    def test_keyboard_skips_to_the_content(self, desk):
        keyboard = Keyboard(desk)
        desk.open("account/")

        keyboard.tab_to(".skip-to-content-link")
        assert desk.find(".skip-to-content-link").is_displayed()
        keyboard.type(Keys.ENTER)

        assert keyboard.focused.get_attribute("id") == "content-start"

    def test_keyboard_removes_and_adds_a_tag(self, desk, shop, ada):
        shop.session().patch(f"{shop.url}/api/admin/users/{ada['id']}/", json={"tags": ["old"]})
        keyboard = Keyboard(desk)
        desk.open(path_of(ada))

        keyboard.tab_to(".customer-tag button")
        keyboard.type(Keys.ENTER)
        keyboard.type("new", Keys.ENTER)
        keyboard.tab_to("[name=_continue]")
        keyboard.type(Keys.ENTER)

        assert desk.find(".messagelist")
        assert desk.value("tags") == "new"


class TestLabels:
    @pytest.mark.parametrize("path", ["customers/customer/", "{customer}", "customers/customer/add/", "account/"])
    def test_every_control_has_a_label(self, desk, ada, path):
        desk.open(path.format(customer=path_of(ada)))

        controls = [each for each in desk.all("input, select, textarea, button") if each.is_displayed()]

        assert controls
        assert [each.get_attribute("outerHTML") for each in controls if not each.accessible_name] == []
