"""Revocation (RFC 7009) and introspection (RFC 7662): by an app, of its own tokens."""

from datetime import timedelta

import pytest
from django.utils import timezone

from oauth.fields import digest
from oauth.models import AccessToken
from tests.oauth.test_pkce import S256, VERIFIER
from tests.support.cases import each
from tests.support.oauth_outcomes import error_of, is_live, logged
from tests.support.partner import INTROSPECT, REVOKE

KINDS = each("kind", ["access_token", "refresh_token"])
HINTS = each("hint", [None, "access_token", "refresh_token", "unknown", "\0"])
MADE_UP = each("made_up", ["x", "shc_", "\0", "é", "%00", 90_000 * "x"])


@pytest.fixture
def issued(partner, dashboard_client) -> dict:
    return partner.install(dashboard_client)


@pytest.fixture
def issued_to_public(public_partner, dashboard_client) -> dict:
    code = public_partner.consent(dashboard_client, **S256)["code"]
    return public_partner.exchange(code, code_verifier=VERIFIER).json()


class TestRevocation:
    @HINTS
    @KINDS
    def test_revocation_of_either_token_ends_both_whatever_the_hint(self, partner, issued, kind, hint):
        response = partner.post(REVOKE, token=issued[kind], token_type_hint=hint)

        assert response.status_code == 200
        assert not is_live(issued["access_token"])
        assert error_of(partner.refresh(issued["refresh_token"])) == "invalid_grant"
        assert logged("token_revoked", partner.client_id)

    @KINDS
    def test_revocation_of_another_app_s_token_does_nothing(self, partner, other_partner, issued, kind):
        response = other_partner.post(REVOKE, token=issued[kind])

        assert (response.status_code, response.content) == (200, b"")
        assert is_live(issued["access_token"])
        assert partner.refresh(issued["refresh_token"]).status_code == 200

    @KINDS
    def test_revocation_by_a_public_client_of_another_app_s_token_does_nothing(self, public_partner, issued, kind):
        public_partner.post(REVOKE, token=issued[kind])

        assert is_live(issued["access_token"])

    @MADE_UP
    def test_revocation_of_an_unknown_token_succeeds(self, partner, made_up):
        assert partner.post(REVOKE, token=made_up).status_code == 200

    @each("nothing", [None, ""])
    def test_revocation_without_a_token_is_an_error(self, partner, nothing):
        assert error_of(partner.post(REVOKE, token=nothing)) == "invalid_request"

    def test_revocation_needs_the_secret(self, partner, issued):
        assert error_of(partner.post(REVOKE, token=issued["access_token"], client_secret=None)) == "invalid_client"

        assert is_live(issued["access_token"])

    def test_revocation_works_for_public_clients(self, public_partner, issued_to_public):
        assert public_partner.post(REVOKE, token=issued_to_public["access_token"]).status_code == 200

        assert not is_live(issued_to_public["access_token"])

    def test_revocation_by_digest_does_nothing(self, partner, issued):
        partner.post(REVOKE, token=digest(issued["access_token"]))

        assert is_live(issued["access_token"])


class TestIntrospection:
    INACTIVE = {"active": False}

    @HINTS
    def test_introspection_of_an_own_token_shows_scope_owner_and_expiry(self, partner, owner, issued, hint):
        token = AccessToken.objects.get()

        response = partner.post(INTROSPECT, token=issued["access_token"], token_type_hint=hint)

        assert response.json() == {
            "active": True,
            "scope": "users:read users:write",
            "client_id": partner.client_id,
            "username": owner.email,
            "token_type": "Bearer",
            "exp": int(token.expires.timestamp()),
            "iat": int(token.created.timestamp()),
            "sub": str(owner.pk),
        }
        assert "no-store" in response.headers["Cache-Control"]

    def test_introspection_of_another_app_s_token_shows_nothing(self, other_partner, issued):
        assert other_partner.post(INTROSPECT, token=issued["access_token"]).json() == self.INACTIVE

    def test_introspection_of_a_refresh_token_shows_nothing(self, partner, issued):
        assert partner.post(INTROSPECT, token=issued["refresh_token"]).json() == self.INACTIVE

    @MADE_UP
    def test_introspection_of_an_unknown_token_shows_nothing(self, partner, made_up):
        assert partner.post(INTROSPECT, token=made_up).json() == self.INACTIVE

    def test_introspection_by_digest_shows_nothing(self, partner, issued):
        assert partner.post(INTROSPECT, token=digest(issued["access_token"])).json() == self.INACTIVE

    def test_introspection_of_an_expired_token_shows_nothing(self, partner, issued):
        AccessToken.objects.update(expires=timezone.now() - timedelta(days=1))

        assert partner.post(INTROSPECT, token=issued["access_token"]).json() == self.INACTIVE

    def test_introspection_of_a_revoked_token_shows_nothing(self, partner, issued):
        partner.post(REVOKE, token=issued["access_token"])

        assert partner.post(INTROSPECT, token=issued["access_token"]).json() == self.INACTIVE

    @each("nothing", [None, ""])
    def test_introspection_without_a_token_is_an_error(self, partner, nothing):
        assert error_of(partner.post(INTROSPECT, token=nothing)) == "invalid_request"

    def test_introspection_needs_the_secret(self, partner, issued):
        assert error_of(partner.post(INTROSPECT, token=issued["access_token"], client_secret=None)) == "invalid_client"

    def test_introspection_by_a_public_client_shows_nothing(self, public_partner, issued_to_public):
        assert public_partner.post(INTROSPECT, token=issued_to_public["access_token"]).json() == self.INACTIVE
