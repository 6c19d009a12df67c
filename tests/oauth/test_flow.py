"""The authorization code flow, as the platform documents it."""

from tests.support.clients import USERS, ApiClient


class TestFlow:
    def test_authorization_code_flow_ends_with_a_working_token(self, partner, dashboard_client):
        back = partner.consent(dashboard_client, state="xyz")

        assert back["store"] == "testserver"
        assert back["state"] == "xyz"
        assert back["iss"] == "http://testserver"
        answer = partner.exchange(back["code"])
        assert answer.status_code == 200
        token = answer.json()
        assert token["token_type"] == "Bearer"
        assert token["scope"] == "users:read users:write"
        assert token["expires_in"] == 15_778_476_000
        assert set(token) == {"access_token", "refresh_token", "token_type", "scope", "expires_in"}
        created = ApiClient(token["access_token"]).post(USERS, {"email": "ada@example.com"})
        assert created.status_code == 201
