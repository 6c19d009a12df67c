"""Who an app is: its secret, sent in one way alone, and compared in constant time (RFC 6749, 2.3; RFC 9700, 2.5)."""

import secrets
from base64 import b64encode
from unittest.mock import Mock
from urllib.parse import urlencode

from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.support.cases import each
from tests.support.clients import USERS, ApiClient
from tests.support.oauth_outcomes import error_of, is_live
from tests.support.partner import FORM, INTROSPECT, REVOKE, TOKEN

ENDPOINTS = each("endpoint", [TOKEN, REVOKE, INTROSPECT])
ATTEMPT = {"grant_type": "authorization_code", "code": "x", "token": "x"}


def basic(text: str | bytes) -> dict[str, str]:
    raw = text if isinstance(text, bytes) else text.encode()
    return {"Authorization": f"Basic {b64encode(raw).decode()}"}


class TestSecret:
    @ENDPOINTS
    @each("by_header", [True, False])
    @each("secret", ["", "guessed", "\0", "é", 90_000 * "x"])
    def test_wrong_secret_is_refused(self, partner, endpoint, by_header, secret):
        partner.secret = secret

        refused = partner.post(endpoint, by_header, **ATTEMPT)

        assert error_of(refused) == "invalid_client"
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"].startswith("Basic ")

    @ENDPOINTS
    @each("column", ["client_secret", "signing_secret"])
    def test_secret_as_stored_in_the_database_is_refused(self, partner, endpoint, column):
        partner.secret = type(partner.app).objects.values_list(column, flat=True).get()

        assert error_of(partner.post(endpoint, **ATTEMPT)) == "invalid_client"

    @each("by_header", [True, False])
    def test_right_secret_is_accepted_in_header_or_body(self, partner, dashboard_client, by_header):
        code = partner.consent(dashboard_client)["code"]

        assert partner.exchange(code, basic=by_header).status_code == 200

    @each("client_id", ["unknown", "", "a\0b", "é", 10_000 * "x"])
    @ENDPOINTS
    @each("by_header", [True, False])
    def test_unknown_client_is_refused(self, partner, endpoint, by_header, client_id):
        partner.client_id = client_id

        assert error_of(partner.post(endpoint, by_header, **ATTEMPT)) == "invalid_client"

    @ENDPOINTS
    def test_secret_of_another_app_is_refused(self, partner, other_partner, endpoint):
        partner.secret = other_partner.secret

        assert error_of(partner.post(endpoint, **ATTEMPT)) == "invalid_client"

    def test_secret_of_a_public_client_is_refused(self, public_partner):
        assert error_of(public_partner.post(REVOKE, token="x", client_secret="guessed")) == "invalid_client"


class TestTwoWaysAtOnce:
    """RFC 6749, 2.3: one method in each request."""

    @each("header", ["wrong:secret", ":", "{client_id}:wrong"])
    def test_wrong_header_with_a_right_body_is_refused(self, partner, dashboard_client, header):
        code = partner.consent(dashboard_client)["code"]
        body = {"grant_type": "authorization_code", "code": code, "redirect_uri": partner.redirect_uri,
                "client_id": partner.client_id, "client_secret": partner.secret}  # fmt: skip

        headers = basic(header.format(client_id=partner.client_id))

        assert error_of(partner.http.post(TOKEN, urlencode(body), FORM, headers=headers)) == "invalid_client"

    def test_header_and_body_of_two_apps_are_refused(self, partner, other_partner, dashboard_client):
        code = other_partner.consent(dashboard_client)["code"]

        refused = partner.exchange(
            code, basic=True, client_id=other_partner.client_id, redirect_uri=other_partner.redirect_uri
        )

        assert error_of(refused)

    def test_header_and_body_of_two_apps_revoke_no_token(self, partner, other_partner, dashboard_client):
        issued = other_partner.install(dashboard_client)

        partner.post(REVOKE, basic=True, client_id=other_partner.client_id, token=issued["access_token"])

        assert is_live(issued["access_token"])


class TestBrokenHeader:
    @ENDPOINTS
    @each(
        "header",
        [
            "Basic",
            "Basic ",
            "Basic  ",
            "Basic !!!!",
            "Basic YQ",
            "Basic é",
            "Basic \xff\xfe",
            "basic YTpi",
            "Bearer YTpi",
            "Negotiate",
            basic("no colon")["Authorization"],
            basic(":")["Authorization"],
            basic("a:b:c")["Authorization"],
            basic("%zz:%")["Authorization"],
            basic("%00:%00")["Authorization"],
            basic("\0:\0")["Authorization"],
            basic(b"\xff\xfe:\xff")["Authorization"],
            f"Basic {100_000 * 'A'}",
        ],
    )
    def test_broken_authorization_header_is_refused(self, partner, endpoint, header):
        refused = partner.http.post(endpoint, urlencode(ATTEMPT), FORM, headers={"Authorization": header})

        assert error_of(refused) == "invalid_client"
        assert refused.status_code == 401


class TestComparison:
    def test_secret_is_compared_in_constant_time(self, partner, monkeypatch):
        compare = Mock(wraps=secrets.compare_digest)
        monkeypatch.setattr("secrets.compare_digest", compare)

        partner.post(REVOKE, token="x", client_secret="guessed")

        compared = [argument for call in compare.call_args_list for argument in call.args]
        assert partner.app.client_secret.encode() in compared

    def test_secret_takes_one_round_of_hashing(self, partner):
        assert partner.app.client_secret.startswith("pbkdf2_sha256_once$1$")

    def test_codes_and_tokens_are_compared_by_digest_only(self, partner, dashboard_client):
        code = partner.consent(dashboard_client)["code"]
        with CaptureQueriesContext(connection) as queries:
            issued = partner.exchange(code).json()
            ApiClient(issued["access_token"]).get(USERS)
            partner.post(INTROSPECT, token=issued["access_token"])
            refreshed = partner.refresh(issued["refresh_token"]).json()
            partner.post(REVOKE, token=refreshed["refresh_token"])

        asked = " ".join(query["sql"] for query in queries)
        assert len(queries) > 10
        for secret in (
            code,
            *(tokens[kind] for tokens in (issued, refreshed) for kind in ("access_token", "refresh_token")),
        ):
            assert secret not in asked
