"""Refresh tokens: each works once, for its app alone, and not for ever (RFC 6749, 6; RFC 9700, 2.2.2 and 4.14)."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from oauth.audit.models import AuditEvent
from oauth.fields import digest
from oauth.models import AccessToken, RefreshToken
from tests.oauth.test_pkce import S256, VERIFIER
from tests.support.cases import each
from tests.support.clients import USERS, ApiClient
from tests.support.oauth_outcomes import error_of, is_live
from tests.support.partner import register_partner

LIFETIME = 182_622  # days of a confidential app's access token, rounded up


@pytest.fixture
def issued(partner, dashboard_client) -> dict:
    return partner.install(dashboard_client)


class TestRotation:
    def test_refresh_replaces_both_tokens(self, partner, issued):
        refreshed = partner.refresh(issued["refresh_token"]).json()

        assert refreshed["refresh_token"] != issued["refresh_token"]
        assert is_live(refreshed["access_token"])
        assert not is_live(issued["access_token"])

    def test_refresh_works_for_public_clients(self, public_partner, dashboard_client):
        code = public_partner.consent(dashboard_client, **S256)["code"]
        issued = public_partner.exchange(code, code_verifier=VERIFIER).json()

        refreshed = public_partner.refresh(issued["refresh_token"]).json()

        assert refreshed["refresh_token"] != issued["refresh_token"]
        assert issued["expires_in"] == refreshed["expires_in"] == 365 * 24 * 3600
        assert error_of(public_partner.refresh(issued["refresh_token"])) == "invalid_grant"

    def test_refresh_keeps_the_scopes(self, partner, issued):
        assert partner.refresh(issued["refresh_token"]).json()["scope"] == issued["scope"]


class TestReuse:
    @pytest.fixture
    def refreshed(self, partner, issued) -> dict:
        return partner.refresh(issued["refresh_token"]).json()

    def test_used_refresh_token_is_refused(self, partner, issued, refreshed):
        assert error_of(partner.refresh(issued["refresh_token"])) == "invalid_grant"

    def test_used_refresh_token_revokes_its_family(self, partner, issued, refreshed):
        latest = partner.refresh(refreshed["refresh_token"]).json()

        partner.refresh(issued["refresh_token"])

        assert not is_live(latest["access_token"])
        assert error_of(partner.refresh(latest["refresh_token"])) == "invalid_grant"

    def test_used_refresh_token_leaves_another_family_alone(self, partner, dashboard_client, issued, refreshed):
        another = partner.install(dashboard_client)

        partner.refresh(issued["refresh_token"])

        assert is_live(another["access_token"])
        assert partner.refresh(another["refresh_token"]).status_code == 200

    def test_used_refresh_token_is_logged(self, partner, owner, issued, refreshed):
        partner.refresh(issued["refresh_token"])

        event = AuditEvent.objects.get(event="refresh_token_reused")
        assert (event.actor, event.client_id) == (owner.email, partner.client_id)


class TestScope:
    @each("scope", ["admin:write", "users:read admin:write", "unknown", "users:read,users:write", " "])
    def test_refresh_can_not_widen_the_scope(self, partner, issued, scope):
        assert error_of(partner.refresh(issued["refresh_token"], scope=scope)) == "invalid_scope"

        assert is_live(issued["access_token"])
        assert partner.refresh(issued["refresh_token"]).status_code == 200

    def test_refresh_can_not_widen_the_scope_to_what_the_app_may_ask_for(self, partner, dashboard_client):
        issued = partner.install(dashboard_client, scope="users:read")

        assert error_of(partner.refresh(issued["refresh_token"], scope="users:read users:write")) == "invalid_scope"

    def test_refresh_without_scopes_grants_none(self, partner, dashboard_client):
        issued = partner.install(dashboard_client, scope=None)

        assert error_of(partner.refresh(issued["refresh_token"], scope="users:read")) == "invalid_scope"
        assert partner.refresh(issued["refresh_token"]).json()["scope"] == ""

    def test_refresh_can_narrow_the_scope(self, partner, issued):
        refreshed = partner.refresh(issued["refresh_token"], scope="users:read").json()

        assert refreshed["scope"] == "users:read"
        assert ApiClient(refreshed["access_token"]).get(USERS).status_code == 200
        assert ApiClient(refreshed["access_token"]).post(USERS, {"email": "ada@example.com"}).status_code == 403


class TestStolenToken:
    @each("client_type", ["confidential", "public"])
    def test_stolen_refresh_token_is_refused_to_another_app_and_still_works(self, partner, owner, issued, client_type):
        thief = register_partner(owner, client_type=client_type)

        assert error_of(thief.refresh(issued["refresh_token"])) == "invalid_grant"

        assert is_live(issued["access_token"])
        assert partner.refresh(issued["refresh_token"]).status_code == 200

    def test_stolen_used_refresh_token_is_refused_and_its_family_lives(self, partner, other_partner, issued):
        refreshed = partner.refresh(issued["refresh_token"]).json()

        other_partner.refresh(issued["refresh_token"])

        assert is_live(refreshed["access_token"])

    @each("secret", [None, "", "guessed"])
    def test_stolen_refresh_token_is_refused_without_the_secret_and_still_works(self, partner, issued, secret):
        assert error_of(partner.refresh(issued["refresh_token"], client_secret=secret)) == "invalid_client"

        assert partner.refresh(issued["refresh_token"]).status_code == 200


class TestExpiry:
    @staticmethod
    def let_pass(days: int) -> None:
        for token in AccessToken.objects.all():
            token.expires -= timedelta(days=days)
            token.save()

    def test_refresh_token_expires_a_year_after_its_access_token(self, partner, issued):
        self.let_pass(days=LIFETIME + 365)

        assert error_of(partner.refresh(issued["refresh_token"])) == "invalid_grant"

    def test_refresh_token_outlives_its_access_token(self, partner, issued):
        self.let_pass(days=LIFETIME)

        assert not is_live(issued["access_token"])
        assert partner.refresh(issued["refresh_token"]).status_code == 200


class TestKinds:
    def test_token_kinds_differ_by_prefix(self, issued):
        assert issued["access_token"].startswith("shc_")
        assert issued["refresh_token"].startswith("shr_")

    def test_token_kinds_do_not_stand_in_for_each_other(self, partner, issued):
        assert not is_live(issued["refresh_token"])
        assert error_of(partner.refresh(issued["access_token"])) == "invalid_grant"

    def test_tokens_are_stored_as_digests_only(self, partner, issued):
        token = RefreshToken.objects.get()

        assert (token.token, token.token_checksum) == ("", digest(issued["refresh_token"]))
        assert error_of(partner.refresh(token.token_checksum)) == "invalid_grant"

    @each("made_up", ["x", "shr_", "\0", "é", 90_000 * "x"])
    def test_unknown_refresh_token_is_refused(self, partner, made_up):
        assert error_of(partner.refresh(made_up)) == "invalid_grant"


class TestStatements:
    def test_exchange_and_refresh_send_three_statements_each_to_postgresql(self, partner, dashboard_client):
        code = partner.consent(dashboard_client)["code"]

        with CaptureQueriesContext(connection) as of_exchange:
            issued = partner.exchange(code).json()
        with CaptureQueriesContext(connection) as of_refresh:
            partner.refresh(issued["refresh_token"])

        most = {"postgresql": (3, 3), "sqlite": (6, 7)}[connection.vendor]
        for captured, expected in zip((of_exchange, of_refresh), most, strict=True):
            statements = [query["sql"] for query in captured if "SAVEPOINT" not in query["sql"]]
            assert len(statements) == expected, statements
