"""API access in the dashboard: a store owner's own tokens."""

import html
import re
from datetime import timedelta

from django.core.management import call_command
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone

from customers.dashboard.scope_choices import FIRST, PRESETS, SERVED
from oauth import api_usage
from oauth.accounts.own_roles import create_role
from oauth.actor import SYSTEM
from oauth.audit.models import AuditEvent
from oauth.models import AccessToken, App
from oauth.scopes import Scope
from tests.support.cases import each
from tests.support.clients import USERS, ApiClient
from tests.support.dashboard import browser_of_role
from tests.support.factories import make_owner

ACCESS = "/dashboard/oauth/privateapp/"


def change_url(app) -> str:
    return f"{ACCESS}{app.pk}/change/"


def form(**changes) -> dict:
    usual = {"name": "ERP", "allowed_scopes": ["users:read"], "expires_on": "", "api_version": "2024-04-01"}
    return {**usual, "rate_limit": "", "is_active": "on", **changes}


def shown_token(page) -> str:
    assert page.status_code == 200
    return re.search(r"shc_\w{42}", page.content.decode())[0]


class TestMakeAToken:
    def test_new_token_is_shown_once(self, dashboard_client):
        page = dashboard_client.post(f"{ACCESS}add/", form(name="Warehouse"))

        token = shown_token(page)
        assert "no-store" in page.headers["Cache-Control"]
        assert ApiClient(token).get(USERS).status_code == 200
        app = App.objects.get()
        for url in (ACCESS, change_url(app), "/dashboard/audit/auditevent/"):
            assert token not in dashboard_client.get(url).content.decode()

    def test_new_token_has_the_chosen_permissions_only(self, dashboard_client):
        client = ApiClient(shown_token(dashboard_client.post(f"{ACCESS}add/", form(allowed_scopes=["users:read"]))))

        assert client.get(USERS).status_code == 200
        assert client.post(USERS, {"email": "ada@example.com"}).status_code == 403

    def test_new_token_has_the_chosen_version_and_rate_limit(self, dashboard_client):
        page = dashboard_client.post(f"{ACCESS}add/", form(api_version="2023-02-10", rate_limit="1000"))

        answer = ApiClient(shown_token(page)).get(USERS)
        assert answer.headers["X-29next-API-Version"] == "2023-02-10"
        assert answer.headers["RateLimit-Policy"] == '"token";q=1000;w=1'

    def test_token_works_through_its_last_day_in_the_store_s_time_zone(self, dashboard_client, settings):
        settings.TIME_ZONE = "Pacific/Kiritimati"
        today = timezone.localdate()

        dashboard_client.post(f"{ACCESS}add/", form(expires_on=today.isoformat()))

        expires = timezone.localtime(AccessToken.objects.get().expires)
        assert (expires.date(), expires.hour, expires.minute) == (today + timedelta(days=1), 0, 0)
        assert today.isoformat() in dashboard_client.get(change_url(App.objects.get())).content.decode()

    @each(
        "wrong",
        [
            {"name": ""},
            {"name": "Taken"},
            {"allowed_scopes": []},
            {"allowed_scopes": ["users:destroy"]},
            {"expires_on": "2020-01-01"},
            {"api_version": "1999-01-01"},
            {"rate_limit": "1001"},
        ],
    )
    def test_invalid_token_form_is_refused(self, dashboard_client, api, wrong):
        api(Scope.USERS_READ, app_name="Taken")

        page = dashboard_client.post(f"{ACCESS}add/", form(**wrong))

        assert page.status_code == 200
        assert b"errornote" in page.content
        assert App.objects.count() == 1

    @each("preset, scopes", [(key, scopes) for key, (_, scopes) in PRESETS.items()])
    def test_preset_gives_its_permissions_without_the_script_of_the_page(self, dashboard_client, preset, scopes):
        dashboard_client.post(f"{ACCESS}add/", form(preset=preset, allowed_scopes=[]))

        assert App.objects.get().allowed_scopes == list(scopes)

    def test_permissions_that_this_store_serves_are_offered_first(self, dashboard_client):
        page = dashboard_client.get(f"{ACCESS}add/").content.decode()

        served, _, others = page.partition("<summary>More")
        assert re.findall(r'name="allowed_scopes" value="([\w:]+)"', served) == list(FIRST)
        assert len(re.findall(r'name="allowed_scopes" value="([\w:]+)"', others)) == len(Scope) - len(FIRST)
        empty = {Scope.DISPUTES_READ, Scope.TRANSACTIONS_READ}
        assert set(SERVED) | empty == required_scopes(get_resolver())

    def test_new_token_comes_with_a_call_that_works(self, dashboard_client):
        page = dashboard_client.post(f"{ACCESS}add/", form(api_version="2023-02-10"))

        call = html.unescape(re.search(r'<textarea id="example"[^>]*>([^<]*)', page.content.decode())[1])
        url, *headers = re.findall(r'"([^"]*)"', call)
        answer = Client().get(url.removeprefix("http://testserver"), headers=dict(each.split(": ") for each in headers))
        assert (answer.status_code, answer.headers["X-29next-API-Version"]) == (200, "2023-02-10")
        assert "/api/docs/admin/" in page.content.decode()

    def test_nobody_gives_a_permission_that_their_role_does_not_have(self, owner, api):
        api(Scope.USERS_READ, app_name="ERP")
        create_role(name="Integrator", levels={"customers": "view", "apps": "edit"}, by=SYSTEM)
        browser = browser_of_role("Integrator")

        refused = browser.post(f"{ACCESS}add/", form(name="Mine", allowed_scopes=["users:read", "orders:read"]))
        widened = browser.post(change_url(App.objects.get()), form(allowed_scopes=["users:read", "admin:read"]))
        made = browser.post(f"{ACCESS}add/", form(name="Mine"))

        assert "Your role does not have: See orders." in refused.content.decode()
        assert "Your role does not have: See everything in the store." in widened.content.decode()
        assert App.objects.get(name="ERP").allowed_scopes == ["users:read"]
        assert ApiClient(shown_token(made)).get(USERS).status_code == 200


