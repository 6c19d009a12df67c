"""Roles, invitations, two-factor sign-in and sessions."""

from base64 import b32decode

import pytest
from django_otp.oath import totp
from selenium.webdriver.common.by import By

from tests.live.dashboard.people import PASSWORD, Member, emailed_link, new_word, path_of


@pytest.fixture(scope="module")
def viewer(colleagues):
    return colleagues("Viewer")


@pytest.fixture(scope="module")
def staff(colleagues):
    return colleagues("Staff")


def sections(pages) -> list[str]:
    return [link.get_attribute("textContent") for link in pages.all(".sections a")]


def offered(pages) -> list[str]:
    """What can be done with the customer whose page is open."""
    return [link.get_attribute("textContent") for link in pages.all(".customer-head .toolbar a")]


def answer(pages, somebody, path: str, method: str = "get") -> int:
    """The status code of a request to an address of the dashboard."""
    return getattr(somebody, method)(f"{pages.shop.url}/dashboard/{path}").status_code


class TestRoles:
    def test_viewer_can_only_look(self, pages, viewer, ada):
        pages.be(viewer)
        pages.open()
        assert sections(pages) == [
            "Home", "Customers", "Groups", "Segments", "Tags", "Block list", "Orders", "Subscriptions", "Carts",
            "Custom fields", "API reference", "Store details",
        ]  # fmt: skip

        pages.open(path_of(ada))
        assert offered(pages) == []
        assert pages.all("#customer form button, #customer a[data-dialog], #timeline textarea") == []
        assert ada["email"] in pages.find("#content").text
        pages.open("customers/customer/")
        assert pages.all("a[href$='customers/customer/add/'], a[href$='jobs/job/import/']") == []

    def test_viewer_is_refused_by_address(self, pages, viewer, ada):
        forbidden = ["customers/customer/add/", "customers/staffmember/", "oauth/privateapp/", "audit/auditevent/"]
        forbidden += [path_of(ada, f"{name}/") for name in ("block", "notes/add", "personal-data", "erase")]

        assert {path: answer(pages, viewer, path) for path in forbidden} == dict.fromkeys(forbidden, 403)
        assert answer(pages, viewer, path_of(ada, "edit/"), "post") == 403

    def test_staff_change_customers_but_cannot_erase_or_manage(self, pages, staff, ada):
        pages.be(staff)
        pages.open()
        assert "Staff" not in sections(pages)
        assert "API tokens" not in sections(pages)

        pages.open(path_of(ada))
        assert offered(pages) == [
            "Edit", "Send password reset email", "Download personal data", "Block", "Merge",
        ]  # fmt: skip
        pages.press("Edit")
        pages.fill(first_name="Augusta")
        pages.press("Save")
        assert pages.says("First name: Ada → Augusta")
        forbidden = [path_of(ada, "erase/"), "customers/staffmember/add/", "oauth/partnerapp/add/"]
        assert {path: answer(pages, staff, path) for path in forbidden} == dict.fromkeys(forbidden, 403)

    def test_owner_may_do_everything(self, pages, ada):
        pages.open()
        assert {"Customers", "Staff", "API tokens", "Apps", "Security log", "Orders"} < set(sections(pages))

        pages.open(path_of(ada))
        assert offered(pages) == [
            "Edit", "Send password reset email", "Download personal data", "Block", "Merge", "Erase",
        ]  # fmt: skip

    def test_own_role_is_made_on_one_page_and_shows_its_sections_alone(self, pages, colleagues):
        role = new_word("Support")
        pages.open("accounts/staffrole/add/")
        pages.fill(name=role)
        pages.find("[aria-label='Customers: Edit']").click()
        pages.find("[aria-label='Custom fields: View']").click()
        pages.press("Save")
        assert f"{role}" in pages.message

        pages.be(colleagues(role))
        pages.open()
        assert sections(pages)[1:] == [
            "Customers", "Groups", "Segments", "Tags", "Block list", "Imports and exports", "Custom fields",
            "API reference",
        ]  # fmt: skip


class TestInvitation:
    def test_invitation_leads_to_a_password_and_sign_in(self, pages, shop):
        email = f"{new_word('mia')}@store.example"
        pages.open("customers/staffmember/")
        pages.press("Invite staff member")
        pages.fill(email=email, first_name="Mia", role="Staff")
        pages.press("Send invitation")
        assert pages.message == f"An invitation to {email} is on its way."

        pages.be(None)
        pages.browser.get(emailed_link(shop, email))
        pages.fill(new_password1=PASSWORD, new_password2=PASSWORD)
        pages.press("Save and sign in")
        assert pages.find("#user-tools strong").text == email

    def test_deactivated_member_is_signed_out(self, pages, colleagues):
        leaver = colleagues("Staff")
        pages.open("customers/staffmember/?q=" + leaver.email)
        pages.find("#result_list .field-email a").click()
        pages.press("Deactivate")
        pages.press("Deactivate")
        assert "deactivated" in pages.message

        pages.be(leaver)
        pages.open()
        assert pages.find("[name=password]")


class TestTwoFactor:
    def test_two_factor_asks_for_a_code_at_sign_in(self, pages, colleagues):
        careful = colleagues("Staff")
        pages.be(careful)
        pages.open("account/")
        pages.press("Switch on")
        key = b32decode(pages.find(".oauth-key").text.replace(" ", ""))
        pages.fill(code=f"{totp(key):06}")
        pages.press("Switch on")
        pages.wait_for(lambda: pages.all(".oauth-codes code"))
        recovery_codes = [code.text for code in pages.all(".oauth-codes code")]

        pages.be(None)
        pages.open()
        pages.fill(username=careful.email, password=PASSWORD)
        pages.press("Sign in")
        pages.fill(code=f"{(totp(key) + 1) % 10**6:06}")
        pages.press("Sign in")
        assert pages.find(".errorlist").text
        pages.fill(code=recovery_codes[0])
        pages.press("Sign in")
        assert pages.find("#user-tools strong").text == careful.email


class TestSessions:
    def test_sign_out_everywhere_else_ends_other_sessions(self, pages, shop, colleagues):
        here = colleagues("Viewer")
        elsewhere = Member(shop, here.email)
        pages.be(here)
        pages.open("account/")
        assert len(pages.all("section table tbody tr")) == 3  # with the browser that chose the password

        pages.press("Sign out everywhere else")

        assert pages.message == "Sessions signed out: 2."
        assert len(pages.browser.find_elements(By.CSS_SELECTOR, "section table tbody tr")) == 1
        assert "/login/" in elsewhere.get(f"{shop.url}/dashboard/").url
        pages.open()
        assert pages.find("#user-tools strong").text == here.email
