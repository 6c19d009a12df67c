"""A browser in which somebody has signed in before: failures of strangers do not lock it out."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from oauth.accounts import trusted_devices
from oauth.accounts.lockout import LOCKED_FOR
from oauth.accounts.models import FailedAttempts
from tests.oauth.accounts.test_lockout import ADDRESS, LOGIN, fail_from_the_address, fail_on_the_account
from tests.support.cases import each
from tests.support.factories import make_owner

EMAIL, PASSWORD = "owner@store.example", "right"


@pytest.fixture
def owner(db):
    return make_owner(email=EMAIL, password=PASSWORD)


def sign_in(browser, password=PASSWORD, username=EMAIL):
    return browser.post(LOGIN, {"username": username, "password": password})


def browser_with(cookies) -> Client:
    """A browser at the address that `fail_from_the_address` uses, with these cookies and nothing else."""
    browser = Client(REMOTE_ADDR=ADDRESS)
    for name, cookie in cookies.items():
        if name.startswith("device_"):
            browser.cookies[name] = cookie.value
    return browser


@pytest.fixture
def known(owner) -> Client:
    """The browser in which the owner has signed in before, and is signed out now."""
    before = Client()
    sign_in(before)
    return browser_with(before.cookies)


class TestOwner:
    @each("username", [EMAIL, " Owner@Store.Example"])
    @each("fail", [fail_on_the_account, fail_from_the_address])
    def test_owner_signs_in_from_a_trusted_device_during_a_lockout(self, known, username, fail):
        fail()

        assert sign_in(Client(REMOTE_ADDR=ADDRESS)).status_code == 429
        assert sign_in(known, username=username).status_code == 302

    def test_owner_with_a_code_signs_in_from_a_trusted_device_during_a_lockout(self, owner, known, monkeypatch):
        monkeypatch.setattr("oauth.accounts.two_factor.is_on", lambda user: True)
        monkeypatch.setattr("oauth.accounts.two_factor.verify", lambda user, code: code == "right")
        fail_on_the_account()
        sign_in(known)

        assert known.post(f"{LOGIN}code/", {"code": "wrong"}).status_code == 200
        assert known.post(f"{LOGIN}code/", {"code": "right"}).status_code == 302

    def test_owner_signs_in_at_medusa_s_api_from_a_trusted_device_during_a_lockout(self, known):
        fail_on_the_account()
        body = {"email": EMAIL, "password": PASSWORD}

        assert Client().post("/admin/auth", body, content_type="application/json").status_code == 429
        assert known.post("/admin/auth", body, content_type="application/json").status_code == 200

    def test_sign_in_from_a_trusted_device_leaves_the_lock_for_strangers(self, known):
        fail_on_the_account()
        sign_in(known)

        assert sign_in(Client(REMOTE_ADDR="203.0.113.77")).status_code == 429

    def test_colleagues_share_a_browser(self, owner, known):
        make_owner(email="colleague@store.example", password=PASSWORD)
        shared = Client()
        for name in (EMAIL, "colleague@store.example"):
            sign_in(shared, username=name)
            shared.post("/dashboard/logout/")
        fail_on_the_account()

        assert sign_in(browser_with(shared.cookies)).status_code == 302


class TestCookie:
    def test_cookie_is_for_this_site_and_not_for_scripts(self, owner, settings):
        settings.SESSION_COOKIE_SECURE = True
        browser = Client()
        sign_in(browser)

        cookie = browser.cookies[f"device_{owner.pk}"]
        assert (cookie["httponly"], cookie["samesite"], cookie["secure"]) == (True, "Strict", True)
        assert cookie["max-age"] == 180 * 24 * 3600

    def test_cookie_comes_after_the_second_factor_only(self, owner, monkeypatch):
        monkeypatch.setattr("oauth.accounts.two_factor.is_on", lambda user: True)
        monkeypatch.setattr("oauth.accounts.two_factor.verify", lambda user, code: code == "right")
        browser = Client()

        sign_in(browser)
        browser.post(f"{LOGIN}code/", {"code": "wrong"})
        assert f"device_{owner.pk}" not in browser.cookies

        browser.post(f"{LOGIN}code/", {"code": "right"})
        assert f"device_{owner.pk}" in browser.cookies

    def test_cookie_signs_nobody_in(self, known):
        assert known.get("/dashboard/").status_code == 302


class TestThief:
    def test_stolen_cookie_gives_ten_guesses_and_locks_itself_alone(self, owner, known):
        answers = [sign_in(known, "guess").status_code for _ in range(12)]

        assert answers == [200] * 9 + [429] * 3
        assert sign_in(known).status_code == 429
        assert sign_in(Client(REMOTE_ADDR=ADDRESS)).status_code == 302

    def test_stolen_cookie_guesses_again_after_the_lockout_only(self, known):
        for _ in range(10):
            sign_in(known, "guess")
        FailedAttempts.objects.update(last_at=timezone.now() - LOCKED_FOR - timedelta(seconds=1))

        assert sign_in(known).status_code == 302

    def test_new_password_ends_the_trust(self, owner, known):
        owner.set_password("another")
        owner.save()
        fail_on_the_account()

        assert sign_in(known, "another").status_code == 429

    def test_cookie_of_somebody_else_opens_no_other_account(self, owner, known):
        other = make_owner(email="other@store.example", password=PASSWORD)
        [cookie] = known.cookies.values()
        thief = Client()
        thief.cookies[f"device_{other.pk}"] = cookie.value
        thief.cookies[f"device_{owner.pk}"] = cookie.value
        for number in range(10):
            sign_in(Client(REMOTE_ADDR=f"192.0.2.{number}"), "wrong", other.email)

        assert sign_in(thief, username=other.email).status_code == 429

    @each(
        "change", [str.upper, lambda value: value[:-1], lambda value: "x" + value, lambda value: "", lambda value: "é"]
    )
    def test_changed_cookie_is_not_trusted(self, owner, known, change):
        [(name, cookie)] = known.cookies.items()
        known.cookies[name] = change(cookie.value)
        fail_on_the_account()

        assert sign_in(known).status_code == 429

    def test_old_cookie_is_not_trusted(self, known, monkeypatch):
        monkeypatch.setattr(trusted_devices, "LIFETIME", timedelta(seconds=-1))
        fail_on_the_account()

        assert sign_in(known).status_code == 429

    def test_guesses_from_many_addresses_are_limited_for_the_account(self, owner):
        answers = [sign_in(Client(REMOTE_ADDR=f"192.0.2.{n}"), "guess").status_code for n in range(15)]

        assert answers == [200] * 9 + [429] * 6

    def test_reset_lockouts_opens_a_locked_device(self, known, capsys):
        for _ in range(10):
            sign_in(known, "guess")

        call_command("reset_lockouts")

        assert sign_in(known).status_code == 302