def required_scopes(resolver) -> set[Scope]:
    """What the endpoints of this store require."""
    found = set()
    for entry in resolver.url_patterns:
        if hasattr(entry, "url_patterns"):
            found |= required_scopes(entry)
        else:
            found |= set(getattr(getattr(entry.callback, "cls", None), "required_scopes", {}).values())
    return found


class TestRevokeAToken:
    def test_revoked_token_stops_working_until_it_is_replaced(self, dashboard_client, api):
        client = api(Scope.USERS_READ, app_name="ERP")
        app = App.objects.get()

        dashboard_client.post(f"{ACCESS}{app.pk}/revoke/")

        assert client.get(USERS).status_code == 401
        assert ">Revoked<" in dashboard_client.get(ACCESS).content.decode()
        assert AuditEvent.objects.filter(event="token_revoked").count() == 1
        replaced = dashboard_client.post(f"{ACCESS}{app.pk}/replace/")
        assert ApiClient(shown_token(replaced)).get(USERS).status_code == 200

    def test_replaced_token_keeps_permissions_and_expiry(self, dashboard_client):
        expires_on = (timezone.localdate() + timedelta(days=9)).isoformat()
        former = ApiClient(shown_token(dashboard_client.post(f"{ACCESS}add/", form(expires_on=expires_on))))
        before = AccessToken.objects.get()

        latter = ApiClient(shown_token(dashboard_client.post(f"{ACCESS}{App.objects.get().pk}/replace/")))

        assert former.get(USERS).status_code == 401
        assert latter.get(USERS).status_code == 200
        after = AccessToken.objects.get()
        assert (after.scope, after.expires) == (before.scope, before.expires)

    @each("cleared", [False, True])
    def test_expired_token_is_not_replaced(self, dashboard_client, cleared):
        dashboard_client.post(f"{ACCESS}add/", form(expires_on=timezone.localdate().isoformat()))
        app = App.objects.get()
        for table, column in ((App, "token_expires"), (AccessToken, "expires")):
            table.objects.update(**{column: timezone.now() - timedelta(days=1)})
        if cleared:
            call_command("clear_expired", verbosity=0)
        tomorrow = timezone.localdate() + timedelta(days=1)

        refused = dashboard_client.post(f"{ACCESS}{app.pk}/replace/", follow=True)
        dashboard_client.post(change_url(app), form(expires_on=tomorrow.isoformat()))
        replaced = dashboard_client.post(f"{ACCESS}{app.pk}/replace/")

        assert b"The token has expired" in refused.content
        assert ApiClient(shown_token(replaced)).get(USERS).status_code == 200
        assert timezone.localdate(AccessToken.objects.get().expires) == tomorrow + timedelta(days=1)

    def test_replaced_token_belongs_to_the_member_who_replaced_it(self, owner, api):
        api(Scope.USERS_READ)
        colleague = make_owner()
        browser = Client()
        browser.force_login(colleague)

        browser.post(f"{ACCESS}{App.objects.get().pk}/replace/")

        assert AccessToken.objects.get().user == colleague

    def test_token_replacement_asks_for_confirmation(self, dashboard_client, api):
        client = api(Scope.USERS_READ)

        page = dashboard_client.get(f"{ACCESS}{App.objects.get().pk}/replace/")

        assert b"Revoke and replace" in page.content
        assert client.get(USERS).status_code == 200

    def test_token_replacement_needs_a_csrf_token(self, owner, api):
        client = api(Scope.USERS_READ)
        browser = Client(enforce_csrf_checks=True)
        browser.force_login(owner)

        assert browser.post(f"{ACCESS}{App.objects.get().pk}/replace/").status_code == 403
        assert client.get(USERS).status_code == 200


