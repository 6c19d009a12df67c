"""Two-factor sign-in: a code of an authenticator app after the password."""

import re
from base64 import b32decode

import pytest
from django.core.management import call_command
from django.db.models import F
from django.test import Client

from oauth.accounts import two_factor
from oauth.accounts.models import TwoFactor
from oauth.audit.models import AuditEvent
from tests.support.cases import each
from tests.support.dashboard import DASHBOARD
from tests.support.factories import make_owner
from tests.support.pages import opened_next
from tests.support.two_factor import code_of, wrong_code

LOGIN = f"{DASHBOARD}login/"
CODE = f"{DASHBOARD}login/code/"
ACCOUNT = f"{DASHBOARD}account/"
CONFIRM = f"{ACCOUNT}two-factor/"
BEGIN = f"{CONFIRM}begin/"
OFF = f"{CONFIRM}off/"
PASSWORD = "an uncommon 1 password"
EMAIL = "owner@store.example"


def browser_with_password(email: str = EMAIL, next_page: str = "") -> tuple[Client, object]:
    browser = Client(raise_request_exception=False)
    return browser, browser.post(LOGIN, {"username": email, "password": PASSWORD, "next": next_page})


@pytest.fixture
def person(owner):
    owner.set_password(PASSWORD)
    owner.save()
    return owner


@pytest.fixture
def inside(person) -> Client:
    """The browser in which the owner has signed in."""
    return browser_with_password()[0]


@pytest.fixture
def switched_on(inside) -> tuple[str, list[str]]:
    """The key and the recovery codes, as shown by the pages; some time ago, so that the present code is new."""
    inside.post(BEGIN)
    key = re.search(r'class="oauth-key">(\w+)<', inside.get(CONFIRM).content.decode())[1]
    page = inside.post(CONFIRM, {"code": code_of(key)})
    TwoFactor.objects.update(last_step=F("last_step") - 10)
    return key, re.findall(r"<li><code>(\w+)</code>", page.content.decode())


def events(kind) -> int:
    return AuditEvent.objects.filter(event=kind).count()


class TestSwitchOn:
    def test_two_factor_setup_shows_a_qr_code_and_the_key(self, inside):
        begun = inside.post(BEGIN)
        page = inside.get(CONFIRM)

        assert begun.headers["Location"] == CONFIRM
        assert 'src="data:image/svg+xml' in page.content.decode()
        assert "no-store" in page.headers["Cache-Control"]
        assert "data:" in re.search(r"img-src[^;]*", page.headers["Content-Security-Policy"])[0]

    def test_two_factor_setup_shows_ten_recovery_codes_once(self, switched_on, inside):
        _, codes = switched_on

        assert len(set(codes)) == 10
        for url in (ACCOUNT, CONFIRM, OFF):
            assert codes[0] not in inside.get(url, follow=True).content.decode()
        assert events("two_factor_on") == 1

    def test_two_factor_setup_rejects_a_wrong_code(self, inside, person):
        inside.post(BEGIN)
        key = two_factor.unconfirmed_key(person)

        page = inside.post(CONFIRM, {"code": wrong_code(key)})

        assert "This code is wrong" in page.content.decode()
        assert not two_factor.is_on(person)
        assert browser_with_password()[1].headers["Location"] == DASHBOARD

    def test_two_factor_setup_ends_other_sessions(self, inside, person):
        elsewhere, _ = browser_with_password()
        inside.post(BEGIN)

        inside.post(CONFIRM, {"code": code_of(two_factor.unconfirmed_key(person))})

        assert inside.get(ACCOUNT).status_code == 200
        assert elsewhere.get(ACCOUNT).status_code == 302

    def test_two_factor_setup_keeps_the_key_where_it_is_on(self, switched_on, inside, person):
        former = TwoFactor.objects.get().key

        inside.post(BEGIN)

        assert TwoFactor.objects.get().key == former
        assert inside.get(CONFIRM).status_code == 302

    def test_two_factor_stores_nothing_readable(self, switched_on):
        key, codes = switched_on
        row = str(list(TwoFactor.objects.values()))

        assert key not in row
        assert b32decode(key).hex() not in row
        assert not any(code in row for code in codes)


