"""What an app is told, and by whom: state, store and issuer (RFC 6749, 4.1.2; RFC 9207; RFC 9700, 4.4 and 4.7)."""

from urllib.parse import parse_qsl

import pytest
from django.core.exceptions import ValidationError

from oauth.models import Grant, check_redirect_uris
from tests.support.cases import each
from tests.support.clients import USERS, ApiClient
from tests.support.oauth_outcomes import brought_back, is_refused_on_a_page
from tests.support.partner import AUTHORIZE, register_partner

DECISIONS = each("decision", ["authorize", "cancel"])


def decide(dashboard_client, url, decision="authorize") -> dict[str, str]:
    return brought_back(dashboard_client.post(url, {"decision": decision}))


class TestIssuer:
    @DECISIONS
    def test_issuer_in_every_answer_matches_the_metadata(self, partner, dashboard_client, decision):
        issuer = dashboard_client.get("/.well-known/oauth-authorization-server").json()["issuer"]

        back = decide(dashboard_client, partner.authorize_url(), decision)

        assert (back["iss"], back["store"]) == (issuer, "testserver")

    def test_issuer_is_in_errors(self, partner, dashboard_client):
        back = brought_back(dashboard_client.get(partner.authorize_url(scope="unknown", state="xyz")))

        assert back == {
            "error": "invalid_scope",
            "error_description": "Unknown scope: unknown",
            "state": "xyz",
            "store": "testserver",
            "iss": "http://testserver",
        }


class TestOwnQuery:
    @DECISIONS
    @each(
        "query",
        ["?k=%E9", "?/oauth/cb", "?a=1&a=2", "?", "?q=a+b%20c", "?x", "?x=&y==&&", "?next=%2F%3Fa", "?a;b=1"],
    )
    def test_query_of_the_redirect_uri_is_kept_as_it_is_registered(self, owner, dashboard_client, query, decision):
        registered = f"https://app.example/callback{query}"
        partner = register_partner(owner, redirect_uris=registered)

        response = dashboard_client.post(partner.authorize_url(state="xyz"), {"decision": decision})

        location = response.headers["Location"]
        assert location.startswith(registered)
        appended = dict(parse_qsl(location.removeprefix(registered).lstrip("&"), strict_parsing=True))
        assert appended.keys() >= {"state", "store", "iss"} | ({"code"} if decision == "authorize" else {"error"})

    @each("name", ["iss", "code", "state", "store", "error", "%69ss"])
    def test_redirect_uri_with_a_parameter_of_the_answer_is_refused(self, name):
        with pytest.raises(ValidationError, match="may not have the parameter"):
            check_redirect_uris(f"https://app.example/callback?{name}=https://evil.example")


class TestState:
    @DECISIONS
    @each("state", ["xyz", "a b+c&d=e%20", "é\N{SNOWMAN}", "\r\nSet-Cookie: a=b", "\0", 4_000 * "x"])
    def test_state_is_returned_unchanged(self, partner, dashboard_client, decision, state):
        assert decide(dashboard_client, partner.authorize_url(state=state), decision)["state"] == state

    def test_state_is_absent_where_none_was_sent(self, partner, dashboard_client):
        assert "state" not in decide(dashboard_client, partner.authorize_url())


class TestResponseType:
    @each(
        "asked, error",
        [
            ("token", "unsupported_response_type"),
            ("id_token", "unsupported_response_type"),
            ("id_token token", "unsupported_response_type"),
            ("CODE", "unsupported_response_type"),
            ("code token", "unauthorized_client"),
            ("code id_token", "unauthorized_client"),
            ("none", "unauthorized_client"),
            ("", "invalid_request"),
            (None, "invalid_request"),
        ],
    )
    def test_response_type_other_than_code_is_refused(self, partner, dashboard_client, asked, error):
        url = partner.authorize_url(response_type=asked)

        assert brought_back(dashboard_client.get(url))["error"] == error
        assert decide(dashboard_client, url)["error"] == error
        assert not Grant.objects.exists()

    @each("mode", ["query", "fragment", "form_post", "web_message", "jwt"])
    def test_code_is_in_the_query_in_every_response_mode(self, partner, dashboard_client, mode):
        """In the fragment the app's server would not see it, and whoever can read the page's address could."""
        back = decide(dashboard_client, partner.authorize_url(response_mode=mode))

        assert set(back) == {"code", "iss", "store"}


