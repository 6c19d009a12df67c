"""Where a browser may be sent with a code: exactly where the app was registered for (RFC 9700, 2.1 and 4.1)."""

import pytest
from django.core.exceptions import ValidationError

from oauth.models import App, Grant, check_app_uri
from tests.support.cases import each
from tests.support.oauth_outcomes import is_refused_on_a_page
from tests.support.partner import register_partner

REGISTERED = "https://app.example/callback"
TRICKS = {
    "prefix": "https://app.example/call",
    "suffix": "https://app.example/callbackx",
    "deeper": "https://app.example/callback/deeper",
    "trailing slash": "https://app.example/callback/",
    "added query": "https://app.example/callback?next=https://evil.example",
    "empty query": "https://app.example/callback?",
    "parameters": "https://app.example/callback;x=1",
    "fragment": "https://app.example/callback#evil",
    "empty fragment": "https://app.example/callback#",
    "userinfo": "https://app.example@evil.example/callback",
    "userinfo of the host": "https://evil@app.example/callback",
    "password": "https://app.example:443@evil.example/callback",
    "backslash": "https://evil.example\\@app.example/callback",
    "path traversal": "https://app.example/callback/../callback",
    "encoded traversal": "https://app.example/callback/%2e%2e/callback",
    "encoded character": "https://app.example/c%61llback",
    "encoded slash": "https://app.example%2Fcallback",
    "case of scheme": "HTTPS://app.example/callback",
    "case of host": "https://APP.example/callback",
    "case of path": "https://app.example/Callback",
    "default port": "https://app.example:443/callback",
    "other port": "https://app.example:8443/callback",
    "subdomain": "https://evil.app.example/callback",
    "longer domain": "https://app.example.evil.example/callback",
    "dot after host": "https://app.example./callback",
    "plain HTTP": "http://app.example/callback",
    "scheme-relative": "//app.example/callback",
    "path alone": "/callback",
    "script": "javascript:alert(document.domain)//https://app.example/callback",
    "data": "data:text/html,https://app.example/callback",
    "homograph": "https://\N{CYRILLIC SMALL LETTER A}pp.example/callback",
    "punycode of it": "https://xn--pp-7kc.example/callback",
    "fullwidth": "https://app.example\N{FULLWIDTH SOLIDUS}callback",
    "line break": "https://app.example/callback\r\nLocation: https://evil.example",
    "tab": "https://app.example/call\tback",
    "NUL": "https://app.example/callback\0",
    "space before": " https://app.example/callback",
    "space after": "https://app.example/callback ",
    "two in one": "https://app.example/callback https://evil.example/",
    "wildcard": "https://app.example/*",
    "oversized": f"https://app.example/callback?{100_000 * 'x'}",
}


@pytest.fixture
def partner(owner):
    return register_partner(owner, redirect_uris=REGISTERED)


class TestAuthorizationRequest:
    @each("uri", TRICKS)
    def test_redirect_uri_that_is_not_registered_shows_a_page(self, partner, dashboard_client, uri):
        url = partner.authorize_url(redirect_uri=uri)

        assert is_refused_on_a_page(dashboard_client.get(url))
        assert is_refused_on_a_page(dashboard_client.post(url, {"decision": "authorize"}))
        assert not Grant.objects.exists()

    def test_redirect_uri_that_is_wrong_with_another_error_shows_a_page(self, partner, dashboard_client):
        url = partner.authorize_url(redirect_uri="https://evil.example/", response_type="token", scope="unknown")

        assert is_refused_on_a_page(dashboard_client.get(url))

    @each(
        "uris",
        [("https://evil.example/", REGISTERED), (REGISTERED, "https://evil.example/"), (REGISTERED, REGISTERED)],
    )
    def test_redirect_uri_given_twice_shows_a_page(self, partner, dashboard_client, uris):
        first, second = uris
        url = f"{partner.authorize_url(redirect_uri=first)}&redirect_uri={second}"

        assert is_refused_on_a_page(dashboard_client.get(url))
        assert is_refused_on_a_page(dashboard_client.post(url, {"decision": "authorize"}))
        assert not Grant.objects.exists()

    def test_redirect_uri_left_out_with_several_registered_shows_a_page(self, owner, dashboard_client):
        partner = register_partner(owner, redirect_uris=f"{REGISTERED} https://app.example/other")

        assert is_refused_on_a_page(dashboard_client.get(partner.authorize_url(redirect_uri=None)))

    @each(
        "registered, other",
        [
            ("http://localhost/callback", "http://127.0.0.1/callback"),
            ("http://127.0.0.1/callback", "http://localhost/callback"),
            ("http://127.0.0.1/callback", "http://127.0.0.1:8080/callback"),
            ("http://127.0.0.1/callback", "http://[::1]/callback"),
            ("http://127.0.0.1:8080/callback", "http://127.0.0.1:8081/callback"),
        ],
    )
    def test_redirect_uri_of_another_loopback_address_shows_a_page(self, owner, dashboard_client, registered, other):
        partner = register_partner(owner, redirect_uris=registered)

        assert dashboard_client.get(partner.authorize_url(redirect_uri=registered)).status_code == 200
        assert is_refused_on_a_page(dashboard_client.get(partner.authorize_url(redirect_uri=other)))

    def test_redirect_uri_that_is_registered_gets_the_answer(self, owner, dashboard_client):
        partner = register_partner(
            owner, redirect_uris="https://app.example/callback?tenant=1&x=%2F https://b.example/"
        )

        response = dashboard_client.post(partner.authorize_url(), {"decision": "authorize"})

        assert response.headers["Location"].startswith("https://app.example/callback?tenant=1&x=%2F&code=")


