"""Proof Key for Code Exchange (RFC 7636; RFC 9700, 2.1.1): of public clients asked, of confidential ones honoured."""

import pytest

from oauth.models import Grant
from tests.support.cases import each
from tests.support.oauth_outcomes import brought_back, error_of, is_refused_on_a_page

# RFC 7636, appendix B
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
S256 = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}


@pytest.fixture(params=["confidential", "public"])
def client(request, partner, public_partner):
    return {"confidential": partner, "public": public_partner}[request.param]


@pytest.fixture
def code(client, dashboard_client) -> str:
    return client.consent(dashboard_client, **S256)["code"]


class TestChallenge:
    @each(
        "wrong",
        [
            {"code_challenge": VERIFIER, "code_challenge_method": "plain"},
            {"code_challenge": CHALLENGE, "code_challenge_method": None},
            {"code_challenge": CHALLENGE, "code_challenge_method": ""},
            {"code_challenge": CHALLENGE, "code_challenge_method": "s256"},
            {"code_challenge": CHALLENGE, "code_challenge_method": "S512"},
            {"code_challenge": CHALLENGE[:-1]},
            {"code_challenge": f"{CHALLENGE}="},
            {"code_challenge": f"{CHALLENGE}\n"},
            {"code_challenge": f"{CHALLENGE[:-1]}+"},
            {"code_challenge": f"{CHALLENGE[:-1]}\0"},
            {"code_challenge": f"{CHALLENGE[:-1]}é"},
            {"code_challenge": 129 * "x"},
            {"code_challenge": 90_000 * "x"},
        ],
    )
    def test_challenge_that_is_not_s256_is_refused(self, client, dashboard_client, wrong):
        url = client.authorize_url(**S256 | wrong)

        for response in (dashboard_client.get(url), dashboard_client.post(url, {"decision": "authorize"})):
            back = brought_back(response)
            assert back["error"] == "invalid_request"
            assert "code" not in back
        assert not Grant.objects.exists()

    def test_challenge_given_twice_is_refused(self, client, dashboard_client):
        url = f"{client.authorize_url(**S256)}&code_challenge={43 * 'x'}"

        response = dashboard_client.post(url, {"decision": "authorize"})

        assert is_refused_on_a_page(response) or brought_back(response)["error"] == "invalid_request"
        assert not Grant.objects.exists()

    @each("challenge", [None, ""])
    @each("method", [None, "S256", "plain"])
    def test_challenge_is_required_of_a_public_client(self, public_partner, dashboard_client, challenge, method):
        url = public_partner.authorize_url(code_challenge=challenge, code_challenge_method=method)

        for response in (dashboard_client.get(url), dashboard_client.post(url, {"decision": "authorize"})):
            assert brought_back(response)["error"] == "invalid_request"
        assert not Grant.objects.exists()

    def test_challenge_is_optional_for_a_confidential_client(self, partner, dashboard_client):
        code = partner.consent(dashboard_client)["code"]

        assert partner.exchange(code).status_code == 200


class TestVerifier:
    def test_right_verifier_is_accepted(self, client, code):
        assert client.exchange(code, code_verifier=VERIFIER).status_code == 200

    @each(
        "verifier",
        [
            43 * "x",
            CHALLENGE,
            VERIFIER.lower(),
            VERIFIER[:-1],
            f"{VERIFIER}=",
            f"{VERIFIER} ",
            f"{VERIFIER}\0",
            "é",
            90_000 * "x",
        ],
    )
    def test_wrong_verifier_is_refused(self, client, code, verifier):
        assert error_of(client.exchange(code, code_verifier=verifier)) == "invalid_grant"

    @each("verifier", [None, ""])
    def test_missing_verifier_is_refused(self, client, code, verifier):
        assert error_of(client.exchange(code, code_verifier=verifier)) in ("invalid_grant", "invalid_request")

    def test_verifier_without_a_challenge_is_refused(self, partner, dashboard_client):
        code = partner.consent(dashboard_client)["code"]

        assert error_of(partner.exchange(code, code_verifier=VERIFIER)) == "invalid_grant"

    def test_verifier_is_compared_with_the_authorization_request_s_challenge_only(self, client, code):
        """Not against one that the thief of a code sends along."""
        challenge_of_x = "zAscLGbzu5_RoIHGJrob72L2-WRBpDvhUmhSN3asJqE"

        refused = client.exchange(
            code, code_verifier=43 * "x", code_challenge=challenge_of_x, code_challenge_method="S256"
        )

        assert error_of(refused) == "invalid_grant"

    def test_verifier_of_another_flow_is_refused(self, client, code, dashboard_client):
        """A code injected into the victim's flow meets the victim's verifier (RFC 9700, 4.5.3.1)."""
        injected = client.consent(dashboard_client, **S256 | {"code_challenge": 43 * "x"})["code"]

        assert error_of(client.exchange(injected, code_verifier=VERIFIER)) == "invalid_grant"
