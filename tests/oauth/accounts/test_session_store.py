"""Sessions of the dashboard: the database alone signs nobody in."""

from datetime import timedelta
from hashlib import sha256

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone

from oauth.accounts.models import Session
from tests.support.factories import make_owner

LOGIN = "/dashboard/login/"
DASHBOARD = "/dashboard/"


@pytest.fixture
def owner(db):
    return make_owner(email="owner@store.example", password="right")


@pytest.fixture
def browser(owner) -> Client:
    """Signed in as the owner."""
    browser = Client()
    assert sign_in(browser).status_code == 302
    return browser


def sign_in(browser):
    return browser.post(LOGIN, {"username": "owner@store.example", "password": "right", "next": DASHBOARD})


def key_of(browser) -> str:
    return browser.cookies[settings.SESSION_COOKIE_NAME].value


def browser_with(key) -> Client:
    browser = Client()
    browser.cookies[settings.SESSION_COOKIE_NAME] = key
    return browser


def is_signed_in(browser) -> bool:
    return browser.get(DASHBOARD).status_code == 200


class TestSignIn:
    def test_session_key_is_stored_as_a_digest_only(self, browser):
        with connection.cursor() as cursor:
            for table in connection.introspection.table_names():
                cursor.execute(f'SELECT * FROM "{table}"')
                assert key_of(browser) not in repr(cursor.fetchall()), table
        assert Session.objects.get().session_key == sha256(key_of(browser).encode()).hexdigest()

    def test_sign_in_replaces_the_session_key(self, owner):
        browser = Client()
        former = browser.session.session_key

        sign_in(browser)

        assert is_signed_in(browser)
        assert not is_signed_in(browser_with(former))
        assert Session.objects.count() == 1

    def test_sign_in_accepts_no_session_key_from_outside(self, owner):
        browser = browser_with("chosen-by-somebody-else")

        sign_in(browser)

        assert is_signed_in(browser)
        assert not is_signed_in(browser_with("chosen-by-somebody-else"))

    def test_session_cookie_is_hidden_from_scripts_and_other_sites(self, browser):
        cookie = browser.cookies[settings.SESSION_COOKIE_NAME]

        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"


class TestSession:
    def test_session_is_found_by_its_key(self, browser):
        assert is_signed_in(browser_with(key_of(browser)))

    def test_session_is_not_found_by_its_digest(self, browser):
        session = Session.objects.get()

        for stolen in (session.session_key, session.session_data):
            assert not is_signed_in(browser_with(stolen))

    def test_session_ends_with_sign_out(self, browser):
        former = key_of(browser)

        browser.post("/dashboard/logout/")

        assert not is_signed_in(browser)
        assert not is_signed_in(browser_with(former))
        assert not Session.objects.exists()

    def test_session_ends_when_it_expires(self, browser):
        Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))

        assert not is_signed_in(browser)

    def test_session_ends_with_a_password_change(self, browser, owner):
        owner.set_password("another")
        owner.save()

        assert not is_signed_in(browser)

    def test_session_ends_with_the_account(self, browser, owner):
        owner.is_active = False
        owner.save()

        assert not is_signed_in(browser)
