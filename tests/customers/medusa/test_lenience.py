"""What Medusa's own tools send and expect beside its documents."""

import pytest

from tests.support.cases import each
from tests.support.factories import make_user
from tests.support.medusa import AUTH, CUSTOMERS, GROUPS, PASSWORD
from tests.support.medusa import url_of as customer_url


@pytest.fixture
def people(db):
    return [make_user(email=f"{number}@example.com") for number in range(3)]


class TestEmptyParameters:
    @each("name", ["groups", "created_at", "updated_at", "q", "has_account", "order", "expand", "fields", "offset"])
    def test_empty_parameter_of_customers_is_ignored(self, medusa_client, people, name):
        response = medusa_client.get(f"{CUSTOMERS}?{name}=")

        assert (response.status_code, response.json()["count"]) == (200, 3)

    @each("name", ["id", "name", "created_at", "updated_at", "q", "order", "expand", "discount_condition_id"])
    def test_empty_parameter_of_groups_is_ignored(self, medusa_client, make_group, name):
        make_group("Florists")

        response = medusa_client.get(f"{GROUPS}?{name}=")

        assert (response.status_code, response.json()["count"]) == (200, 1)

    def test_groups_of_a_discount_condition_are_none(self, medusa_client, make_group):
        make_group("Florists")

        assert medusa_client.get(f"{GROUPS}?discount_condition_id=discon_1").json()["customer_groups"] == []


class TestPaths:
    @each("path", ["/ADMIN/customers", "/admin/Customers/", "/Admin/CUSTOMER-groups", "/admin/AUTH"])
    def test_path_is_found_in_any_case(self, medusa_client, path):
        assert medusa_client.get(path).status_code == 200

    def test_path_of_a_customer_keeps_the_case_of_the_id(self, medusa_client, people):
        url = customer_url(people[0])

        assert medusa_client.get(url.replace("customers", "Customers")).status_code == 200
        assert medusa_client.get(url.lower()).status_code == 404

    def test_health_answers_ok(self, client):
        response = client.get("/health")

        assert (response.status_code, response.content) == (200, b"OK")


class TestNumbers:
    @each("limit, size", [("1.5", 2), ("1.4", 1), ("2.0", 2), ("0.2", 0)])
    def test_limit_with_a_fraction_is_rounded(self, medusa_client, people, limit, size):
        page = medusa_client.get(f"{CUSTOMERS}?limit={limit}").json()

        assert (len(page["customers"]), page["limit"]) == (size, float(limit))


class TestStrangers:
    @each("body", [b"{", b"[1,", b"nope", b'{"email": 1e999}'])
    def test_broken_json_without_credentials_is_400(self, anonymous, db, body):
        response = anonymous.generic("POST", CUSTOMERS, body, "application/json")

        assert (response.status_code, response.json()["type"]) == (400, "invalid_data")

    @each("content_type, body", [("application/json", b"{}"), ("text/plain", b"{"), ("application/json", b"")])
    def test_other_body_without_credentials_is_401(self, anonymous, db, content_type, body):
        assert anonymous.generic("POST", CUSTOMERS, body, content_type).status_code == 401

    def test_sign_in_sets_the_cookie_of_the_session_alone(self, anonymous, staff):
        member = staff("Staff")

        response = anonymous.post(AUTH, {"email": member.email, "password": PASSWORD})

        assert list(response.cookies) == ["connect.sid"]
