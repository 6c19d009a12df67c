"""What ends an app's access at once: its owner's end, being switched off, being uninstalled (RFC 9700, 4.14.2)."""

import pytest

from customers.models import User, UserType
from oauth.models import Grant, PartnerApp
from oauth.scopes import Scope
from oauth.tokens import issue_personal_token
from tests.support.cases import each
from tests.support.clients import ADMIN_API, USERS, ApiClient
from tests.support.oauth_outcomes import error_of, is_live, is_refused_on_a_page, logged
from tests.support.partner import INTROSPECT


def deactivate_owner(partner, dashboard_client, owner):
    owner.is_active = False
    owner.save()


def change(partner, dashboard_client, **changes):
    """Saves the form of the app in the dashboard."""
    app = partner.app
    form = {
        "name": app.name,
        "app_url": app.app_url,
        "redirect_uris": app.redirect_uris,
        "allowed_scopes": app.allowed_scopes,
        "api_version": app.api_version,
        **changes,
    }
    assert dashboard_client.post(f"/dashboard/oauth/partnerapp/{app.pk}/change/", form).status_code == 302


def switch_off(partner, dashboard_client, owner):
    change(partner, dashboard_client)


def uninstall(partner, dashboard_client, owner):
    assert dashboard_client.post(f"/dashboard/oauth/partnerapp/{partner.app.pk}/uninstall/").status_code == 302


@pytest.mark.parametrize("withdraw", [deactivate_owner, switch_off, uninstall])
class TestWithdrawal:
    def test_withdrawal_ends_access_tokens(self, partner, dashboard_client, owner, withdraw):
        issued = partner.install(dashboard_client)
        assert is_live(issued["access_token"])

        withdraw(partner, dashboard_client, owner)

        assert not is_live(issued["access_token"])
        assert partner.post(INTROSPECT, token=issued["access_token"]).json().get("active") is not True

    def test_withdrawal_ends_refresh_tokens(self, partner, dashboard_client, owner, withdraw):
        issued = partner.install(dashboard_client)

        withdraw(partner, dashboard_client, owner)

        assert error_of(partner.refresh(issued["refresh_token"])) in ("invalid_grant", "invalid_client")

    def test_withdrawal_ends_codes(self, partner, dashboard_client, owner, withdraw):
        code = partner.consent(dashboard_client)["code"]

        withdraw(partner, dashboard_client, owner)

        assert error_of(partner.exchange(code)) in ("invalid_grant", "invalid_client")


class TestSwitchedOff:
    def test_deactivated_app_can_not_be_consented_to(self, partner, dashboard_client, owner):
        switch_off(partner, dashboard_client, owner)

        assert is_refused_on_a_page(dashboard_client.get(partner.authorize_url()))
        assert is_refused_on_a_page(dashboard_client.post(partner.authorize_url(), {"decision": "authorize"}))
        assert not Grant.objects.exists()

    @each("path", ["install-app/?client_id={}", "{}/open/"])
    def test_deactivated_app_can_not_be_opened_from_the_dashboard(self, partner, dashboard_client, owner, path):
        switch_off(partner, dashboard_client, owner)

        assert dashboard_client.get(f"/dashboard/apps/{path.format(partner.client_id)}").status_code == 404


class TestUninstalled:
    def test_uninstallation_is_logged_and_clears_granted_scopes(self, partner, dashboard_client, owner):
        partner.install(dashboard_client)

        uninstall(partner, dashboard_client, owner)

        app = PartnerApp.objects.get()
        assert (app.granted_scopes, app.installed_at) == ([], None)
        assert logged("app_uninstalled", partner.client_id)

    def test_uninstallation_keeps_the_app_s_settings(self, partner, dashboard_client, owner):
        settings_url = f"{ADMIN_API}apps/{partner.client_id}/settings/"
        ApiClient(partner.install(dashboard_client)["access_token"]).put(settings_url, {"theme": "dark"})

        uninstall(partner, dashboard_client, owner)

        again = ApiClient(partner.install(dashboard_client)["access_token"])
        assert again.get(settings_url).json() == {"theme": "dark"}


class TestFewerPermissions:
    def test_fewer_permissions_apply_to_tokens_at_once(self, partner, dashboard_client):
        issued = partner.install(dashboard_client)

        change(partner, dashboard_client, allowed_scopes=["users:read"], is_active="on")

        assert partner.post(INTROSPECT, token=issued["access_token"]).json()["scope"] == "users:read"
        assert partner.refresh(issued["refresh_token"]).json()["scope"] == "users:read"

    def test_fewer_permissions_apply_to_codes_at_once(self, partner, dashboard_client):
        code = partner.consent(dashboard_client)["code"]

        change(partner, dashboard_client, allowed_scopes=["users:read"], is_active="on")

        assert partner.exchange(code).json()["scope"] == "users:read"


class TestFormerStaff:
    def test_former_staff_leave_no_working_token(self, partner, dashboard_client, owner):
        issued = partner.install(dashboard_client)
        personal = issue_personal_token(app_name="ERP", scopes=[Scope.USERS_READ], owner=owner)

        User.objects.filter(pk=owner.pk).update(user_type=UserType.LEAD)

        assert ApiClient(issued["access_token"]).get(USERS).status_code == 401
        assert ApiClient(personal).get(USERS).status_code == 401
        assert partner.refresh(issued["refresh_token"]).status_code == 400


class TestNarrowerConsent:
    def test_narrower_consent_keeps_showing_granted_permissions(self, partner, dashboard_client):
        partner.install(dashboard_client)
        partner.install(dashboard_client, scope="users:read")

        partner.app.refresh_from_db()
        assert partner.app.granted_scopes == ["users:read", "users:write"]
