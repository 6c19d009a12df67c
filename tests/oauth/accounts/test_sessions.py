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
    def test_tells_since_when_from_where_and_by_which_browser(self, signed_in):
        page = signed_in().get(ACCOUNT).content.decode()

        assert "Firefox on Linux" in page
        assert "192.0.2.7" in page
        assert "(this browser)" in page
        session = Session.objects.get()
        assert session.created_at.strftime("%Y-%m-%d %H:%M") in page

    def test_keeps_since_when_over_later_changes_of_the_session(self, signed_in):
        browser = signed_in()
        since = Session.objects.get().created_at

        browser.post(SIGN_OUT)  # leaves a message, which may be kept in the session
        browser.get(ACCOUNT)

        assert Session.objects.get().created_at == since

    def test_names_nobody_elses(self, signed_in):
        browser_of(make_owner())

        assert buttons(signed_in().get(ACCOUNT)) == []

    @each("agent", ["", "curl/8", "\x00\ud7ff" * 9, "<script>" * 90])
    def test_takes_any_browser(self, signed_in, agent):
        page = signed_in(agent).get(ACCOUNT)

        assert page.status_code == 200
        assert b"<script><" not in page.content

    def test_needs_somebody_signed_in(self, anonymous):
        assert anonymous.get(ACCOUNT).status_code == 302
        assert anonymous.post(SIGN_OUT).status_code == 302


class TestSignOut:
    def test_of_one_leaves_the_others(self, signed_in):
        here, there, elsewhere = signed_in(), signed_in("there"), signed_in("elsewhere")
        digest = Session.objects.get(user_agent="there").pk

        response = here.post(SIGN_OUT, {"session": digest})

        assert response.status_code == 302
        assert there.get(ACCOUNT).status_code == 302
        assert here.get(ACCOUNT).status_code == elsewhere.get(ACCOUNT).status_code == 200

    def test_everywhere_else_leaves_this_one(self, signed_in):
        here, there = signed_in(), signed_in()

        here.post(SIGN_OUT)

        assert there.get(ACCOUNT).status_code == 302
        assert here.get(ACCOUNT).status_code == 200
        event = AuditEvent.objects.get(event="sessions_ended")
        assert (event.actor, event.detail) == ("owner@store.example", {"account": "owner@store.example", "sessions": 1})

    def test_ends_nobody_elses(self, signed_in):
        other = browser_of(make_owner())
        digest = Session.objects.latest("created_at").pk

        signed_in().post(SIGN_OUT, {"session": digest})

        assert other.get(ACCOUNT).status_code == 200

    @each("digest", ["unknown", "\0", "x" * 999])
    def test_of_one_that_is_not_there_changes_nothing(self, signed_in, digest):
        browser = signed_in()

        assert browser.post(SIGN_OUT, {"session": digest}).status_code == 302
        assert browser.get(ACCOUNT).status_code == 200

    def test_is_not_done_by_a_link(self, signed_in):
        assert signed_in().get(SIGN_OUT).status_code == 405


def test_a_key_of_a_session_is_not_readable_in_the_database(signed_in):
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
def test_a_browser_is_named_for_people(agent, name):
    assert browser_name(agent) == name
