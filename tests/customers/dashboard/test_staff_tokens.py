"""What tokens may do after the role of their owner has changed, in any way."""

from html import unescape

import pytest
from django.contrib.auth.models import Group

from customers.models import User
from oauth.accounts import staff
from oauth.actor import SYSTEM
from oauth.audit.models import AuditEvent
from oauth.scopes import Scope
from oauth.tokens import issue_personal_token
from tests.support.cases import each
from tests.support.clients import ADMIN_API, USERS, ApiClient
from tests.support.dashboard import browser_of
from tests.support.factories import make_owner
from tests.support.partner import INTROSPECT, register_partner
from tests.support.staff import make_member, member_url

APP = "Warehouse robot"


def role_group(role: str) -> Group:
    return Group.objects.get(name=role)


def token_of(member, *scopes: Scope) -> ApiClient:
    return ApiClient(issue_personal_token(app_name=APP, scopes=list(scopes), owner=member, rate_limit=0))


class TestTokensOfARole:
    @pytest.fixture
    def member(self, owner):
        return make_member("Owner")

    @pytest.fixture
    def personal(self, member) -> ApiClient:
        return token_of(member, Scope.ADMIN_READ, Scope.ADMIN_WRITE)

    def statuses(self, client: ApiClient) -> list[int]:
        """The statuses of three requests: read customers, add a customer, add a webhook."""
        webhook = {"target": "https://hooks.example/", "events": ["customer.created"]}
        number = User.objects.count()
        return [
            client.get(USERS).status_code,
            client.post(USERS, {"email": f"new-{number}@example.com"}).status_code,
            client.post(f"{ADMIN_API}webhooks/", webhook).status_code,
        ]

    @each(
        "role, expected",
        [("Owner", [200, 201, 201]), ("Staff", [200, 201, 403]), ("Viewer", [200, 403, 403])],
    )
    def test_token_of_a_demoted_owner_keeps_at_most_what_the_role_may_do(
        self, dashboard_client, member, personal, role, expected
    ):
        assert self.statuses(personal) == [200, 201, 201]

        dashboard_client.post(member_url(member), {"first_name": "", "last_name": "", "role": role})

        assert self.statuses(personal) == expected

    @each(
        "demote",
        [
            lambda member: staff.change_role(member.pk, staff.Role.VIEWER, by=SYSTEM),
            lambda member: member.groups.set([role_group("Viewer")]),
            lambda member: role_group("Owner").user_set.clear() or role_group("Viewer").user_set.add(member),
            lambda member: member.groups.remove(role_group("Owner")) or member.groups.add(role_group("Viewer")),
        ],
    )
    def test_token_is_limited_however_the_role_was_taken(self, owner, member, personal, demote):
        demote(member)

        assert self.statuses(personal) == [200, 403, 403]

    def test_token_without_any_role_left_may_do_nothing(self, member, personal):
        member.groups.clear()

        assert self.statuses(personal) == [403, 403, 403]

    def test_token_of_a_former_superuser_is_limited_by_an_update_of_the_row_alone(self, owner):
        other = make_owner()
        token = token_of(other, *Scope)
        assert self.statuses(token) == [200, 201, 201]

        User.objects.filter(pk=other.pk).update(is_superuser=False)
        other.groups.add(role_group("Viewer"))

        assert self.statuses(token) == [200, 403, 403]

    def test_token_of_a_partner_app_is_limited_by_the_role_of_who_consented(self, owner, member):
        partner = register_partner(owner)
        issued = partner.install(browser_of(member))
        assert self.statuses(ApiClient(issued["access_token"]))[:2] == [200, 201]

        staff.change_role(member.pk, staff.Role.VIEWER, by=SYSTEM)

        refreshed = partner.refresh(issued["refresh_token"]).json()
        assert self.statuses(ApiClient(refreshed["access_token"]))[:2] == [200, 403]
        answer = partner.post(INTROSPECT, token=refreshed["access_token"]).json()
        assert (answer["active"], answer["scope"]) == (True, "users:read")

    def test_code_of_a_demoted_owner_gives_no_more_than_the_role(self, owner, member):
        partner = register_partner(owner)
        code = partner.consent(browser_of(member))["code"]

        staff.change_role(member.pk, staff.Role.VIEWER, by=SYSTEM)

        assert self.statuses(ApiClient(partner.exchange(code).json()["access_token"]))[:2] == [200, 403]

    def test_scope_that_was_not_granted_does_not_come_with_the_role(self, member):
        token = token_of(member, Scope.USERS_WRITE)

        staff.change_role(member.pk, staff.Role.STAFF, by=SYSTEM)

        assert self.statuses(token) == [403, 201, 403]

    def test_page_of_a_member_names_what_a_lower_role_takes_from(self, dashboard_client, member, personal):
        page = dashboard_client.get(member_url(member)).content.decode()

        assert APP in page
        assert "A lower role takes effect at once, also for the person's API tokens and apps." in unescape(page)

    def test_limited_tokens_are_in_the_security_log(self, dashboard_client, member, personal):
        for role in ("Staff", "Owner"):
            dashboard_client.post(member_url(member), {"first_name": "", "last_name": "", "role": role})

        event = AuditEvent.objects.get(event="token_limited")
        assert (event.actor, event.app) == ("owner@store.example", APP)
        assert event.detail == {"owner": member.email, "role": "Staff"}

    def test_medusa_takes_a_limited_token_for_what_the_role_may_do(self, owner, member, personal):
        staff.change_role(member.pk, staff.Role.VIEWER, by=SYSTEM)

        assert personal.get("/admin/customers").status_code == 200
        assert personal.post("/admin/customers", {"email": "a@example.com"}).status_code == 403
