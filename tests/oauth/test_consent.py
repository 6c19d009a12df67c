"""The page that asks a member of staff: who sees it, what grants, and what it leaves behind (RFC 9700, 2.4 to 4.16)."""

import re
from urllib.parse import quote

import pytest
from django.shortcuts import resolve_url
from django.test import Client
from oauth2_provider.views.mixins import OAuthLibMixin

from customers.models import UserType
from oauth.audit.models import AuditEvent
from oauth.models import App, Grant, PartnerApp
from oauth.views import AuthorizationView
from tests.support.cases import each
from tests.support.factories import make_owner, make_user
from tests.support.oauth_outcomes import brought_back, is_live, logged
from tests.support.pages import opened_next
from tests.support.partner import TOKEN, register_partner

SIGN_IN = "/dashboard/login/"
PASSWORD = "correct horse battery staple"
AUTHORIZE = {"decision": "authorize"}


def items(page, kind: str) -> list[str]:
    """Of a list on the page: `<ul class="...">` of this kind, or the plain one."""
    found = re.search(rf"<ul{kind}>(.*?)</ul>", page.content.decode())
    return re.findall("<li>(.*?)</li>", found[1]) if found else []


class TestSignIn:
    @pytest.fixture
    def browser(self, db):
        make_owner(email="olive@store.example", password=PASSWORD)
        return Client(raise_request_exception=False)

    @staticmethod
    def sign_in(browser, url, email="olive@store.example"):
        return browser.post(url, {"username": email, "password": PASSWORD})

    def test_authorization_needs_sign_in_and_returns_to_the_request(self, partner, browser):
        url = partner.authorize_url(state="a b&c")

        asked = browser.get(url)

        assert asked.headers["Location"] == f"{SIGN_IN}?next={quote(url)}"
        back = self.sign_in(browser, asked.headers["Location"])
        assert opened_next(back) == url
        assert b"Authorize" in browser.get(url).content

    @each(
        "url",
        ["/dashboard/apps/install-app/?client_id=a&b=%22%3E", "/oauth2/authorize/?a=;b", "/dashboard/apps/a/open/"],
    )
    def test_sign_in_does_not_redirect_to_a_page_that_leads_to_apps(self, browser, url):
        """Or its form would need a policy that lets it lead anywhere."""
        page = browser.get(f"{SIGN_IN}?next={quote(url)}")

        answer = self.sign_in(browser, f"{SIGN_IN}?next={quote(url)}")

        assert "form-action 'self';" in f"{page.headers['Content-Security-Policy']};"
        assert (answer.status_code, opened_next(answer)) == (200, url)

    def test_authorization_error_is_not_redirected_before_sign_in(self, partner, browser):
        """Or anybody could be sent to an app by a link to the store (RFC 9700, 4.11.2)."""
        response = browser.get(partner.authorize_url(scope="unknown"))

        assert response.headers["Location"].startswith(SIGN_IN)

    def test_consent_needs_sign_in(self, partner, browser):
        assert browser.post(partner.authorize_url(), AUTHORIZE).headers["Location"].startswith(SIGN_IN)
        assert not Grant.objects.exists()

    @each(
        "target",
        [
            "https://evil.example/",
            "//evil.example/",
            "///evil.example/",
            "/\\evil.example/",
            "\\\\evil.example/",
            "https:evil.example",
            "javascript:alert(1)",
            "http://testserver@evil.example/",
            " //evil.example",
            "/\t/evil.example",
        ],
    )
    def test_sign_in_redirects_to_no_other_site(self, browser, settings, target):
        response = self.sign_in(browser, f"{SIGN_IN}?next={quote(target)}")

        assert response.headers["Location"] == resolve_url(settings.LOGIN_REDIRECT_URL)

    @each("user_type", [kind for kind in UserType if kind != UserType.DASHBOARD])
    def test_consent_is_for_staff_only(self, partner, browser, user_type):
        customer = make_user(email="ada@example.com", user_type=user_type)
        customer.set_password(PASSWORD)
        customer.save()

        self.sign_in(browser, SIGN_IN, email=customer.email)
        assert "_auth_user_id" not in browser.session

        browser.force_login(customer)
        assert browser.get(partner.authorize_url()).headers["Location"].startswith(SIGN_IN)
        assert browser.post(partner.authorize_url(), AUTHORIZE).headers["Location"].startswith(SIGN_IN)
        assert not Grant.objects.exists()

    def test_consent_of_a_deactivated_member_is_refused(self, partner, dashboard_client, owner):
        owner.is_active = False
        owner.save()

        assert dashboard_client.post(partner.authorize_url(), AUTHORIZE).headers["Location"].startswith(SIGN_IN)
        assert not Grant.objects.exists()


