"""Partner apps in the dashboard: registered, installed, opened, changed, uninstalled."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from django.test import Client

from oauth import partner_apps
from oauth.audit.models import AuditEvent
from oauth.models import App, PartnerApp
from tests.support.cases import each
from tests.support.clients import USERS, ApiClient
from tests.support.concurrency import in_thread, wait_until_waiting
from tests.support.factories import make_user

APPS = "/dashboard/oauth/partnerapp/"
INSTALL = "/dashboard/apps/install-app/"
LOG = "/dashboard/audit/auditevent/"


def page_of(app, name="change") -> str:
    return f"{APPS}{app.pk}/{name}/"


def open_url(app) -> str:
    return f"/dashboard/apps/{app.client_id}/open/"


def form(**changes) -> dict:
    return {"name": "Reviews", "app_url": "https://reviews.example/", "client_type": "confidential",
            "redirect_uris": "https://reviews.example/callback", "allowed_scopes": ["users:read"], "version": "",
            "api_version": "2024-04-01", "rate_limit": "", "is_active": "on", **changes}  # fmt: skip


def shown(page) -> dict[str, str]:
    """The names and values that a page shows this once."""
    assert page.status_code == 200
    return dict(re.findall(r'<input id="(client_id|client_secret)" value="(\w+)"', page.content.decode()))


class TestRegister:
    def test_registration_shows_client_id_and_secret_once(self, dashboard_client):
        page = dashboard_client.post(f"{APPS}add/", form())

        app = PartnerApp.objects.get()
        secret = shown(page)["client_secret"]
        assert shown(page)["client_id"] == app.client_id
        assert "no-store" in page.headers["Cache-Control"]
        for url in (APPS, page_of(app), page_of(app, "history"), page_of(app, "replace_secret"), LOG):
            later = dashboard_client.get(url)
            assert later.status_code == 200
            assert secret not in later.content.decode()

    def test_registration_gives_a_public_client_no_secret(self, dashboard_client):
        page = dashboard_client.post(f"{APPS}add/", form(client_type="public"))

        assert set(shown(page)) == {"client_id"}
        assert PartnerApp.objects.get().signing_secret == ""

    def test_registration_takes_several_redirect_uris_and_local_http(self, dashboard_client):
        dashboard_client.post(
            f"{APPS}add/", form(redirect_uris="https://a.example/1?x=y\r\nhttp://127.0.0.1:3000/2\r\n")
        )

        app = PartnerApp.objects.get()
        assert app.redirect_uris.split() == ["https://a.example/1?x=y", "http://127.0.0.1:3000/2"]

    def test_developer_s_email_is_part_of_the_registration_and_can_be_changed(self, partner, dashboard_client):
        dashboard_client.post(f"{APPS}add/", form(developer_email="dev@reviews.example"))
        dashboard_client.post(page_of(partner.app), form(developer_email="new@reviews.example"))

        assert PartnerApp.objects.get(name="Reviews", developer_email="dev@reviews.example")
        assert PartnerApp.objects.get(pk=partner.app.pk).developer_email == "new@reviews.example"

    @each("field", ["app_url", "redirect_uris"])
    @each("uri",
        ["", " ", "reviews", "/callback", "//a.example/", "ftp://a.example/", "javascript:alert(1)", "https://",
         "http://a.example/", "https://user@a.example/", "https://a.example/#top", "https://*.example/",
         "https://a.example\\@b.example/", "https://é.example/", "https://[::1/", "https://a.example:x/",
         "https://a.example/\0"],
    )  # fmt: skip
    def test_registration_refuses_unsafe_uris(self, dashboard_client, field, uri):
        page = dashboard_client.post(f"{APPS}add/", form(**{field: uri}))

        assert page.status_code == 200
        assert list(page.context["adminform"].form.errors) == [field]
        assert not App.objects.exists()

    @each(
        "wrong",
        [
            {"name": " "},
            {"redirect_uris": "https://a.example/\nhttp://b.example/"},
            {"allowed_scopes": ["users:read", "users:destroy"]},
            {"client_type": "secret"},
            {"api_version": "1999-01-01"},
            {"rate_limit": "1001"},
            {"developer_email": "dev@a.example\r\nBcc: x@b.example"},
        ],
    )
    def test_registration_refuses_invalid_values(self, dashboard_client, wrong):
        page = dashboard_client.post(f"{APPS}add/", form(**wrong))

        assert page.status_code == 200
        assert b"errornote" in page.content
        assert not App.objects.exists()


class TestChange:
    def test_change_can_not_make_a_confidential_client_public(self, partner, dashboard_client):
        dashboard_client.post(page_of(partner.app), form(client_type="public", client_id="chosen"))

        app = PartnerApp.objects.get()
        assert (app.client_type, app.client_id) == ("confidential", partner.client_id)

    def test_removed_permission_is_taken_from_live_tokens(self, partner, dashboard_client):
        client = ApiClient(partner.install(dashboard_client)["access_token"])
        assert client.post(USERS, {"email": "ada@example.com"}).status_code == 201

        dashboard_client.post(page_of(partner.app), form(allowed_scopes=["users:read"]))

        assert client.post(USERS, {"email": "eve@example.com"}).status_code == 403
        assert client.get(USERS).status_code == 200

    def test_added_permission_needs_another_consent(self, partner, dashboard_client):
        token = partner.install(dashboard_client, scope="users:read")

        dashboard_client.post(page_of(partner.app), form(allowed_scopes=["users:read", "users:write", "orders:read"]))

        assert ApiClient(token["access_token"]).post(USERS, {"email": "a@example.com"}).status_code == 403
        assert PartnerApp.objects.get().granted_scopes == ["users:read"]


class TestReplaceTheSecret:
    def test_replaced_secret_stops_working_and_the_new_one_works(self, partner, dashboard_client):
        token = partner.install(dashboard_client)
        former = partner.secret

        partner.secret = shown(dashboard_client.post(page_of(partner.app, "replace_secret")))["client_secret"]

        refused = partner.refresh(token["refresh_token"], client_secret=former)
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
        assert ApiClient(token["access_token"]).get(USERS).status_code == 200
        assert partner.refresh(token["refresh_token"]).status_code == 200


@pytest.mark.parametrize("decision", ["uninstall", "replace_secret"])
class TestDecision:
    def test_uninstall_and_replace_secret_ask_for_confirmation(self, partner, dashboard_client, decision):
        token = partner.install(dashboard_client)

        page = dashboard_client.get(page_of(partner.app, decision))

        assert partner.app.name in page.content.decode()
        assert partner.refresh(token["refresh_token"]).status_code == 200
        assert not AuditEvent.objects.filter(event__in=["app_uninstalled", "secret_replaced"]).exists()

    def test_uninstall_and_replace_secret_need_a_csrf_token(self, partner, dashboard_client, owner, decision):
        token = partner.install(dashboard_client)
        browser = Client(enforce_csrf_checks=True)
        browser.force_login(owner)

        assert browser.post(page_of(partner.app, decision)).status_code == 403
        assert partner.refresh(token["refresh_token"]).status_code == 200

    def test_uninstall_and_replace_secret_need_a_permission(self, partner, decision):
        browser = Client()
        browser.force_login(make_user(user_type="dashboard"))

        assert browser.post(page_of(partner.app, decision)).status_code == 403

    @each("pk", ["0", "x", "%00"])
    def test_uninstall_and_replace_secret_of_an_unknown_app_are_404(self, dashboard_client, decision, pk):
        assert dashboard_client.post(f"{APPS}{pk}/{decision}/").status_code == 404


class TestInstall:
    def test_install_link_redirects_to_the_app_with_the_store(self, partner, dashboard_client):
        response = dashboard_client.get(INSTALL, {"client_id": partner.client_id})

        assert response.status_code == 302
        assert response.headers["Location"] == f"{partner.app.app_url}?store=testserver"
        assert "no-store" in response.headers["Cache-Control"]

    def test_install_link_keeps_the_app_url_s_query_and_the_store_domain(self, partner, dashboard_client, settings):
        settings.STORE_DOMAIN = "shop.example"
        PartnerApp.objects.update(app_url="https://reviews.example/?plan=1")

        response = dashboard_client.get(INSTALL, {"client_id": partner.client_id})

        assert response.headers["Location"] == "https://reviews.example/?plan=1&store=shop.example"

    @each("client_id", ["", "unknown", "\0", "x" * 5_000])
    def test_install_link_of_an_unknown_app_is_404(self, partner, dashboard_client, client_id):
        assert dashboard_client.get(INSTALL, {"client_id": client_id}).status_code == 404


class TestOpen:
    def test_open_link_of_an_uninstalled_app_redirects_to_its_installation(self, partner, dashboard_client):
        response = dashboard_client.get(open_url(partner))

        assert (response.status_code, response.headers["Location"]) == (302, f"{INSTALL}?client_id={partner.client_id}")

    def test_open_link_of_a_public_client_has_no_session_token(self, public_partner, dashboard_client):
        PartnerApp.objects.update(installed_at="2026-01-01T00:00Z")

        response = dashboard_client.get(open_url(public_partner))

        assert response.headers["Location"] == f"{public_partner.app.app_url}?store=testserver"

    def test_open_link_with_an_unreadable_secret_leads_to_the_app_s_page(
        self, partner, dashboard_client, owner, settings
    ):
        partner.install(dashboard_client)
        settings.SECRET_KEY = "another"
        dashboard_client.force_login(owner)

        response = dashboard_client.get(open_url(partner), follow=True)

        assert response.redirect_chain == [(page_of(partner.app), 302)]
        assert b"Replace the client secret" in response.content
        assert not AuditEvent.objects.filter(event="app_opened").exists()

    def test_open_link_of_an_unknown_app_is_404(self, dashboard_client):
        assert dashboard_client.get("/dashboard/apps/unknown/open/").status_code == 404


def links(partner) -> list[str]:
    return [open_url(partner), f"{INSTALL}?client_id={partner.client_id}"]


class TestLinks:
    def test_links_to_a_private_app_are_404(self, api, dashboard_client):
        api()

        assert [dashboard_client.get(link).status_code for link in links(App.objects.get())] == [404, 404]

    @each("method", ["post", "put", "patch", "delete"])
    def test_links_take_get_only(self, partner, dashboard_client, method):
        assert [getattr(dashboard_client, method)(link).status_code for link in links(partner)] == [405, 405]


@each("visitor", ["anonymous", "customer"])
def test_app_pages_send_other_visitors_to_the_sign_in_page(partner, visitor):
    browser = Client()
    if visitor == "customer":
        browser.force_login(make_user())

    for url in (
        *links(partner),
        APPS,
        f"{APPS}add/",
        *(page_of(partner.app, name) for name in ("change", "uninstall")),
    ):
        response = browser.get(url)

        assert response.status_code == 302
        assert response.headers["Location"].startswith("/dashboard/login/?next=")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("page", ["change", "replace_secret"])
def test_app_settings_saved_meanwhile_are_kept(partner, dashboard_client, page):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        partner_apps.save_settings(partner.app.pk, {"theme": "dark"}, keep_others=True)
        answer = pool.submit(in_thread, dashboard_client.post, page_of(partner.app, page), form())
        wait_until_waiting(1)

    assert answer.result().status_code in (200, 302)
    assert PartnerApp.objects.get().settings == {"theme": "dark"}
