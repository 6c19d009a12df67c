"""What a thief of a session must not do: it needs the password, and the code where two-factor sign-in is on."""

import re
import time
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from customers.jobs.models import Job
from customers.models import User
from oauth.accounts import two_factor
from oauth.accounts.lockout import LOCKED_FOR
from oauth.accounts.models import FailedAttempts, TwoFactor
from oauth.accounts.reauthentication import CONFIRMED_AT
from oauth.actor import SYSTEM
from oauth.audit.models import AuditEvent
from oauth.models import AccessToken, App
from oauth.scopes import Scope
from oauth.tokens import issue_personal_token
from tests.support.cases import each
from tests.support.dashboard import CUSTOMERS, DASHBOARD
from tests.support.factories import make_owner, make_user, make_users
from tests.support.mail import sent_emails
from tests.support.partner import register_partner
from tests.support.two_factor import code_of, wrong_code

PASSWORD, OTHER_PASSWORD = "an uncommon 1 password", "another uncommon 2 password"
RIGHT, WRONG = {"identity-password": PASSWORD}, {"identity-password": "wrong"}
TOKENS = f"{DASHBOARD}oauth/privateapp/"
STAFF = f"{DASHBOARD}customers/staffmember/"
ACCOUNT = f"{DASHBOARD}account/"
TWO_FACTOR = f"{ACCOUNT}two-factor/"
CHANGE = f"{DASHBOARD}password_change/"
EXPORT = {"action": "export", "select_across": "1", "_selected_action": "1"}
TOKEN = {"name": "ERP", "allowed_scopes": ["users:read", "users:write"], "api_version": "unstable"}
NEW_PASSWORD = {"new_password1": OTHER_PASSWORD, "new_password2": OTHER_PASSWORD}


@pytest.fixture
def person(db) -> User:
    return make_owner(email="owner@store.example", password=PASSWORD)


def let_pass(browser: Client, minutes: int) -> None:
    session = browser.session
    session[CONFIRMED_AT] = time.time() - 60 * minutes
    session.save()


def signed_in(person: User) -> Client:
    browser = Client(raise_request_exception=False)
    browser.force_login(person)
    return browser


@pytest.fixture
def fresh(person) -> Client:
    """The browser in which the owner has just signed in."""
    return signed_in(person)


@pytest.fixture
def stolen(person) -> Client:
    """A session that began an hour ago."""
    browser = signed_in(person)
    let_pass(browser, 60)
    return browser


def asks(response) -> bool:
    return response.status_code == 200 and "Confirm that it is you" in response.content.decode()


def sent_on(page, **identity) -> dict:
    """What the form of the page sends, once the password is typed."""
    fields: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.content.decode()):
        fields.setdefault(name, []).append(value)
    return {**fields, **identity}


def switch_on(person: User) -> str:
    """Returns the key."""
    two_factor.begin(person)
    TwoFactor.objects.filter(user=person).update(is_on=True, last_step=-1)
    return TwoFactor.objects.get(user=person).key


def guarded_pages(person) -> dict[str, tuple[str, dict, object]]:
    """By name: the page, the form that is sent to it, and a function that is true once the deed is done."""
    ada = make_user(email="ada@example.com")
    colleague = make_owner(email="colleague@store.example")
    switch_on(colleague)
    issue_personal_token(app_name="Old", scopes=[Scope.USERS_WRITE], owner=person, by=SYSTEM)
    [old] = App.objects.filter(name="Old")
    [digest] = AccessToken.objects.values_list("token_checksum", flat=True)
    return {
        "token": (f"{TOKENS}add/", TOKEN, lambda: App.objects.filter(name="ERP").exists()),
        "replaced token": (
            f"{TOKENS}{old.pk}/replace/", {}, lambda: not AccessToken.objects.filter(token_checksum=digest).exists()
        ),
        "erase": (
            f"{CUSTOMERS}{ada.pk}/erase/", {"confirmation": "erase"},
            lambda: not User.objects.filter(email="ada@example.com").exists(),
        ),
        "two-factor of a colleague": (
            f"{STAFF}{colleague.pk}/switch_off_two_factor/", {}, lambda: not two_factor.is_on(colleague)
        ),
        "invitation": (
            f"{STAFF}add/", {"email": "new@store.example", "role": "Owner"},
            lambda: User.objects.filter(email="new@store.example").exists(),
        ),
    }  # fmt: skip


