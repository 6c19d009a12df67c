"""Authorization codes that were stolen, used before, or are too old (RFC 6749, 4.1; RFC 9700, 4.2 to 4.5)."""

from datetime import timedelta

import pytest

from oauth.audit.models import AuditEvent
from oauth.fields import digest
from oauth.models import Grant
from tests.support.cases import each
from tests.support.oauth_outcomes import error_of, is_live, logged
from tests.support.partner import register_partner


@pytest.fixture
def code(partner, dashboard_client) -> str:
    return partner.consent(dashboard_client)["code"]


class TestUsedCode:
    def test_used_code_is_refused(self, partner, code):
        partner.exchange(code)

        assert error_of(partner.exchange(code)) == "invalid_grant"

    def test_used_code_revokes_the_tokens_that_it_issued(self, partner, code):
        issued = partner.exchange(code).json()

        partner.exchange(code)

        assert not is_live(issued["access_token"])
        assert error_of(partner.refresh(issued["refresh_token"])) == "invalid_grant"

    def test_used_code_revokes_refreshed_tokens(self, partner, code):
        refreshed = partner.refresh(partner.exchange(code).json()["refresh_token"]).json()
        refreshed = partner.refresh(refreshed["refresh_token"]).json()

        partner.exchange(code)

        assert not is_live(refreshed["access_token"])
        assert error_of(partner.refresh(refreshed["refresh_token"])) == "invalid_grant"

    @each("wrong", [{"redirect_uri": "https://evil.example/"}, {"code_verifier": 43 * "x"}])
    def test_used_code_revokes_tokens_even_with_a_wrong_parameter(self, partner, code, wrong):
        issued = partner.exchange(code).json()

        partner.exchange(code, **wrong)

        assert not is_live(issued["access_token"])

    def test_used_code_revokes_tokens_even_after_its_expiry(self, partner, code):
        issued = partner.exchange(code).json()
        let_pass(seconds=60)

        partner.exchange(code)

        assert not is_live(issued["access_token"])

    def test_used_code_leaves_tokens_of_another_code_alone(self, partner, dashboard_client, code):
        partner.exchange(code)
        another = partner.install(dashboard_client)

        partner.exchange(code)

        assert is_live(another["access_token"])

    def test_used_code_is_logged(self, partner, owner, code):
        partner.exchange(code)

        partner.exchange(code)

        event = AuditEvent.objects.get(event="code_reused")
        assert (event.actor, event.app, event.client_id) == (owner.email, partner.app.name, partner.client_id)


class TestStolenCode:
    """The thief has an app of his own, and puts the code of another app into its requests."""

    @pytest.fixture(params=["confidential", "public"])
    def thief(self, request, owner):
        return register_partner(owner, client_type=request.param)

    def test_stolen_code_is_refused_to_another_app(self, partner, thief, code):
        assert error_of(thief.exchange(code, redirect_uri=partner.redirect_uri)) == "invalid_grant"

    @each(
        "claim",
        [
            {"client_secret": None},
            {"client_secret": ""},
            {"client_secret": "guessed"},
            {"client_id": None, "client_secret": None},
        ],
    )
    def test_stolen_code_is_refused_without_the_app_s_secret(self, partner, code, claim):
        assert error_of(partner.exchange(code, **claim)) == "invalid_client"

    def test_stolen_code_is_refused_with_the_secret_of_another_app(self, partner, other_partner, code):
        assert error_of(partner.exchange(code, client_secret=other_partner.secret)) == "invalid_client"

    def test_stolen_code_still_works_for_its_app(self, partner, thief, code):
        thief.exchange(code, redirect_uri=partner.redirect_uri)

        assert partner.exchange(code).status_code == 200

    def test_stolen_used_code_leaves_its_app_s_tokens_alone(self, partner, thief, code):
        issued = partner.exchange(code).json()

        thief.exchange(code, redirect_uri=partner.redirect_uri)

        assert is_live(issued["access_token"])
        assert not logged("code_reused", partner.client_id)


class TestExpiry:
    @each("seconds, status", [(50, 200), (60, 400)])
    def test_code_expires_after_sixty_seconds(self, partner, code, seconds, status):
        let_pass(seconds)

        assert partner.exchange(code).status_code == status


class TestRedirectUri:
    @pytest.fixture
    def partner(self, owner):
        return register_partner(owner, redirect_uris="https://app.example/callback https://app.example/other")

    @each(
        "uri",
        [
            "https://app.example/other",
            "https://app.example/callback/",
            "https://app.example/callback?",
            "https://APP.example/callback",
            "https://evil.example/callback",
        ],
    )
    def test_redirect_uri_other_than_the_authorization_request_s_is_refused(self, partner, code, uri):
        assert error_of(partner.exchange(code, redirect_uri=uri)) == "invalid_grant"

    @each("nothing", [None, ""])
    def test_redirect_uri_left_out_is_refused(self, partner, code, nothing):
        assert error_of(partner.exchange(code, redirect_uri=nothing)) in ("invalid_grant", "invalid_request")

    @each("nothing", [None, ""])
    def test_redirect_uri_left_out_is_refused_with_one_registered(self, other_partner, dashboard_client, nothing):
        code = other_partner.consent(dashboard_client)["code"]

        assert error_of(other_partner.exchange(code, redirect_uri=nothing)) in ("invalid_grant", "invalid_request")

    def test_redirect_uri_may_be_left_out_if_the_request_had_none(self, other_partner, dashboard_client):
        code = other_partner.consent(dashboard_client, redirect_uri=None)["code"]

        assert other_partner.exchange(code, redirect_uri=None).status_code == 200


class TestStorage:
    def test_code_is_stored_as_a_digest_only(self, code):
        assert Grant.objects.values_list("code", flat=True).get() == digest(code)

    def test_code_digest_is_refused_as_a_code(self, partner, code):
        assert error_of(partner.exchange(digest(code))) == "invalid_grant"


def let_pass(seconds: int) -> None:
    for grant in Grant.objects.all():
        grant.expires -= timedelta(seconds=seconds)
        grant.save()
