"""The pages of signing in: their words, and what they lead to."""

import re

import pytest
from django.test import Client

from customers.models import StaffMember
from oauth.accounts import two_factor
from oauth.accounts.models import TwoFactor
from oauth.audit.models import AuditEvent
from tests.support.dashboard import DASHBOARD, browser_of
from tests.support.factories import make_user
from tests.support.mail import sent_emails
from tests.support.staff import STAFF
from tests.support.two_factor import code_of

PASSWORD = "an uncommon 1 password"
LOGIN = f"{DASHBOARD}login/"
RESET = f"{DASHBOARD}password_reset/"


def chosen(email: str, to: str | None = None) -> tuple[Client, object, str]:
    """The browser in which a password was chosen by the last email, the answer, and the page with the form."""
    link = re.search(r"http://testserver(/dashboard/password_reset/\S+)", sent_emails()[-1].body)[1]
    browser = Client()
    form = browser.get(link).headers["Location"]
    page = browser.get(form).content.decode()
    return browser, browser.post(form, {"new_password1": PASSWORD, "new_password2": PASSWORD}), page


@pytest.fixture
def invited(dashboard_client):
    dashboard_client.post(f"{STAFF}add/", {"email": "nora@store.example", "first_name": "Nora", "role": "Viewer"})
    return StaffMember.objects.get(email="nora@store.example")


class TestInvitation:
    def test_invited_member_is_signed_in_after_choosing_a_password(self, invited):
        browser, answer, page = chosen(invited.email)

        assert answer.headers["Location"] == DASHBOARD
        assert browser.get(DASHBOARD).status_code == 200
        assert "at least 8 characters" in page  # the rules stand there before a failure

    def test_member_with_two_factor_needs_a_code_after_choosing_a_password(self, invited):
        two_factor.begin(invited)
        TwoFactor.objects.update(is_on=True)

        browser, answer, _ = chosen(invited.email)

        assert answer.headers["Location"].startswith(f"{LOGIN}code/")
        assert browser.get(DASHBOARD).headers["Location"].startswith(LOGIN)
        entered = browser.post(answer.headers["Location"], {"code": code_of(TwoFactor.objects.get().key)})
        assert entered.headers["Location"] == DASHBOARD

    def test_deactivated_member_is_not_signed_in_after_choosing_a_password(self, invited):
        link = re.search(r"http://testserver(/dashboard/password_reset/\S+)", sent_emails()[-1].body)[1]
        StaffMember.objects.filter(pk=invited.pk).update(is_active=False)
        browser = Client()
        form = browser.get(link).headers["Location"]

        answer = browser.post(form, {"new_password1": PASSWORD, "new_password2": PASSWORD})

        assert answer.headers["Location"] == f"{RESET}complete/"
        assert browser.get(DASHBOARD).status_code == 302
        assert not AuditEvent.objects.filter(event="signed_in", actor=invited.email).exists()

    def test_customer_who_chooses_a_password_is_not_signed_in(self, db):
        person = make_user(email="ada@lovelace.example")
        Client().post(RESET, {"email": person.email})

        browser, answer, _ = chosen(person.email)

        assert answer.headers["Location"] == f"{RESET}complete/"
        assert "Your password is set" in browser.get(f"{RESET}complete/").content.decode()
        assert browser.get(DASHBOARD).status_code == 302


class TestWords:
    def test_wrong_password_says_so(self, owner):
        page = Client().post(LOGIN, {"username": owner.email, "password": "wrong"}).content.decode()

        assert "Wrong email or password." in page
        assert "case-sensitive" not in page

    def test_code_field_opens_the_keypad_of_a_phone(self, owner):
        owner.set_password(PASSWORD)
        owner.save()
        two_factor.begin(owner)
        TwoFactor.objects.update(is_on=True)
        browser = Client()
        code = browser.post(LOGIN, {"username": owner.email, "password": PASSWORD}).headers["Location"]

        page = browser.get(code).content.decode()

        field = re.search(r'<input[^>]*name="code"[^>]*>', page)[0]
        assert 'inputmode="numeric"' in field
        assert 'autocomplete="one-time-code"' in field
        recovery = re.search(r'href="(\?[^"]*recovery=1)"', page)[1].replace("&amp;", "&")
        other = browser.get(f"{DASHBOARD}login/code/{recovery}").content.decode()
        assert ("Enter one of the recovery codes" in other, "numeric" in other) == (True, False)


class TestOwnName:
    def test_member_changes_the_own_name(self, owner):
        browser = browser_of(owner)

        browser.post(f"{DASHBOARD}account/name/", {"first_name": "Grace", "last_name": "Hopper"})

        owner.refresh_from_db()
        assert owner.get_full_name() == "Grace Hopper"
        assert "Grace Hopper" in browser.get(f"{DASHBOARD}account/").content.decode()

    def test_member_can_not_take_a_name_with_control_characters(self, owner):
        page = browser_of(owner).post(f"{DASHBOARD}account/name/", {"first_name": "a\u202eb"}, follow=True)

        assert "control characters" in page.content.decode()
