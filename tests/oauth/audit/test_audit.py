"""The security log: what is written, about whom and from where."""

import pytest
from django.core.management import call_command
from django.test import Client

from customers.dashboard.audit import KINDS
from oauth.accounts import two_factor
from oauth.actor import SYSTEM
from oauth.audit.log import record
from oauth.audit.models import AuditEvent
from oauth.models import App
from oauth.scopes import Scope
from tests.support.cases import each
from tests.support.clients import USERS, ApiClient
from tests.support.factories import make_owner
from tests.support.partner import REVOKE

Event = AuditEvent.Event
LOGIN = "/dashboard/login/"
APPS = "/dashboard/oauth/partnerapp/"
OWNER, PASSWORD = "owner@store.example", "correct horse battery"
FORM = {"name": "Reviews", "app_url": "https://reviews.example/", "redirect_uris": "https://reviews.example/callback",
        "client_type": "public", "allowed_scopes": ["users:read"], "api_version": "2024-04-01",
        "settings_schema": "[]"}  # fmt: skip


@pytest.fixture
def owner(db):
    return make_owner(email=OWNER, password=PASSWORD)


def sign_in(browser, password=PASSWORD, username=OWNER, **environment):
    return browser.post(LOGIN, {"username": username, "password": password}, **environment)


def logged(event: Event) -> tuple:
    """Who did it with which app, from where, and what more there is to say."""
    found = AuditEvent.objects.get(event=event)
    return found.actor, found.app, found.ip, found.detail


class TestSignIn:
    def test_sign_in_is_logged(self, owner):
        sign_in(Client())

        assert logged(Event.SIGNED_IN) == (OWNER, "", "127.0.0.1", {})

    def test_failed_sign_in_is_logged_with_the_account_as_typed(self, owner):
        sign_in(Client(), username="Nobody@store.example")

        assert logged(Event.SIGN_IN_FAILED) == ("Nobody@store.example", "", "127.0.0.1", {})

    def test_sign_out_is_logged(self, dashboard_client):
        dashboard_client.post("/dashboard/logout/")

        assert logged(Event.SIGNED_OUT) == (OWNER, "", "127.0.0.1", {})

    def test_lockout_is_logged_once(self, owner):
        for number in range(15):
            sign_in(Client(), "guess", REMOTE_ADDR=f"203.0.113.{number}")
            sign_in(Client(), "guess", username=f"{number}@store.example", REMOTE_ADDR="198.51.100.1")

        assert AuditEvent.objects.filter(event=Event.LOCKED_OUT, actor=OWNER).count() == 1
        assert AuditEvent.objects.filter(event=Event.LOCKED_OUT, ip="198.51.100.1").count() == 1
        assert AuditEvent.objects.count() == 20


class TestToken:
    def test_token_of_a_private_app_is_logged_with_its_permissions(self, dashboard_client):
        form = {"name": "ERP", "allowed_scopes": ["users:read"], "api_version": "unstable"}

        dashboard_client.post("/dashboard/oauth/privateapp/add/", form)

        assert logged(Event.TOKEN_ISSUED) == (OWNER, "ERP", "127.0.0.1", {"scopes": ["users:read"]})

    def test_token_from_the_command_line_is_logged_without_actor_and_address(self, owner, capsys):
        call_command("create_token", app="ERP", scope=["users:read"])

        assert logged(Event.TOKEN_ISSUED) == ("", "ERP", None, {"scopes": ["users:read"]})

    def test_token_of_a_partner_app_is_logged_with_the_consenting_member(self, partner, dashboard_client):
        partner.install(dashboard_client)

        detail = {"scopes": ["users:read", "users:write"], "grant": "authorization_code"}
        assert logged(Event.TOKEN_ISSUED) == (OWNER, partner.app.name, "127.0.0.1", detail)

    def test_first_use_of_a_token_is_logged(self, partner, dashboard_client):
        client = ApiClient(partner.install(dashboard_client)["access_token"])

        for version in ("unstable", "2024-04-01"):
            client.get(USERS, headers={"X-29next-API-Version": version}, REMOTE_ADDR="203.0.113.9")

        assert logged(Event.TOKEN_FIRST_USED) == ("", partner.app.name, "203.0.113.9", {"version": "unstable"})

    @each("kind", ["access_token", "refresh_token"])
    def test_revocation_by_the_app_is_logged(self, partner, dashboard_client, kind):
        token = partner.install(dashboard_client)[kind]

        for _ in range(2):
            partner.post(REVOKE, token=token)

        assert logged(Event.TOKEN_REVOKED) == ("", partner.app.name, "127.0.0.1", {"tokens": 1})

    def test_replacement_of_a_token_by_the_owner_is_logged(self, dashboard_client, api):
        api(Scope.USERS_READ, app_name="ERP")

        dashboard_client.post(f"/dashboard/oauth/privateapp/{App.objects.get().pk}/replace/")

        assert logged(Event.TOKEN_REVOKED) == (OWNER, "ERP", "127.0.0.1", {"tokens": 1})

    @each("wrong, error", [({"client_secret": "guess"}, "invalid_client"), ({"code": "guess"}, "invalid_grant")])
    def test_refused_token_request_is_logged(self, partner, wrong, error):
        partner.exchange(**{"code": "x", **wrong})

        assert logged(Event.TOKEN_REFUSED) == ("", partner.app.name, "127.0.0.1", {"error": error})


