"""Whatever goes wrong is told in Medusa's format, and the rate limit is that of the store."""

import pytest
from django.db import OperationalError

from customers.medusa import serializers
from oauth.scopes import Scope
from tests.support.medusa import AUTH, CUSTOMERS, GROUPS, NEW, TOKEN, not_found, url_of


class TestUnknownRoutes:
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "/admin"), ("GET", "/admin/"), ("GET", "/admin/products"), ("POST", "/admin/customers/x/y"),
            ("GET", "/admin//customers"), ("PUT", CUSTOMERS), ("PATCH", CUSTOMERS), ("DELETE", CUSTOMERS),
            ("DELETE", f"{CUSTOMERS}/cus_x"), ("PUT", f"{CUSTOMERS}/cus_x"), ("PUT", GROUPS), ("GET", TOKEN),
            ("PUT", AUTH), ("GET", f"{GROUPS}/x/customers/batch"), ("TRACE", CUSTOMERS),
        ],
    )  # fmt: skip
    def test_unknown_routes_and_wrong_methods_are_404(self, medusa_client, method, path):
        response = medusa_client.generic(method, path)

        assert response.status_code == 404
        assert response.json() == not_found(f"Cannot {method} {path}")

    def test_unknown_routes_require_authentication(self, anonymous):
        assert anonymous.get("/admin/products").status_code == 401

    def test_other_surfaces_keep_their_own_error_format(self, medusa_client):
        assert medusa_client.get("/api/admin/nothing/").json() == {"detail": "Not found."}
        assert medusa_client.get("/administrators").headers["Content-Type"].startswith("text/html")


class TestFailures:
    def test_unexpected_error_is_500(self, medusa_client, monkeypatch):
        monkeypatch.setattr(serializers, "customer_with_id", lambda id: 1 / 0)

        response = medusa_client.get(f"{CUSTOMERS}/cus_x")

        assert response.status_code == 500
        assert response.json() == {
            "code": "unknown_error",
            "type": "unknown_error",
            "message": "An unknown error occurred.",
        }

    def test_database_error_is_503(self, medusa_client, monkeypatch):
        def busy(id, relations):
            raise OperationalError("database is locked")

        monkeypatch.setattr(serializers, "customer_with_id", busy)

        response = medusa_client.get(f"{CUSTOMERS}/cus_x")

        assert (response.status_code, response.json()["type"]) == (503, "database_error")
        assert response.headers["Retry-After"] == "1"

    def test_unknown_host_is_400(self, medusa_client):
        response = medusa_client.get(CUSTOMERS, headers={"Host": "evil.example", "Origin": "https://x.example"})

        assert response.status_code in (200, 400)
        assert response.headers["Content-Type"].startswith("application/json")


class TestRateLimit:
    def test_rate_limit_is_that_of_the_token(self, api, ada):
        client = api(Scope.USERS_READ, rate_limit=2)

        answers = [client.get(url_of(ada)) for _ in range(3)]

        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[2].json() == {
            "type": "not_allowed",
            "message": "At most 2 requests are answered within a second.",
        }
        assert answers[2].headers["Retry-After"] == "1"
        assert [answer.headers["RateLimit"] for answer in answers] == [f'"token";r={n};t=1' for n in (1, 0, 0)]

    def test_rate_limit_is_shared_with_the_admin_api(self, api, ada):
        client = api(Scope.USERS_READ, rate_limit=2)

        statuses = [client.get(path).status_code for path in ("/api/admin/users/", CUSTOMERS, CUSTOMERS)]

        assert statuses == [200, 200, 429]

    def test_rate_limit_applies_to_staff_by_the_setting(self, signed_in, settings):
        browser = signed_in("Staff")
        assert {browser.get(CUSTOMERS).status_code for _ in range(6)} == {200}

        settings.MEDUSA_RATE_LIMIT = 2

        assert [browser.get(CUSTOMERS).status_code for _ in range(3)] == [200, 200, 429]

    def test_rate_limit_is_checked_before_the_body(self, api):
        client = api(Scope.USERS_WRITE, rate_limit=1)

        assert client.generic("POST", CUSTOMERS, b"{", "application/json").status_code == 400
        assert client.post(CUSTOMERS, NEW).status_code == 429