PAGES = ["token", "replaced token", "erase", "two-factor of a colleague", "invitation"]


class TestPages:
    @each("name", PAGES)
    def test_stolen_session_can_not_open_or_send_the_page(self, person, stolen, name):
        url, form, is_done = guarded_pages(person)[name]

        assert asks(stolen.get(url))
        assert asks(stolen.post(url, form))
        assert asks(stolen.post(url, {**form, **WRONG, "identity-then": "POST"}))
        assert asks(stolen.post(url, {**form, "identity-then": "POST"}))
        assert asks(stolen.post(url, {**form, "identity-then": "GET"}))
        assert not is_done()

    @each("name", PAGES)
    def test_page_is_open_for_ten_minutes_after_a_sign_in(self, person, fresh, name):
        url, form, is_done = guarded_pages(person)[name]
        let_pass(fresh, 9)

        assert not asks(fresh.get(url))
        fresh.post(url, form)

        assert is_done()

    @each("name", PAGES)
    def test_page_opens_after_a_confirmation(self, person, stolen, name):
        url, form, is_done = guarded_pages(person)[name]

        confirmed = stolen.post(url, sent_on(stolen.get(url), **RIGHT))

        assert confirmed.headers["Location"] == url
        assert not asks(stolen.get(url))
        assert not is_done()
        stolen.post(url, form)
        assert is_done()

    @each("name", PAGES)
    def test_form_that_was_sent_too_late_is_not_lost(self, person, stolen, name):
        url, form, is_done = guarded_pages(person)[name]

        stolen.post(url, sent_on(stolen.post(url, form), **RIGHT))

        assert is_done()

    def test_confirming_twice_does_not_carry_the_action_out(self, person, stolen):
        url, _, is_done = guarded_pages(person)["two-factor of a colleague"]
        answer = sent_on(stolen.get(url), **RIGHT)

        for _ in range(2):
            assert stolen.post(url, answer).headers["Location"] == url

        assert not is_done()

    def test_typed_values_are_escaped_in_the_page_that_asks(self, stolen):
        page = stolen.post(f"{TOKENS}add/", {**TOKEN, "name": '"><script>alert(1)</script>'})

        assert "<script>alert" not in page.content.decode()

    def test_page_that_asks_is_not_stored(self, stolen):
        assert "no-store" in stolen.get(f"{TOKENS}add/").headers["Cache-Control"]

    def test_scopes_of_a_token_are_not_widened_by_a_stolen_session(self, person, stolen):
        issue_personal_token(app_name="ERP", scopes=[Scope.USERS_READ], owner=person, by=SYSTEM)
        app = App.objects.get()

        assert asks(stolen.post(f"{TOKENS}{app.pk}/change/", TOKEN))
        app.refresh_from_db()
        assert app.allowed_scopes == ["users:read"]

    def test_role_is_not_raised_by_a_stolen_session(self, stolen, as_role):
        as_role("Viewer")
        viewer = User.objects.get(email="a-viewer@store.example")

        assert asks(stolen.post(f"{STAFF}{viewer.pk}/change/", {"role": "Owner"}))
        assert not viewer.groups.filter(name="Owner").exists()

    def test_viewer_is_refused_not_asked(self, as_role):
        browser = as_role("Viewer")
        let_pass(browser, 60)
        ada = make_user()

        assert browser.get(f"{CUSTOMERS}{ada.pk}/erase/").status_code == 403


class TestConsent:
    def test_stolen_session_gives_no_app_a_token(self, person, stolen):
        partner = register_partner(person)
        url = partner.authorize_url()

        assert asks(stolen.get(url))
        assert stolen.post(url, {"decision": "authorize"}).headers["Location"] == url
        assert asks(stolen.post(url, {"decision": "authorize", **WRONG, "identity-then": "POST"}))
        assert not AuditEvent.objects.filter(event="consented").exists()

    def test_consent_goes_on_after_a_confirmation(self, person, stolen):
        url = register_partner(person).authorize_url()

        assert stolen.post(url, sent_on(stolen.get(url), **RIGHT)).headers["Location"] == url
        assert "code=" in stolen.post(url, {"decision": "authorize"}).headers["Location"]

    def test_consent_is_refused_without_a_confirmation(self, person, stolen):
        answer = stolen.post(register_partner(person).authorize_url(), {"decision": "cancel"})

        assert "access_denied" in answer.headers["Location"]