class TestSignIn:
    def test_sign_in_with_two_factor_needs_a_code(self, switched_on):
        browser, response = browser_with_password(next_page=ACCOUNT)

        assert response.headers["Location"].startswith(CODE)
        for url in (DASHBOARD, ACCOUNT, f"{DASHBOARD}customers/customer/", "/oauth2/authorize/"):
            assert browser.get(url).headers["Location"].startswith(LOGIN)

    def test_sign_in_with_a_code_leads_to_the_requested_page(self, switched_on):
        key, _ = switched_on
        browser, response = browser_with_password(next_page=ACCOUNT)

        entered = browser.post(response.headers["Location"], {"code": code_of(key)})

        assert entered.headers["Location"] == ACCOUNT
        assert browser.get(ACCOUNT).status_code == 200

    def test_sign_in_accepts_a_code_once(self, switched_on):
        key, _ = switched_on
        code = code_of(key)
        browser_with_password()[0].post(CODE, {"code": code})

        browser, _ = browser_with_password()
        again = browser.post(CODE, {"code": code})

        assert again.status_code == 200
        assert browser.get(DASHBOARD).status_code == 302

    def test_sign_in_accepts_each_recovery_code_once(self, switched_on):
        _, codes = switched_on
        spaced = f" {codes[3][:4].upper()}-{codes[3][4:]} "

        first = browser_with_password()[0].post(CODE, {"code": spaced})
        again = browser_with_password()[0].post(CODE, {"code": codes[3]})
        other = browser_with_password()[0].post(CODE, {"code": codes[4]})

        assert [first.status_code, again.status_code, other.status_code] == [302, 200, 302]

    @each("code", ["", "12345", "1234567", "١٢٣٤٥٦", "\0", "x" * 999, "²²²²²²"])
    def test_sign_in_rejects_what_is_no_code(self, switched_on, code):
        browser, _ = browser_with_password()

        assert browser.post(CODE, {"code": code}).status_code == 200
        assert browser.get(DASHBOARD).status_code == 302

    def test_sign_in_rejects_the_code_of_somebody_else(self, switched_on):
        key, _ = switched_on
        other = make_owner(email="other@store.example", password=PASSWORD)
        two_factor.begin(other)
        TwoFactor.objects.filter(user=other).update(is_on=True)
        browser, _ = browser_with_password(other.email)

        assert browser.post(CODE, {"code": code_of(key)}).status_code == 200

    def test_sign_in_with_a_code_redirects_to_no_other_site(self, switched_on):
        key, _ = switched_on
        browser, _ = browser_with_password()

        entered = browser.post(f"{CODE}?next=https://evil.example/", {"code": code_of(key)})

        assert entered.headers["Location"] == DASHBOARD

    def test_sign_in_with_a_code_redirects_to_the_next_page(self, switched_on):
        key, _ = switched_on
        install = "/dashboard/apps/install-app/?client_id=a"
        browser, response = browser_with_password(next_page=install)

        entered = browser.post(response.headers["Location"], {"code": code_of(key)})

        assert opened_next(entered) == install
        assert browser.get(ACCOUNT).status_code == 200

    def test_code_page_needs_a_right_password_first(self, switched_on, anonymous):
        assert anonymous.get(CODE).headers["Location"] == LOGIN
        assert anonymous.post(CODE, {"code": "123456"}).status_code in (302, 403)

    def test_code_page_expires_after_some_minutes(self, switched_on, monkeypatch):
        key, _ = switched_on
        browser, _ = browser_with_password()
        code = code_of(key)
        monkeypatch.setattr("oauth.accounts.login.MINUTES_FOR_CODE", 0)

        assert browser.post(CODE, {"code": code}).headers["Location"] == LOGIN

    def test_code_page_rejects_a_user_deactivated_meanwhile(self, switched_on, person):
        key, _ = switched_on
        browser, _ = browser_with_password()
        person.is_active = False
        person.save()

        assert browser.post(CODE, {"code": code_of(key)}).headers["Location"] == LOGIN

    def test_wrong_code_is_logged(self, switched_on):
        key, _ = switched_on

        browser_with_password()[0].post(CODE, {"code": wrong_code(key)})

        event = AuditEvent.objects.get(event="sign_in_failed")
        assert (event.actor, event.detail) == (EMAIL, {"step": "code"})

    def test_ten_wrong_codes_lock_the_account_in_any_browser(self, switched_on):
        key, _ = switched_on
        for _ in range(9):
            browser, _ = browser_with_password()
            assert browser.post(CODE, {"code": wrong_code(key)}).status_code == 200

        browser, _ = browser_with_password()
        tenth = browser.post(CODE, {"code": wrong_code(key)})
        right = browser.post(CODE, {"code": code_of(key)})

        assert (tenth.status_code, right.status_code) == (429, 429)
        assert browser_with_password()[1].status_code == 429
        assert events("locked_out") == 1


class TestSwitchOff:
    def test_two_factor_is_switched_off_after_a_question(self, switched_on, inside, person):
        assert "Your password alone will sign you in" in inside.get(OFF).content.decode()
        assert two_factor.is_on(person)

        inside.post(OFF)

        assert not two_factor.is_on(person)
        assert events("two_factor_off") == 1
        assert browser_with_password()[1].headers["Location"] == DASHBOARD

    def test_two_factor_of_a_member_is_switched_off_by_an_owner(self, switched_on, person, client):
        other = make_owner()
        client.force_login(other)

        client.post(f"{DASHBOARD}customers/staffmember/{person.pk}/switch_off_two_factor/")

        assert not two_factor.is_on(person)
        assert AuditEvent.objects.get(event="two_factor_off").actor == other.email


class TestSecretKey:
    def test_two_factor_key_is_reencrypted_by_rotate_secrets(self, switched_on, settings):
        key, _ = switched_on
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new key", [settings.SECRET_KEY]

        call_command("rotate_secrets", verbosity=0)
        settings.SECRET_KEY_FALLBACKS = []

        assert browser_with_password()[0].post(CODE, {"code": code_of(key)}).status_code == 302

    def test_two_factor_with_a_lost_secret_key_accepts_recovery_codes(self, switched_on, settings):
        key, codes = switched_on
        settings.SECRET_KEY = "a new key"

        browser, _ = browser_with_password()

        assert browser.post(CODE, {"code": code_of(key)}).status_code == 200
        assert browser.post(CODE, {"code": codes[0]}).status_code == 302
