"""JWTs: the one an app is opened with, and those that somebody forged (RFC 8725; RFC 9700, 4.9 and 4.10)."""

import json
from base64 import urlsafe_b64encode
from urllib.parse import parse_qs, urlsplit

import pytest
from jwcrypto.common import JWException
from jwcrypto.jwk import JWK
from jwcrypto.jwt import JWT

from tests.support.cases import each
from tests.support.clients import USERS, ApiClient
from tests.support.oauth_outcomes import logged
from tests.support.partner import INTROSPECT, REVOKE


def open_app(partner, dashboard_client):
    return dashboard_client.get(f"/dashboard/apps/{partner.client_id}/open/")


def session_token(partner, dashboard_client) -> str:
    location = open_app(partner, dashboard_client).headers["Location"]
    return parse_qs(urlsplit(location).query)["token"][0]


def verified(token: str, secret: str) -> dict:
    return json.loads(JWT(jwt=token, key=JWK.from_password(secret), algs=["HS256"]).claims)


def signed(secret: str, claims: dict) -> str:
    token = JWT(header={"alg": "HS256", "typ": "JWT"}, claims=claims)
    token.make_signed_token(JWK.from_password(secret))
    return token.serialize()


def unsigned(claims: dict, alg: str) -> str:
    parts = ({"alg": alg, "typ": "JWT"}, claims)
    return ".".join(urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


class TestSessionToken:
    @pytest.fixture
    def token(self, partner, dashboard_client) -> str:
        partner.install(dashboard_client)
        return session_token(partner, dashboard_client)

    def test_session_token_names_user_and_store_for_thirty_seconds(self, partner, owner, token):
        claims = verified(token, partner.secret)

        issued_at = claims["iat"]
        assert claims == {
            "iss": "https://testserver/dashboard",
            "sub": "https://testserver",
            "aud": partner.client_id,
            "iat": issued_at,
            "nbf": issued_at,
            "exp": issued_at + 30,
            "uid": owner.pk,
            "user_email": owner.email,
            "store": "testserver",
        }

    def test_session_token_is_signed_with_the_app_s_secret_only(self, partner, other_partner, token):
        with pytest.raises(JWException):
            verified(token, other_partner.secret)

    def test_session_token_is_signed_with_a_replaced_secret(self, partner, dashboard_client, token):
        dashboard_client.post(f"/dashboard/oauth/partnerapp/{partner.app.pk}/replace_secret/")
        partner.app.refresh_from_db()

        renewed = session_token(partner, dashboard_client)

        with pytest.raises(JWException):
            verified(renewed, partner.secret)
        assert verified(renewed, partner.app.signing_secret)

    def test_session_token_is_not_an_access_token(self, partner, token):
        assert ApiClient(token).get(USERS).status_code == 401
        assert partner.post(INTROSPECT, token=token).json() == {"active": False}
        assert partner.post(REVOKE, token=token).status_code == 200

    def test_session_token_goes_to_the_app_s_own_page_and_is_logged(self, partner, dashboard_client, token):
        response = open_app(partner, dashboard_client)

        assert response.headers["Location"].startswith("https://app1.example/?store=testserver&token=")
        assert "no-store" in response.headers["Cache-Control"]
        assert logged("app_opened", partner.client_id)


class TestForgedToken:
    CLAIMS = {"iss": "http://testserver", "sub": "1", "uid": 1, "scope": "admin:read admin:write", "exp": 9_999_999_999}

    @each("alg", ["none", "None", "NONE", "HS256"])
    def test_jwt_without_a_signature_is_refused(self, partner, alg):
        assert ApiClient(unsigned(self.CLAIMS, alg)).get(USERS).status_code == 401

    def test_jwt_signed_with_the_app_s_secret_is_refused(self, partner):
        forged = signed(partner.secret, {**self.CLAIMS, "aud": partner.client_id})

        assert ApiClient(forged).get(USERS).status_code == 401

    def test_jwt_signed_with_public_values_is_refused(self, partner):
        assert ApiClient(signed(partner.client_id, self.CLAIMS)).get(USERS).status_code == 401