class TestUnknownApp:
    @each("client_id", ["unknown", "", None, "a\0b", "é", 10_000 * "x"])
    def test_unknown_client_id_redirects_nowhere(self, partner, dashboard_client, client_id):
        assert is_refused_on_a_page(dashboard_client.get(partner.authorize_url(client_id=client_id)))

    def test_private_app_redirects_nowhere(self, api, dashboard_client, partner):
        api()
        private = App.objects.get(kind="private")
        private.redirect_uris = partner.redirect_uri
        private.save()

        assert is_refused_on_a_page(dashboard_client.get(partner.authorize_url(client_id=private.client_id)))


NEVER_REGISTERED = [
    "",
    "app.example/callback",
    "//app.example/callback",
    "/callback",
    "https:",
    "https:///callback",
    "javascript:alert(1)",
    "data:text/html,x",
    "ftp://app.example/",
    "com.example.app:/callback",
    "http://app.example/callback",
    "http://127.0.0.1.evil.example/",
    "http://localhost.evil.example/",
    "http://0.0.0.0/",
    "http://192.168.0.1/",
    "https://user@app.example/",
    "https://user:password@app.example/",
    "https://@app.example/",
    "https://app.example/#fragment",
    "https://app.example/#",
    "https://*.example/",
    "https://evil.example\\@app.example/",
    "https://app.example:99999/",
    "https://app.example:port/",
    "https://[::1/",
    "https://\N{CYRILLIC SMALL LETTER A}pp.example/",
    "https://app.example/\N{LATIN SMALL LETTER E WITH ACUTE}",
    "https://app.example/a b",
    "https://app.example/\r\n",
    "https://app.example/\t",
    "https://app.example/\0",
    "https://evil.example;sandbox/callback",
    "https://evil.example,x/callback",
    "https://evil.example'x'/callback",
    'https://evil.example"/callback',
    "https://[fe80::1%;sandbox]/callback",
    "https://[v1.x;sandbox]/callback",
    "https://-app.example/callback",
    "https://app..example/callback",
    "https://a_b.example/callback",
    f"https://{'a' * 64}.example/callback",
]


@pytest.mark.once
class TestRegistration:
    @each("development", [True, False])
    @each("uri", NEVER_REGISTERED)
    def test_registration_refuses_unsafe_redirect_uris(self, settings, uri, development):
        settings.DEVELOPMENT = development

        with pytest.raises(ValidationError):
            check_app_uri(uri)

    @each(
        "host",
        ["app.example", "APP.example.", "xn--bcher-kva.example", "a-b.c1", "crm:8443", "192.0.2.1", "[2001:db8::1]:8"],
    )
    def test_registration_takes_every_kind_of_host(self, host):
        check_app_uri(f"https://{host}/callback;v=1,2?a;b")

    @each("host", ["localhost", "localhost:8000", "127.0.0.1", "[::1]:8000"])
    def test_registration_takes_local_http_in_development_only(self, settings, host):
        settings.DEVELOPMENT = True
        check_app_uri(f"http://{host}/callback")

        settings.DEVELOPMENT = False
        with pytest.raises(ValidationError):
            check_app_uri(f"http://{host}/callback")
