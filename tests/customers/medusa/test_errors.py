"""Whatever goes wrong is told in Medusa's format, and the rate limit is that of the store."""

import pytest
from django.db import OperationalError

from customers.medusa import serializers
from oauth.scopes import Scope
from tests.customers.medusa.conftest import AUTH, CUSTOMERS, GROUPS, NEW, TOKEN, not_found, url_of


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
    def test_and_wrong_methods_are_not_found(self, client, method, path):
        response = client.generic(method, path)

        assert response.status_code == 404
        assert response.json() == not_found(f"Cannot {method} {path}")

    def test_are_not_told_to_a_stranger(self, anonymous):
        assert anonymous.get("/admin/products").status_code == 401

    def test_of_other_surfaces_keep_their_own_format(self, client):
        assert client.get("/api/admin/nothing/").json() == {"detail": "Not found."}
        assert client.get("/administrators").headers["Content-Type"].startswith("text/html")


class TestFailures:
    def test_nobody_expected_are_told_as_500(self, client, monkeypatch):
        monkeypatch.setattr(serializers, "customer_with_id", lambda id: 1 / 0)

        response = client.get(f"{CUSTOMERS}/cus_x")

        assert response.status_code == 500
        assert response.json() == {
            "code": "unknown_error",
            "type": "unknown_error",
            "message": "An unknown error occurred.",
        }

    def test_of_the_database_are_told_as_503(self, client, monkeypatch):
        def busy(id):
            raise OperationalError("database is locked")

        monkeypatch.setattr(serializers, "customer_with_id", busy)

        response = client.get(f"{CUSTOMERS}/cus_x")

        assert (response.status_code, response.json()["type"]) == (503, "database_error")
        assert response.headers["Retry-After"] == "1"

    def test_of_a_host_are_told_as_400(self, client):
        response = client.get(CUSTOMERS, headers={"Host": "evil.example", "Origin": "https://x.example"})

        assert response.status_code in (200, 400)
        assert response.headers["Content-Type"].startswith("application/json")


class TestRateLimit:
    def test_is_that_of_the_token(self, api, ada):
        client = api(Scope.USERS_READ, rate_limit=2)

        answers = [client.get(url_of(ada)) for _ in range(3)]

        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[2].json() == {
            "type": "not_allowed",
            "message": "At most 2 requests are answered within a second.",
        }
        assert answers[2].headers["Retry-After"] == "1"
        assert [answer.headers["RateLimit"] for answer in answers] == [f'"token";r={n};t=1' for n in (1, 0, 0)]

    def test_is_shared_with_the_other_api(self, api, ada):
        client = api(Scope.USERS_READ, rate_limit=2)

        statuses = [client.get(path).status_code for path in ("/api/admin/users/", CUSTOMERS, CUSTOMERS)]

        assert statuses == [200, 200, 429]

    def test_holds_for_people_by_the_setting(self, signed_in, settings):
        settings.RATE_LIMIT = 2
        browser = signed_in("Staff")

        assert [browser.get(CUSTOMERS).status_code for _ in range(3)] == [200, 200, 429]

    def test_is_taken_before_the_body_is_read(self, api):
        client = api(Scope.USERS_WRITE, rate_limit=1)

        assert client.generic("POST", CUSTOMERS, b"{", "application/json").status_code == 400
        assert client.post(CUSTOMERS, NEW).status_code == 429