class TestPartnerApp:
    def test_app_registration_is_logged(self, dashboard_client):
        dashboard_client.post(f"{APPS}add/", FORM)

        assert logged(Event.APP_REGISTERED) == (OWNER, "Reviews", "127.0.0.1", {"client_type": "public"})
        assert AuditEvent.objects.get(event=Event.APP_REGISTERED).client_id == App.objects.get().client_id

    def test_consent_is_logged_with_scopes_and_new_scopes(self, partner, dashboard_client):
        partner.install(dashboard_client, scope="users:read")

        partner.consent(dashboard_client)

        latest = AuditEvent.objects.filter(event=Event.CONSENTED).latest("id")
        assert latest.actor == OWNER
        assert latest.detail == {"scopes": ["users:read", "users:write"], "new": ["users:write"]}

    def test_refused_consent_is_logged(self, partner, dashboard_client):
        partner.consent(dashboard_client, decision="cancel")

        assert logged(Event.CONSENT_REFUSED) == (OWNER, partner.app.name, "127.0.0.1", {})

    def test_opening_an_app_is_logged(self, partner, dashboard_client):
        partner.install(dashboard_client)

        dashboard_client.get(f"/dashboard/apps/{partner.client_id}/open/")

        assert logged(Event.APP_OPENED) == (OWNER, partner.app.name, "127.0.0.1", {})

    @each(
        "page, event, detail",
        [
            ("change", Event.APP_CHANGED, {"changed": ["app_url", "redirect_uris", "allowed_scopes", "is_active"]}),
            ("replace_secret", Event.SECRET_REPLACED, {}),
            ("uninstall", Event.APP_UNINSTALLED, {}),
        ],
    )
    def test_change_of_an_app_by_staff_is_logged(self, partner, dashboard_client, page, event, detail):
        dashboard_client.post(f"{APPS}{partner.app.pk}/{page}/", {**FORM, "name": partner.app.name})

        assert logged(event) == (OWNER, partner.app.name, "127.0.0.1", detail)

    def test_saving_an_app_without_changes_is_not_logged(self, partner, dashboard_client):
        page = dashboard_client.get(f"{APPS}{partner.app.pk}/change/")
        unchanged = {name: value for name, value in page.context["adminform"].form.initial.items() if value is not None}
        unchanged["settings_schema"] = "[]"  # as the page shows it

        assert dashboard_client.post(f"{APPS}{partner.app.pk}/change/", unchanged).status_code == 302

        assert not AuditEvent.objects.filter(event=Event.APP_CHANGED).exists()


