"""How tokens and requests for them travel: in headers and bodies, never in URLs (RFC 6750, 2.3; RFC 9700, 4.3)."""

from django.test.client import MULTIPART_CONTENT

from oauth.models import AccessToken
from tests.support.cases import each
from tests.support.clients import USERS, ApiClient
from tests.support.oauth_outcomes import error_of, is_live
from tests.support.partner import FORM, INTROSPECT, REVOKE, TOKEN

ENDPOINTS = each("endpoint", [TOKEN, REVOKE, INTROSPECT])
BROKEN_BODIES = {
    "nothing": b"",
    "noise": b"\xff\xfe\x00\x01",
    "percent": b"grant_type=%zz&code=%&client_id=%0",
    "not UTF-8": b"grant_type=%FF&code=%FF&client_id=%FF&token=%FF",
    "NUL": b"grant_type=%00&code=%00&client_id=%00&client_secret=%00&refresh_token=%00&token=%00",
    "raw NUL": b"client_id=\0&token=\0",
    "surrogates": b"client_id=%ED%A0%80&token=%ED%A0%80",
    "delimiters": b"&&&===&&;;;",
    "JSON": b'{"grant_type": "authorization_code"}',
    "long": b"client_id=" + 100_000 * b"x",
}


class TestAccessToken:
    @each("name", ["access_token", "token", "bearer_token"])
    def test_access_token_in_a_url_is_refused(self, partner, dashboard_client, anonymous, name):
        token = partner.install(dashboard_client)["access_token"]

        assert anonymous.get(f"{USERS}?{name}={token}").status_code == 401

    @each("post", ["post", "post_form", "post_multipart"])
    def test_access_token_in_a_body_is_refused(self, partner, dashboard_client, anonymous, post):
        body = {"access_token": partner.install(dashboard_client)["access_token"], "email": "ada@example.com"}

        assert getattr(anonymous, post)(USERS, body).status_code == 401

    def test_session_cookie_is_refused_by_the_api(self, dashboard_client):
        assert dashboard_client.get(USERS).status_code == 401

    @each("scheme", ["Basic", "Token", "MAC", ""])
    def test_access_token_under_another_scheme_is_refused(self, partner, dashboard_client, anonymous, scheme):
        token = partner.install(dashboard_client)["access_token"]

        assert anonymous.get(USERS, headers={"Authorization": f"{scheme} {token}"}).status_code == 401

    @each("token", ["", "shc_", "\0", "é", "a b", "null", 42 * "0", 90_000 * "x"])
    def test_unknown_access_token_is_refused(self, db, token):
        refused = ApiClient().get(USERS, headers={"Authorization": f"Bearer {token}"})

        assert refused.status_code == 401
        assert 'error="invalid_token"' in refused.headers["WWW-Authenticate"]

    @each(
        "body, content_type",
        [
            ("{", "application/json"),
            (5_000 * "[", "application/json"),
            ("%zz", FORM),
            (b"\xff", "application/json"),
            ("x", "text/plain"),
            ("x", "multipart/form-data"),
        ],
    )
    def test_access_token_is_checked_before_the_body_is_read(self, db, body, content_type):
        assert ApiClient("shc_unknown").post(USERS, body, content_type).status_code == 401


