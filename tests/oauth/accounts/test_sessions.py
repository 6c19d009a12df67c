"""Where somebody is signed in: listed and ended by themselves."""

import re

import pytest
from django.test import Client

from oauth.accounts.models import Session
from oauth.accounts.sessions import browser_name
from oauth.audit.models import AuditEvent
from tests.support.cases import each
from tests.support.dashboard import DASHBOARD, browser_of
from tests.support.factories import make_owner

ACCOUNT = f"{DASHBOARD}account/"
SIGN_OUT = f"{ACCOUNT}sign-out/"
PASSWORD = "an uncommon 1 password"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"


@pytest.fixture
def signed_in(owner):
    """`signed_in(agent)`: a browser in which the owner has signed in by the page."""
    owner.set_password(PASSWORD)
    owner.save()

    def sign_in(agent=FIREFOX, ip="192.0.2.7") -> Client:
        browser = Client(raise_request_exception=False, headers={"User-Agent": agent}, REMOTE_ADDR=ip)
        response = browser.post(f"{DASHBOARD}login/", {"username": owner.email, "password": PASSWORD})
        assert response.status_code == 302
        return browser

    return sign_in


def buttons(page) -> list[str]:
    return re.findall(r'name="session" value="(\w+)"', page.content.decode())


class TestTheList:
    def test_session_list_shows_time_address_and_browser(self, signed_in):
        page = signed_in().get(ACCOUNT).content.decode()

        assert "Firefox on Linux" in page
        assert "192.0.2.7" in page
        assert "this browser" in page
        session = Session.objects.get()
        assert session.created_at.strftime("%Y-%m-%d %H:%M") in page

    def test_session_keeps_its_sign_in_time_when_it_changes(self, signed_in):
        browser = signed_in()
        since = Session.objects.get().created_at

        browser.post(SIGN_OUT)  # leaves a message, which may be kept in the session
        browser.get(ACCOUNT)

        assert Session.objects.get().created_at == since

    def test_session_list_shows_own_sessions_only(self, signed_in):
        browser_of(make_owner())

        assert buttons(signed_in().get(ACCOUNT)) == []

    @each("agent", ["", "curl/8", "\x00\ud7ff" * 9, "<script>" * 90])
    def test_session_list_takes_any_user_agent(self, signed_in, agent):
        page = signed_in(agent).get(ACCOUNT)

        assert page.status_code == 200
        assert b"<script><" not in page.content

    def test_session_list_needs_a_signed_in_user(self, anonymous):
        assert anonymous.get(ACCOUNT).status_code == 302
        assert anonymous.post(SIGN_OUT).status_code == 302


class TestSignOut:
    def test_sign_out_of_one_session_leaves_the_others(self, signed_in):
        here, there, elsewhere = signed_in(), signed_in("there"), signed_in("elsewhere")
        digest = Session.objects.get(user_agent="there").pk

        response = here.post(SIGN_OUT, {"session": digest})

        assert response.status_code == 302
        assert there.get(ACCOUNT).status_code == 302
        assert here.get(ACCOUNT).status_code == elsewhere.get(ACCOUNT).status_code == 200

    def test_sign_out_everywhere_else_keeps_the_current_session(self, signed_in):
        here, there = signed_in(), signed_in()

        here.post(SIGN_OUT)

        assert there.get(ACCOUNT).status_code == 302
        assert here.get(ACCOUNT).status_code == 200
        event = AuditEvent.objects.get(event="sessions_ended")
        assert (event.actor, event.detail) == ("owner@store.example", {"account": "owner@store.example", "sessions": 1})

    def test_sign_out_ends_own_sessions_only(self, signed_in):
        other = browser_of(make_owner())
        digest = Session.objects.latest("created_at").pk

        signed_in().post(SIGN_OUT, {"session": digest})

        assert other.get(ACCOUNT).status_code == 200

    @each("digest", ["unknown", "\0", "x" * 999])
    def test_sign_out_of_an_unknown_session_changes_nothing(self, signed_in, digest):
        browser = signed_in()

        assert browser.post(SIGN_OUT, {"session": digest}).status_code == 302
        assert browser.get(ACCOUNT).status_code == 200

    def test_sign_out_needs_a_post(self, signed_in):
        assert signed_in().get(SIGN_OUT).status_code == 405


def test_session_key_is_not_readable_in_the_database(signed_in):
    browser = signed_in()

    key = browser.cookies["sessionid"].value
    assert key not in str(list(Session.objects.values()))


@each(
    "agent, name",
    [
        (FIREFOX, "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/141.0 Safari/537.36 Edg/141.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "Safari on iPhone"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("", "unknown"),
    ],
)
def test_browser_name_is_readable(agent, name):
    assert browser_name(agent) == name