class TestDecision:
    @pytest.fixture
    def careful(self, owner) -> Client:
        """A browser whose forms are checked."""
        browser = Client(enforce_csrf_checks=True)
        browser.force_login(owner)
        return browser

    def test_consent_without_a_csrf_token_is_refused(self, partner, careful):
        careful.get(partner.authorize_url())

        assert careful.post(partner.authorize_url(), AUTHORIZE).status_code == 403
        assert not Grant.objects.exists()
        assert not PartnerApp.objects.get().installed_at

    def test_consent_by_the_page_s_own_form_is_accepted(self, partner, careful):
        page = careful.get(partner.authorize_url())
        token = re.search('name="csrfmiddlewaretoken" value="(.+?)"', page.content.decode())[1]

        assert "code" in brought_back(
            careful.post(partner.authorize_url(), {**AUTHORIZE, "csrfmiddlewaretoken": token})
        )

    @each(
        "extra",
        [{}, {"approval_prompt": "auto"}, {"prompt": "none"}, {"decision": "authorize"}, {"allow": "true"}],
    )
    @each("method", ["get", "head"])
    @each("is_installed", [True, False])
    def test_consent_is_never_given_by_a_link(self, partner, dashboard_client, extra, method, is_installed):
        if is_installed:
            partner.install(dashboard_client)
            Grant.objects.all().delete()

        page = getattr(dashboard_client, method)(partner.authorize_url(**extra))

        assert page.status_code == 200
        assert not Grant.objects.exists()

    @each("decision", ["", "Authorize", "true", "authorize\0", None])
    def test_decision_other_than_authorize_is_denial(self, partner, dashboard_client, decision):
        form = {} if decision is None else {"decision": decision}

        assert brought_back(dashboard_client.post(partner.authorize_url(), form))["error"] == "access_denied"
        assert not Grant.objects.exists()

    @each(
        "field",
        [
            {"scope": "users:write"},
            {"state": "forged"},
            {"redirect_uri": "https://evil.example/"},
            {"redirect_uri": "https://app.example/other"},
            {"client_id": "forged"},
            {"response_type": "token"},
            {"code_challenge": 43 * "x", "code_challenge_method": "S256"},
            {"user": "1", "scopes": "users:write"},
        ],
    )
    @each("asked", [{"scope": None}, {"scope": "users:read", "state": "own"}])
    def test_consent_grants_what_the_url_says_and_nothing_from_the_form(self, owner, dashboard_client, asked, field):
        partner = register_partner(owner, redirect_uris="https://app.example/callback https://app.example/other")

        response = dashboard_client.post(partner.authorize_url(**asked), {**AUTHORIZE, **field})

        grant = Grant.objects.get()
        assert (grant.scope, grant.redirect_uri) == (asked["scope"] or "", partner.redirect_uri)
        assert grant.code_challenge == ""
        assert grant.application_id == partner.app.pk
        assert response.headers["Location"].startswith(f"{partner.redirect_uri}?")
        assert brought_back(response).get("state") == asked.get("state")

    def test_consent_reads_the_url_only_even_after_a_token_request(self, partner, dashboard_client, monkeypatch):
        for view in (OAuthLibMixin, AuthorizationView):  # as after a start
            monkeypatch.delattr(view, "_oauthlib_core", raising=False)
        partner.post(TOKEN)

        dashboard_client.post(partner.authorize_url(scope=None), {**AUTHORIZE, "scope": "users:write"})

        assert Grant.objects.get().scope == ""

    def test_denial_is_sent_to_the_app_and_installs_nothing(self, partner, dashboard_client):
        response = dashboard_client.post(partner.authorize_url(state="a b&c"), {"decision": "cancel"})

        assert response.headers["Location"].startswith(f"{partner.redirect_uri}?")
        assert brought_back(response) == {
            "error": "access_denied",
            "state": "a b&c",
            "store": "testserver",
            "iss": "http://testserver",
        }
        assert not PartnerApp.objects.get().installed_at
        assert logged("consent_refused", partner.client_id)