class TestChangeAnApp:
    def test_deactivated_app_is_refused(self, dashboard_client, api):
        client = api(Scope.USERS_READ, app_name="ERP")
        off = form()
        del off["is_active"]

        assert dashboard_client.post(change_url(App.objects.get()), off).status_code == 302

        assert client.get(USERS).status_code == 401

    def test_permission_change_applies_to_the_token(self, dashboard_client, api):
        client = api(Scope.USERS_READ, app_name="ERP")

        dashboard_client.post(change_url(App.objects.get()), form(allowed_scopes=["users:write"]))

        assert client.get(USERS).status_code == 403
        assert client.post(USERS, {"email": "ada@example.com"}).status_code == 201

    def test_app_page_shows_no_secret(self, dashboard_client, api):
        client = api(Scope.USERS_READ)
        app = App.objects.get()

        page = dashboard_client.get(change_url(app)).content.decode()

        assert client.token not in page
        assert app.client_secret not in page

    def test_app_change_is_logged(self, dashboard_client, api, owner):
        api(Scope.USERS_READ, app_name="ERP", rate_limit=None)

        dashboard_client.post(change_url(App.objects.get()), form(api_version="unstable"))

        event = AuditEvent.objects.get(event="app_changed")
        assert (event.actor, event.app, event.detail) == (owner.email, "ERP", {"changed": ["api_version"]})


class TestLastUse:
    def test_last_use_is_listed_with_version_and_address(self, dashboard_client):
        token = shown_token(dashboard_client.post(f"{ACCESS}add/", form()))

        ApiClient(token).get(USERS, headers={"X-29next-API-Version": "unstable"})

        for url in (ACCESS, change_url(App.objects.get())):
            page = dashboard_client.get(url).content.decode()
            assert "just now</time> in version unstable from 127.0.0.1" in page

    def test_token_that_was_never_used_says_so_and_page_shows_calls_by_day(self, dashboard_client, api):
        client = api(Scope.USERS_READ)
        AccessToken.objects.update(last_used_at=None)
        before = dashboard_client.get(ACCESS).content.decode()

        client.get(USERS)
        api_usage.add_to_table()

        page = dashboard_client.get(change_url(App.objects.get())).content.decode()
        assert re.search(r'<td class="field-last_used[^>]*>Never<', before)
        assert f'<th scope="row">{timezone.localdate()}</th><td class="number">1</td>' in page

    def test_last_use_is_stored_once_a_minute(self, dashboard_client, django_assert_num_queries):
        client = ApiClient(shown_token(dashboard_client.post(f"{ACCESS}add/", form(rate_limit="0"))))
        client.get(USERS)
        first = AccessToken.objects.get().last_used_at

        client.get(USERS)
        assert AccessToken.objects.get().last_used_at == first
        AccessToken.objects.update(last_used_at=first - timedelta(minutes=2))
        client.get(USERS)
        assert AccessToken.objects.get().last_used_at > first


@each("model", ["accesstoken", "refreshtoken", "grant", "idtoken", "app"])
def test_toolkit_tables_are_not_in_the_dashboard(dashboard_client, model):
    assert dashboard_client.get(f"/dashboard/oauth/{model}/").status_code == 404
