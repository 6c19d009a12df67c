"""GET /admin/customers/:id."""

import pytest

from customers import services
from customers.orders.services import record_order
from oauth.actor import SYSTEM
from tests.support.factories import address, make_user
from tests.support.medusa import CUSTOMERS, group_id_of, id_of, invalid, not_found, url_of
from tests.support.order_documents import order

NOBODY = "cus_01ARZ3NDEKTSV4RRFFQ69G5FAV"


def shown(medusa_client, user, expand=None) -> dict:
    response = medusa_client.get(url_of(user), {} if expand is None else {"expand": expand})
    assert response.status_code == 200, response.content
    return response.json()["customer"]


class TestRetrieveCustomer:
    def test_retrieve_requires_authentication(self, anonymous, ada):
        response = anonymous.get(url_of(ada))

        assert (response.status_code, response.content) == (401, b"Unauthorized")

    def test_retrieve_needs_the_read_scope(self, writer, ada):
        response = writer.get(url_of(ada))

        assert (response.status_code, response.json()["type"]) == (403, "not_allowed")

    @pytest.mark.parametrize(
        "id",
        ["cus_nope", NOBODY, "1", "cus_", "usr_01ARZ3NDEKTSV4RRFFQ69G5FAV", "cus_8ZZZZZZZZZZZZZZZZZZZZZZZZZ", "%00"],
    )
    def test_retrieve_of_unknown_id_is_404(self, medusa_client, id):
        response = medusa_client.get(f"{CUSTOMERS}/{id}")

        assert response.status_code == 404
        assert response.json() == not_found(f"Customer with id: {id.replace('%00', chr(0))} was not found")

    def test_retrieve_of_staff_is_404(self, medusa_client, owner):
        assert medusa_client.get(url_of(owner)).status_code == 404

    def test_retrieve_by_id_with_another_time_is_404(self, medusa_client, ada, account):
        """The first ten characters are the moment, the others the number."""
        mixed = id_of(account)[:14] + id_of(ada)[14:]

        if mixed not in (id_of(ada), id_of(account)):
            assert medusa_client.get(f"{CUSTOMERS}/{mixed}").status_code == 404

    def test_retrieve_returns_orders_and_addresses(self, medusa_client, ada):
        customer = shown(medusa_client, ada)

        book = ada.addresses.get()
        assert list(customer)[-3:] == ["metadata", "orders", "shipping_addresses"]
        assert customer["orders"] == []
        assert [list(each.items()) for each in customer["shipping_addresses"]] == [
            [
                ("id", customer["billing_address_id"]),
                ("created_at", f"{book.created_at.isoformat(timespec='milliseconds')[:-6]}Z"),
                ("updated_at", f"{book.updated_at.isoformat(timespec='milliseconds')[:-6]}Z"),
                ("deleted_at", None),
                ("customer_id", id_of(ada)),
                ("company", None),
                ("first_name", None),
                ("last_name", None),
                ("address_1", "12 St James's Square"),
                ("address_2", None),
                ("city", "London"),
                ("country_code", "gb"),
                ("province", None),
                ("postal_code", None),
                ("phone", None),
                ("metadata", None),
            ]
        ]
        assert customer["billing_address_id"].startswith("addr_")

    def test_retrieve_joins_address_lines(self, medusa_client):
        user = make_user(addresses=[address(line2="Flat 2", line3="West Wing", state="Kent", postcode="SW1")])

        (book,) = shown(medusa_client, user)["shipping_addresses"]

        assert (book["address_2"], book["province"], book["postal_code"]) == ("Flat 2, West Wing", "Kent", "SW1")

    def test_retrieve_has_the_default_billing_address(self, medusa_client, ada):
        added = services.add_address(ada.pk, by=SYSTEM, **address(line1="2", is_default_for_billing=True))

        customer = shown(medusa_client, ada, "billing_address,shipping_addresses")

        assert customer["billing_address"]["address_1"] == "2"
        assert customer["billing_address"]["id"] == customer["billing_address_id"]
        assert [each["address_1"] for each in customer["shipping_addresses"]] == ["12 St James's Square", "2"]
        assert added.is_default_for_billing

    def test_retrieve_without_billing_address_has_null(self, medusa_client):
        customer = shown(medusa_client, make_user(), "billing_address")

        assert (customer["billing_address_id"], customer["billing_address"]) == (None, None)

    def test_retrieve_shows_reported_orders(self, medusa_client, ada):
        reported = record_order(user_id=ada.pk, document=order())

        (shown_order,) = shown(medusa_client, ada)["orders"]

        assert shown_order["id"].startswith("order_")
        assert shown_order["external_id"] == reported.number
        assert shown_order["payment_status"] == "captured"
        assert shown_order["customer_id"] == id_of(ada)

    @pytest.mark.parametrize(
        ("expand", "relations"),
        [
            ("", ["orders", "shipping_addresses"]),
            ("orders", ["orders"]),
            ("groups", ["groups"]),
            ("billing_address,groups", ["billing_address", "groups"]),
            ("shipping_addresses.country,orders.items", ["shipping_addresses", "orders"]),
        ],
    )
    def test_retrieve_expands_relations(self, medusa_client, ada, expand, relations):
        customer = shown(medusa_client, ada, expand)

        assert list(customer)[11:] == relations

    def test_retrieve_expands_groups(self, medusa_client, ada, make_group):
        group = make_group(members=[ada], metadata={"a": 1})

        assert [
            (each["id"], each["name"], each["metadata"]) for each in shown(medusa_client, ada, "groups")["groups"]
        ] == [(group_id_of(group), "VIP", {"a": 1})]

    def test_retrieve_ignores_the_fields_parameter(self, medusa_client, ada):
        assert medusa_client.get(url_of(ada), {"fields": "id"}).json() == medusa_client.get(url_of(ada)).json()

    @pytest.mark.parametrize(
        ("query", "message"),
        [
            ({"foo": "1"}, "property foo should not exist"),
            ({"limit": "1"}, "property limit should not exist"),
            ({"expand": "password_hash"}, "Relations [password_hash] are not valid"),
            ({"expand[]": "orders"}, "expand must be a string"),
        ],
    )
    def test_retrieve_rejects_unknown_parameters(self, medusa_client, ada, query, message):
        response = medusa_client.get(url_of(ada), query)

        assert (response.status_code, response.json()) == (400, invalid(message))

    def test_retrieve_takes_two_queries(self, medusa_client, ada, django_assert_num_queries):
        with django_assert_num_queries(2):  # token; customer with orders and addresses
            medusa_client.get(url_of(ada))

    def test_retrieve_path_works_with_slash_and_for_head(self, medusa_client, ada):
        assert medusa_client.get(f"{url_of(ada)}/").json() == medusa_client.get(url_of(ada)).json()
        assert medusa_client.head(url_of(ada)).status_code == 200