class TestAddress:
    @each(
        "forwarded, ip",
        [
            ("203.0.113.9", "203.0.113.9"),
            ("2001:DB8::0:1", "2001:db8::1"),
            ("127.0.0.1, forged, 203.0.113.9", "203.0.113.9"),
            ("", "127.0.0.1"),
            ("unknown", None),
            ("203.0.113.9:443", "203.0.113.9"),
            ("127.0.0.1, 203.0.113.9:443", "203.0.113.9"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
            ("[::FFFF:203.0.113.9]:4711", "203.0.113.9"),
            ("203.0.113.9:port", None),
            ("[203.0.113.9", None),
            ("203.0.113.9\0", None),
            ("fe80::1%eth0", "fe80::1"),
        ],
    )
    def test_logged_address_is_the_last_one_that_the_proxy_forwards(self, owner, settings, forwarded, ip):
        settings.BEHIND_PROXY = True

        assert sign_in(Client(), headers={"X-Forwarded-For": forwarded}).status_code == 302

        assert logged(Event.SIGNED_IN) == (OWNER, "", ip, {})

    def test_logged_address_of_a_token_request_is_the_proxy_s_last(self, partner, dashboard_client, settings):
        settings.BEHIND_PROXY = True
        partner.http.defaults["HTTP_X_FORWARDED_FOR"] = "127.0.0.1, 203.0.113.9"

        partner.install(dashboard_client)

        assert AuditEvent.objects.get(event=Event.TOKEN_ISSUED).ip == "203.0.113.9"

    def test_logged_address_is_the_connection_s_without_a_proxy(self, owner):
        sign_in(Client(), headers={"X-Forwarded-For": "203.0.113.9"})

        assert logged(Event.SIGNED_IN) == (OWNER, "", "127.0.0.1", {})


def test_security_log_holds_no_secret(partner, dashboard_client, api):
    sign_in(Client())
    sign_in(Client(), "a guess")
    personal = api(Scope.USERS_READ)
    token = partner.install(dashboard_client)
    code = partner.consent(dashboard_client)["code"]
    second = partner.refresh(token["refresh_token"]).json()
    partner.exchange(code)
    partner.exchange(code)
    partner.refresh(token["refresh_token"])
    dashboard_client.get(f"/dashboard/apps/{partner.client_id}/open/")

    log = repr(list(AuditEvent.objects.values()))
    issued = [pair[kind] for pair in (token, second) for kind in ("access_token", "refresh_token")]
    for secret in (PASSWORD, "a guess", personal.token, partner.secret, code, *issued):
        assert secret not in log


class TestWhileLockedOut:
    def test_sign_in_attempts_during_a_lockout_are_not_logged(self, owner):
        for _ in range(10):
            sign_in(Client(), "guess")
        before = AuditEvent.objects.count()

        for number in range(10):
            sign_in(Client(), "guess", REMOTE_ADDR=f"203.0.113.{number}")
            sign_in(Client(), "guess", username=f"{number}@store.example")

        assert AuditEvent.objects.count() == before

    @each("wrong", ["secret", "refresh token", "used refresh token"])
    def test_token_requests_during_a_lockout_are_not_logged(self, partner, dashboard_client, wrong):
        used = partner.install(dashboard_client)["refresh_token"]
        partner.refresh(used)
        fields = {
            "secret": {"refresh_token": used, "client_secret": "guess"},
            "refresh token": {"refresh_token": "guess"},
            "used refresh token": {"refresh_token": used},
        }[wrong]
        for _ in range(10):
            partner.refresh(**fields)
        before = AuditEvent.objects.count()

        for _ in range(5):
            assert partner.refresh(**fields).status_code == 429

        assert AuditEvent.objects.count() == before


class TestPage:
    def test_every_event_belongs_to_a_kind_that_the_list_can_be_filtered_by(self, dashboard_client, owner):
        assert {event for _, events in KINDS.values() for event in events} == set(Event)
        record(Event.SIGNED_OUT, SYSTEM)
        record(Event.TOKEN_REFUSED, SYSTEM)

        for kind, rows in {"sign-in": 2, "tokens": 1, "refused": 1, "data": 0, "nonsense": 3}.items():
            page = dashboard_client.get("/dashboard/audit/auditevent/", {"kind": kind}).content.decode()
            assert page.count('class="field-time') == rows, kind

    def test_details_are_written_in_words(self, dashboard_client):
        record(Event.ROLE_CHANGED, SYSTEM, role=["Support", "Help"], sections=[{}, {"customers": "view"}])
        record(Event.TOKEN_ISSUED, SYSTEM, scopes=["users:read", "orders:read"])
        two_factor.require_of(["Viewer", "Staff"], SYSTEM)

        page = dashboard_client.get("/dashboard/audit/auditevent/").content.decode()

        assert "Role: Support → Help; Sections: — → customers: view" in page
        assert "Permissions: users:read, orders:read" in page
        assert "Two factor required: — → Staff, Viewer" in page