class TestScope:
    @each("scope",
        ["unknown", "admin:write", "orders:read", "users:read admin:write", "users:read,users:write", "USERS:READ", "*",
         "users:read\tusers:write", "users:read\0", "é", 10_000 * "x"],
    )  # fmt: skip
    def test_scope_beyond_the_allowed_ones_is_refused(self, partner, dashboard_client, scope):
        url = partner.authorize_url(scope=scope)

        assert brought_back(dashboard_client.get(url))["error"] == "invalid_scope"
        assert decide(dashboard_client, url)["error"] == "invalid_scope"
        assert not Grant.objects.exists()

    @each(
        "scope, description",
        [
            ("users:read campaign:read", "Unknown scope: campaign:read"),
            ("users:read admin:write", "The app may not ask for the scope admin:write"),
            ('"é\\', "Unknown scope: ???"),
        ],
    )
    def test_scope_that_is_refused_is_named(self, partner, dashboard_client, scope, description):
        back = brought_back(dashboard_client.get(partner.authorize_url(scope=scope)))

        assert (back["error"], back["error_description"]) == ("invalid_scope", description)

    @each("scopes", [[], ["campaigns:read", "assets:write"], ["users:read", "admin:write"]])
    def test_app_registered_without_scopes_may_ask_for_any(self, owner, dashboard_client, scopes):
        partner = register_partner(owner, allowed_scopes=[])

        issued = partner.install(dashboard_client, scope=" ".join(scopes))

        assert issued["scope"].split() == scopes
        assert partner.refresh(issued["refresh_token"]).json()["scope"].split() == scopes

    @each("scope", [None, ""])
    def test_scope_that_is_not_requested_is_not_granted(self, partner, dashboard_client, scope):
        issued = partner.install(dashboard_client, scope=scope)

        assert issued["scope"] == ""
        assert ApiClient(issued["access_token"]).get(USERS).status_code == 403

    def test_scope_is_read_with_unencoded_spaces(self, partner, dashboard_client):
        url = partner.authorize_url(scope=None) + "&scope=users:read users:write"

        code = decide(dashboard_client, url)["code"]

        assert partner.exchange(code).json()["scope"] == "users:read users:write"

    @each("scope", ["admin:write", "users:read users:write admin:write"])
    def test_scope_is_not_widened_at_the_token_endpoint(self, partner, dashboard_client, scope):
        code = partner.consent(dashboard_client, scope="users:read")["code"]

        assert partner.exchange(code, scope=scope).json()["scope"] == "users:read"


class TestQuery:
    @each("name", ["client_id", "redirect_uri", "response_type", "scope", "state"])
    def test_query_with_a_repeated_parameter_is_refused(self, partner, dashboard_client, name):
        value = {"client_id": partner.client_id, "redirect_uri": partner.redirect_uri, "response_type": "code"}
        url = f"{partner.authorize_url(state='x')}&{name}={value.get(name, 'x')}"

        assert is_refused_on_a_page(dashboard_client.get(url))
        assert is_refused_on_a_page(dashboard_client.post(url, {"decision": "authorize"}))
        assert not Grant.objects.exists()

    @each("query", ["client_id=%zz", "%", "client_id=%0", "=", "&&&", "%00=%00", "client_id=%FF", "\xff"])
    def test_query_that_is_unreadable_is_refused(self, dashboard_client, query):
        assert is_refused_on_a_page(dashboard_client.get(f"{AUTHORIZE}?{query}"))

    @each("end", ["state=%zz", "state=%FF", "%", 2_000 * "x=&", 2_000 * "&"])
    def test_query_with_an_odd_end_is_answered(self, partner, dashboard_client, end):
        assert dashboard_client.get(f"{partner.authorize_url()}&{end}").status_code in (200, 400)

    @each("method", ["put", "patch", "delete", "options"])
    def test_authorization_endpoint_takes_get_and_post_only(self, partner, dashboard_client, method):
        assert getattr(dashboard_client, method)(partner.authorize_url()).status_code == 405

    def test_authorization_endpoint_sends_no_cors_headers(self, partner, dashboard_client):
        page = dashboard_client.get(partner.authorize_url(), headers={"Origin": "https://evil.example"})

        assert "Access-Control-Allow-Origin" not in page.headers