class TestPage:
    @each("path", ["{}", f"{SIGN_IN}?next={{}}", "/oauth2/authorize/"])
    def test_consent_page_is_not_shown_in_a_frame(self, partner, dashboard_client, path):
        page = dashboard_client.get(path.format(partner.authorize_url()))

        assert page.headers["X-Frame-Options"] == "DENY"
        assert page.headers["Referrer-Policy"] == "same-origin"

    def test_consent_page_policy_allows_only_the_app_as_target(self, partner, dashboard_client):
        page = dashboard_client.get(partner.authorize_url())

        policy = dict(part.split(" ", 1) for part in page.headers["Content-Security-Policy"].split("; "))
        assert policy["frame-ancestors"] == policy["default-src"] == policy["base-uri"] == "'none'"
        assert policy["form-action"] == "'self' https://app1.example"
        assert "no-store" in page.headers["Cache-Control"]

    @each("uri", ["https://evil.example;sandbox/cb", "https://evil.example,a/cb", "https://evil.example 'unsafe'/cb"])
    def test_consent_page_policy_takes_no_directive_from_a_redirect_uri(self, partner, dashboard_client, uri):
        """Of an app that was registered by other means than the dashboard, which refuses such a host."""
        App.objects.filter(pk=partner.app.pk).update(redirect_uris=uri)

        page = dashboard_client.get(partner.authorize_url(redirect_uri=uri))

        policy = page.headers["Content-Security-Policy"]
        assert "evil" not in policy
        assert "sandbox" not in policy
        assert "form-action 'self';" in f"{policy};"

    def test_consent_page_escapes_the_app_s_name(self, owner, dashboard_client):
        partner = register_partner(owner, name="<script>alert(1)</script>")

        page = dashboard_client.get(partner.authorize_url()).content

        assert b"&lt;script&gt;alert(1)" in page
        assert b"<script>alert" not in page

    def test_consent_page_shows_the_redirect_host(self, partner, dashboard_client):
        assert b"app1.example" in dashboard_client.get(partner.authorize_url()).content


class TestAgain:
    def test_second_consent_marks_new_scopes(self, partner, dashboard_client):
        partner.install(dashboard_client, scope="users:read")

        page = dashboard_client.get(partner.authorize_url())

        assert items(page, ' class="oauth-new"') == ["Add and change customers"]
        assert items(page, "") == ["See customers"]

    def test_second_consent_marks_nothing_where_nothing_is_new(self, partner, dashboard_client):
        partner.install(dashboard_client)

        page = dashboard_client.get(partner.authorize_url())

        assert items(page, ' class="oauth-new"') == []
        assert items(page, "") == ["See customers", "Add and change customers"]

    def test_consent_after_uninstallation_marks_all_scopes(self, partner, dashboard_client):
        partner.install(dashboard_client)
        dashboard_client.post(f"/dashboard/oauth/partnerapp/{partner.app.pk}/uninstall/")

        page = dashboard_client.get(partner.authorize_url())

        assert items(page, ' class="oauth-new"') == ["See customers", "Add and change customers"]

    def test_second_consent_is_logged_with_new_scopes(self, partner, dashboard_client, owner):
        former = partner.install(dashboard_client, scope="users:read")

        latter = partner.install(dashboard_client)

        event = AuditEvent.objects.filter(event="consented").latest("id")
        assert event.actor == owner.email
        assert event.detail == {"scopes": ["users:read", "users:write"], "new": ["users:write"]}
        assert is_live(former["access_token"])
        assert latter["scope"] == "users:read users:write"


class TestInstallLink:
    def test_list_of_apps_is_where_the_platform_s_samples_send_the_browser(self, partner, dashboard_client):
        response = dashboard_client.get("/dashboard/apps/", follow=True)

        assert response.status_code == 200
        assert partner.app.name in response.content.decode()

    @each("extra", ["&next=https://evil.example/", "&app_url=https://evil.example/", "&store=evil.example"])
    def test_install_link_leads_to_the_registered_page_only(self, partner, dashboard_client, extra):
        response = dashboard_client.get(f"/dashboard/apps/install-app/?client_id={partner.client_id}{extra}")

        assert response.headers["Location"] == "https://app1.example/?store=testserver"

    @each("client_id", ["", "unknown", "%00", "https://evil.example/", "%zz"])
    def test_install_link_of_an_unknown_app_is_404(self, dashboard_client, client_id):
        assert dashboard_client.get(f"/dashboard/apps/install-app/?client_id={client_id}").status_code == 404

    def test_install_link_with_a_forged_host_is_refused(self, partner, dashboard_client):
        link = f"/dashboard/apps/install-app/?client_id={partner.client_id}"

        assert dashboard_client.get(link, headers={"Host": "evil.example"}).status_code == 400
