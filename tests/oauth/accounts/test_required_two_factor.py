"""Two-factor sign-in that a role requires: until it is set up, its members can do nothing else."""

import re

import pytest
from django.test import Client

from oauth.accounts import staff, two_factor
from oauth.actor import SYSTEM
from oauth.audit.models import AuditEvent
from tests.support.dashboard import CUSTOMERS, DASHBOARD, browser_of
from tests.support.staff import STAFF, make_member
from tests.support.two_factor import code_of

ACCOUNT = f"{DASHBOARD}account/"
CONFIRM = f"{ACCOUNT}two-factor/"
BEGIN = f"{CONFIRM}begin/"
REQUIRED = f"{CONFIRM}required/"
POLICY = f"{STAFF}two-factor/"
PASSWORD = "an uncommon 1 password"


@pytest.fixture
def member(db):
    member = make_member(role="Staff")
    member.set_password(PASSWORD)
    member.save()
    return member


@pytest.fixture
def required(dashboard_client, member) -> Client:
    """The browser of the owner who has required it of Staff."""
    dashboard_client.post(POLICY, {"roles": ["Staff"]})
    return dashboard_client


def signed_in(member) -> Client:
    browser = Client()
    assert browser.post(f"{DASHBOARD}login/", {"username": member.email, "password": PASSWORD}).status_code == 302
    return browser


def set_up(browser: Client, member) -> None:
    browser.post(BEGIN)
    assert browser.post(CONFIRM, {"code": code_of(two_factor.unconfirmed_key(member))}).status_code == 200


class TestRequired:
    def test_member_without_it_can_only_set_it_up(self, required, member):
        browser = signed_in(member)

        closed = [DASHBOARD, CUSTOMERS, ACCOUNT, f"{CUSTOMERS}add/", "/oauth2/authorize/", f"{DASHBOARD}search/?q=ada"]
        assert {url: browser.get(url).headers.get("Location") for url in closed} == dict.fromkeys(closed, REQUIRED)
        assert browser.post(f"{CUSTOMERS}add/", {"first_name": "Ada"}).headers["Location"] == REQUIRED
        assert "requires a code from your phone" in browser.get(REQUIRED).content.decode()

        set_up(browser, member)
        assert browser.get(CUSTOMERS).status_code == 200
        assert browser.get(REQUIRED).headers["Location"] == DASHBOARD

    def test_member_without_it_can_sign_out(self, required, member):
        browser = signed_in(member)

        assert browser.post(f"{DASHBOARD}logout/").status_code == 200
        assert "/login/" in browser.get(DASHBOARD).headers["Location"]

    def test_member_can_not_switch_it_off(self, required, member):
        browser = signed_in(member)
        set_up(browser, member)

        assert browser.post(f"{CONFIRM}off/").headers["Location"] == ACCOUNT
        assert two_factor.is_on(member)
        assert f"{CONFIRM}off/" not in browser.get(ACCOUNT).content.decode()

    def test_member_without_it_can_not_sign_in_to_the_medusa_api(self, required, member):
        answer = Client().post("/admin/auth", {"email": member.email, "password": PASSWORD}, "application/json")

        assert answer.status_code == 401

    def test_member_who_gets_the_role_later_is_signed_out_everywhere(self, required, member):
        staff.change_role(member.pk, "Viewer", by=SYSTEM)
        browser = signed_in(member)
        credentials = {"email": member.email, "password": PASSWORD}
        assert browser.post("/admin/auth", credentials, "application/json").status_code == 200
        assert browser.get("/admin/auth").status_code == 200

        staff.change_role(member.pk, "Staff", by=SYSTEM)

        assert browser.get("/admin/auth").status_code == 401
        assert "/login/" in browser.get(DASHBOARD).headers["Location"]

    def test_other_roles_are_not_concerned(self, required):
        assert browser_of(make_member(role="Viewer")).get(DASHBOARD).status_code == 200

    def test_superuser_counts_as_an_owner(self, dashboard_client):
        dashboard_client.post(POLICY, {"roles": ["Owner"]})

        assert dashboard_client.get(DASHBOARD).headers["Location"] == REQUIRED


class TestPolicy:
    def test_policy_signs_out_members_without_it_and_is_logged(self, dashboard_client, owner, member):
        before = signed_in(member)

        page = dashboard_client.post(POLICY, {"roles": ["Staff", "Viewer"]}, follow=True).content.decode()

        assert "Members who have to set it up now: 1." in page
        assert "/login/" in before.get(DASHBOARD).headers["Location"]
        event = AuditEvent.objects.get(event="staff_changed")
        assert (event.actor, event.detail) == (owner.email, {"two_factor_required": [[], ["Staff", "Viewer"]]})
        ticked = re.findall(r'value="(\w+)"[^>]* checked', dashboard_client.get(POLICY).content.decode())
        assert ticked == ["Staff", "Viewer"]

    def test_policy_can_be_withdrawn(self, required, member):
        required.post(POLICY, {})

        assert signed_in(member).get(DASHBOARD).status_code == 200

    def test_policy_rejects_unknown_roles(self, dashboard_client):
        page = dashboard_client.post(POLICY, {"roles": ["Nobody"]})

        assert page.status_code == 200
        assert two_factor.roles_that_require() == []

    def test_policy_is_for_owners(self, as_role):
        staff = as_role("Staff")

        assert staff.get(POLICY).status_code == 403
        assert staff.post(POLICY, {"roles": ["Owner"]}).status_code == 403
