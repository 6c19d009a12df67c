"""API access in the dashboard: a store owner's own tokens."""

import re
from datetime import timedelta

from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from oauth.audit.models import AuditEvent
from oauth.models import AccessToken, App
from oauth.scopes import Scope
from tests.support.cases import each
from tests.support.clients import USERS, ApiClient
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


class TestRevokeAToken:
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

        assert b"in version unstable from 127.0.0.1" in dashboard_client.get(ACCESS).content

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