class TestExport:
    def prepared(self, browser) -> str:
        make_users(3)
        return browser.post(CUSTOMERS, EXPORT).headers["Location"]

    def test_stolen_session_exports_nobody(self, stolen, files):
        page = self.prepared(stolen)

        assert asks(stolen.get(page))
        assert asks(stolen.post(page, {"format": "csv"}))
        assert Job.objects.get().started_at is None

    def test_stolen_session_can_not_download_a_finished_export(self, fresh, stolen, files):
        fresh.post(self.prepared(fresh), {"format": "csv"})
        url = f"{DASHBOARD}jobs/job/{Job.objects.get(finished_at__isnull=False).pk}/file/"

        assert asks(stolen.get(url))
        assert asks(stolen.post(url, {**WRONG, "identity-then": "GET"}))
        assert stolen.post(url, sent_on(stolen.get(url), **RIGHT)).headers["Location"] == url
        assert stolen.get(url).headers["Content-Type"].startswith("text/csv")


class TestTwoFactor:
    def test_stolen_session_does_not_switch_two_factor_on(self, person, stolen):
        assert asks(stolen.post(f"{TWO_FACTOR}begin/"))
        assert not TwoFactor.objects.exists()

        two_factor.begin(person)
        code = code_of(TwoFactor.objects.get().key)
        assert asks(stolen.get(TWO_FACTOR))
        assert asks(stolen.post(TWO_FACTOR, {"code": code}))
        assert not two_factor.is_on(person)

    @each("page", [f"{TWO_FACTOR}off/", STAFF + "{}/switch_off_two_factor/"])
    def test_stolen_session_does_not_switch_its_own_two_factor_off(self, person, stolen, page):
        key, url = switch_on(person), page.format(person.pk)

        for guess in ({}, RIGHT, {"identity-code": code_of(key)}, {**RIGHT, "identity-code": wrong_code(key)},
                      {**WRONG, "identity-code": code_of(key)}):  # fmt: skip
            assert asks(stolen.post(url, {**guess, "identity-then": "POST"}))
        assert two_factor.is_on(person)

        stolen.post(url, {**RIGHT, "identity-code": code_of(key), "identity-then": "POST"})
        assert not two_factor.is_on(person)

    def test_page_does_not_tell_whether_the_password_was_right(self, person, stolen):
        key = switch_on(person)
        answers = [
            stolen.post(f"{TWO_FACTOR}off/", {**guess, "identity-code": wrong_code(key), "identity-then": "GET"})
            for guess in (RIGHT, WRONG)
        ]

        texts = [re.sub(r'(csrfmiddlewaretoken" value)="\w+"', "", each.content.decode()) for each in answers]
        assert texts[0] == texts[1]

    def test_code_is_accepted_once(self, person, stolen):
        answer = {**RIGHT, "identity-code": code_of(switch_on(person)), "identity-then": "GET"}

        assert stolen.post(f"{TOKENS}add/", answer).status_code == 302
        let_pass(stolen, 60)
        assert asks(stolen.post(f"{TOKENS}add/", answer))


