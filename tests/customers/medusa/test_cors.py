"""What a front end on another origin may do."""

import pytest

from oauth.scopes import Scope
from tests.support.medusa import AUTH, CUSTOMERS, NEW

ORIGIN = "https://admin.example"
FORBIDDEN = {"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Allow-Headers"}
PREFLIGHT = {
    "Origin": ORIGIN,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "content-type,idempotency-key,x-medusa-access-token",
}


@pytest.fixture(autouse=True)
def configured(settings):
    settings.MEDUSA_ADMIN_CORS = ["http://localhost:7001", ORIGIN]


class TestPreflights:
    @pytest.mark.parametrize(
        "path", [CUSTOMERS, f"{CUSTOMERS}/", f"{CUSTOMERS}/cus_x", AUTH, "/admin/nothing", "/admin"]
    )
    def test_preflight_of_a_configured_origin_is_granted(self, anonymous, path):
        response = anonymous.options(path, headers=PREFLIGHT)

        assert (response.status_code, response.content) == (204, b"")
        assert {name: response.headers[name] for name in response.headers if name.startswith("Access-")} == {
            "Access-Control-Allow-Origin": ORIGIN,
            "Access-Control-Allow-Credentials": "true",
            "Access-Control-Allow-Methods": "GET,HEAD,PUT,PATCH,POST,DELETE",
            "Access-Control-Allow-Headers": "content-type,idempotency-key,x-medusa-access-token",
        }
        assert response.headers["Vary"] == "Origin, Access-Control-Request-Headers"

    @pytest.mark.parametrize("origin", ["https://evil.example", "https://admin.example.evil", "null", "", f"{ORIGIN}/"])
    def test_preflight_of_another_origin_is_not_granted(self, anonymous, origin):
        response = anonymous.options(CUSTOMERS, headers={**PREFLIGHT, "Origin": origin})

        assert response.status_code == 204
        assert FORBIDDEN.isdisjoint(response.headers)

    def test_preflight_is_not_redirected_to_https(self, anonymous, settings):
        settings.SECURE_SSL_REDIRECT = True

        assert anonymous.options(CUSTOMERS, headers=PREFLIGHT).status_code == 204


class TestAnswers:
    @pytest.mark.parametrize("path", [CUSTOMERS, f"{CUSTOMERS}/cus_x", "/admin/nothing"])
    def test_answers_have_cors_headers_for_a_configured_origin(self, medusa_client, anonymous, path):
        for caller in (medusa_client, anonymous):
            response = caller.get(path, headers={"Origin": ORIGIN})

            assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
            assert response.headers["Access-Control-Allow-Credentials"] == "true"
            assert "Origin" in response.headers["Vary"]

    def test_answers_have_no_cors_headers_for_another_origin(self, medusa_client):
        response = medusa_client.get(CUSTOMERS, headers={"Origin": "https://evil.example"})

        assert response.status_code == 200
        assert FORBIDDEN.isdisjoint(response.headers)
        assert "Origin" in response.headers["Vary"]

    def test_other_surfaces_have_no_cors_headers(self, api):
        response = api(Scope.USERS_READ).get("/api/admin/users/", headers={"Origin": ORIGIN})

        assert FORBIDDEN.isdisjoint(response.headers)

    def test_api_token_works_from_any_origin(self, medusa_client):
        """A token is sent by who has it, and by no browser of itself."""
        assert medusa_client.post(CUSTOMERS, NEW, headers={"Origin": "https://evil.example"}).status_code == 201