class TestEndpoints:
    @ENDPOINTS
    def test_client_endpoints_take_nothing_from_the_url(self, partner, dashboard_client, endpoint):
        issued = partner.install(dashboard_client)
        query = f"client_id={partner.client_id}&client_secret={partner.secret}&token={issued['access_token']}"

        refused = partner.http.post(f"{endpoint}?{query}", {}, headers={"Content-Type": FORM})

        assert error_of(refused) == "invalid_request"
        assert is_live(issued["access_token"])

    @ENDPOINTS
    @each("query", ["%zz", "x", "=", "\0", "\xff", "a=%00"])
    def test_client_endpoints_refuse_any_query_string(self, partner, endpoint, query):
        assert error_of(partner.post(f"{endpoint}?{query}", token="x")) == "invalid_request"

    @ENDPOINTS
    @each("method", ["get", "head", "put", "patch", "delete", "options", "trace"])
    def test_client_endpoints_take_post_only(self, partner, endpoint, method):
        assert getattr(partner.http, method)(endpoint).status_code == 405

    @ENDPOINTS
    @each("content_type", [FORM, "multipart/form-data; boundary=x", "application/json", "text/plain"])
    @each("body", BROKEN_BODIES)
    def test_client_endpoints_refuse_broken_bodies(self, partner, endpoint, content_type, body):
        refused = partner.http.post(endpoint, body, content_type)

        assert refused.status_code in (400, 401, 413)
        assert not AccessToken.objects.exists()

    @each("content_type", ["application/json", "text/plain"])
    def test_token_endpoint_takes_forms_only(self, partner, dashboard_client, content_type):
        code = partner.consent(dashboard_client)["code"]
        body = {"grant_type": "authorization_code", "code": code, "redirect_uri": partner.redirect_uri,
                "client_id": partner.client_id, "client_secret": partner.secret}  # fmt: skip
        sent = body if content_type == "application/json" else "&".join(f"{name}={body[name]}" for name in body)

        assert error_of(partner.http.post(TOKEN, sent, content_type))

    @ENDPOINTS
    @each("body", [2_000_000 * "x", "&".join(f"a{number}=1" for number in range(1_001))])
    def test_client_endpoints_refuse_oversized_bodies(self, partner, endpoint, body):
        assert partner.http.post(endpoint, body, FORM).status_code in (400, 413)

    @each("name", ["grant_type", "code", "redirect_uri", "client_id", "client_secret", "code_verifier"])
    def test_token_endpoint_refuses_repeated_parameters(self, partner, dashboard_client, name):
        """RFC 6749, 3.2: whoever reads the first and whoever reads the last would see two requests."""
        code = partner.consent(dashboard_client)["code"]
        right = {"grant_type": "authorization_code", "code": code, "redirect_uri": partner.redirect_uri,
                 "client_id": partner.client_id, "client_secret": partner.secret}  # fmt: skip
        body = [(name, "x"), (name, "x"), *right.items()] if name not in right else [(name, "x"), *right.items()]

        refused = partner.http.post(TOKEN, "&".join(f"{key}={value}" for key, value in body), FORM)

        assert error_of(refused) == "invalid_request"

    @ENDPOINTS
    def test_client_endpoints_send_no_cors_headers(self, partner, endpoint):
        response = partner.http.post(endpoint, {"token": "x"}, headers={"Origin": "https://evil.example"})

        assert "Access-Control-Allow-Origin" not in response.headers

    def test_token_response_forbids_caching(self, partner, dashboard_client):
        code = partner.consent(dashboard_client)["code"]

        assert "no-store" in partner.exchange(code).headers["Cache-Control"]


class TestGrantType:
    @each(
        "grant_type",
        [
            "password",
            "client_credentials",
            "implicit",
            "openid",
            "urn:ietf:params:oauth:grant-type:device_code",
            "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "urn:ietf:params:oauth:grant-type:token-exchange",
            "AUTHORIZATION_CODE",
            "authorization_code ",
            "\0",
            "",
            None,
        ],
    )
    def test_grant_type_other_than_code_or_refresh_token_is_refused(self, partner, public_partner, owner, grant_type):
        credentials = {"username": owner.email, "password": "x", "code": "x", "device_code": "x", "assertion": "x"}

        for app in (partner, public_partner):
            refused = app.post(TOKEN, grant_type=grant_type, scope="users:read", **credentials)

            assert error_of(refused) in ("unsupported_grant_type", "invalid_request")
        assert not AccessToken.objects.exists()

    @each("path", ["device-authorization/", "device/", "register/", "applications/", "authorized_tokens/"])
    def test_other_endpoints_of_the_toolkit_are_404(self, dashboard_client, path):
        assert dashboard_client.get(f"/oauth2/{path}").status_code == 404


class TestParameters:
    """oauthlib makes attributes of them."""

    @each("name", ["refresh_token_instance", "encoding", "client", "user", "scopes", "grant"])
    def test_unknown_parameters_change_nothing(self, partner, dashboard_client, name):
        code = partner.consent(dashboard_client)["code"]

        answer = partner.exchange(code, basic=True, **{name: "x"})

        assert answer.status_code == 200
        assert answer.json()["scope"] == "users:read users:write"

    @each("content_type", [MULTIPART_CONTENT, "multipart/form-data; boundary=x; charset=hex"])
    def test_multipart_body_is_refused(self, partner, content_type):
        answer = partner.http.generic("POST", TOKEN, b"--x\r\n", content_type)

        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