class TestGuesses:
    @each("page, wrong", [
        (f"{TOKENS}add/", {**WRONG, "identity-then": "GET"}),
        (CHANGE, {**NEW_PASSWORD, "old_password": "wrong"}),
    ])  # fmt: skip
    def test_ten_wrong_confirmations_lock_out_even_the_right_one(self, stolen, page, wrong):
        right = {name: PASSWORD if value == "wrong" else value for name, value in wrong.items()}

        answers = [stolen.post(page, wrong).status_code for _ in range(25)]

        assert answers == [200] * 9 + [429] * 16
        assert stolen.post(page, right).status_code == 429
        FailedAttempts.objects.update(last_at=timezone.now() - LOCKED_FOR - timedelta(seconds=1))
        assert stolen.post(page, right).status_code == 302

    def test_wrong_confirmations_of_both_pages_count_together(self, stolen):
        for _ in range(5):
            stolen.post(CHANGE, {**NEW_PASSWORD, "old_password": "wrong"})
        answers = [stolen.post(f"{TOKENS}add/", {**WRONG, "identity-then": "GET"}).status_code for _ in range(5)]

        assert answers == [200] * 4 + [429]

    def test_wrong_confirmations_lock_nobody_out_of_sign_in(self, person, stolen):
        for _ in range(12):
            stolen.post(f"{TOKENS}add/", {**WRONG, "identity-then": "GET"})

        owner = Client()
        form = {"username": person.email, "password": PASSWORD}
        assert owner.post(f"{DASHBOARD}login/", form).status_code == 302
        assert not asks(owner.get(f"{TOKENS}add/"))

    def test_failed_sign_ins_lock_nobody_out_of_a_confirmation(self, person, stolen):
        for _ in range(12):
            Client().post(f"{DASHBOARD}login/", {"username": person.email, "password": "wrong"})

        assert stolen.post(f"{TOKENS}add/", {**RIGHT, "identity-then": "GET"}).status_code == 302

    def test_wrong_confirmation_is_logged(self, person, stolen):
        stolen.post(f"{TOKENS}add/", {**WRONG, "identity-then": "GET"})

        event = AuditEvent.objects.get(event="sign_in_failed")
        assert (event.actor, event.detail) == (person.email, {"step": "confirmation"})


class TestPassword:
    def change(self, browser, **fields):
        return browser.post(CHANGE, {**NEW_PASSWORD, "old_password": PASSWORD, **fields})

    def test_password_change_is_logged_and_mailed(self, person, stolen):
        assert self.change(stolen).headers["Location"] == f"{CHANGE}done/"

        person.refresh_from_db()
        assert person.check_password(OTHER_PASSWORD)
        event = AuditEvent.objects.get(event="password_changed")
        assert (event.actor, event.ip) == (person.email, "127.0.0.1")
        [message] = sent_emails()
        assert (message.to, message.subject) == ([person.email], "Your password was changed")

    def test_password_change_keeps_this_session_and_ends_others(self, person, fresh):
        other = signed_in(person)
        self.change(fresh)

        assert fresh.get(DASHBOARD).status_code == 200
        assert other.get(DASHBOARD).status_code == 302

    def test_password_change_needs_the_present_password_even_after_a_sign_in(self, person, fresh):
        for wrong in ("wrong", "", OTHER_PASSWORD):
            assert self.change(fresh, old_password=wrong).status_code == 200

        person.refresh_from_db()
        assert person.check_password(PASSWORD)

    def test_password_change_needs_a_code_where_two_factor_is_on(self, person, stolen):
        key = switch_on(person)
        for code in ({}, {"code": wrong_code(key)}):
            assert self.change(stolen, **code).status_code == 200
        person.refresh_from_db()
        assert person.check_password(PASSWORD)

        assert self.change(stolen, code=code_of(key)).status_code == 302

    def test_refused_new_password_uses_up_no_code(self, person, stolen):
        code = code_of(switch_on(person))

        assert self.change(stolen, code=code, new_password2="mistyped").status_code == 200
        assert self.change(stolen, code=code).status_code == 302

    def test_password_change_trusts_this_browser_and_no_other(self, person):
        here, elsewhere = Client(), Client()
        form = {"username": person.email, "password": PASSWORD}
        for browser in (here, elsewhere):
            browser.post(f"{DASHBOARD}login/", form)
        self.change(here)
        for number in range(10):
            Client(REMOTE_ADDR=f"192.0.2.{number}").post(f"{DASHBOARD}login/", {**form, "password": "wrong"})

        form = {"username": person.email, "password": OTHER_PASSWORD}
        here.post(f"{DASHBOARD}logout/")
        assert here.post(f"{DASHBOARD}login/", form).status_code == 302
        assert elsewhere.post(f"{DASHBOARD}login/", form).status_code == 429
