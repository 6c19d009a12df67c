from datetime import UTC, datetime

import pytest

from customers.orders.models import Order
from customers.orders.services import record_order
from oauth.models import ApiVersion
from oauth.scopes import Scope
from tests.support.clients import user_url
from tests.support.database import by_database
from tests.support.order_documents import full, order, published

NEWEST, OLDEST = ApiVersion.V2024_04_01, ApiVersion.V2023_02_10
DATE = datetime(2026, 10, 3, 9, 12, 44, tzinfo=UTC)


def orders_url(user) -> str:
    return f"{user_url(user)}orders/"


class TestListOrders:
    def test_list_orders_without_a_token_is_401(self, anonymous, ada):
        assert anonymous.get(orders_url(ada)).status_code == 401

    def test_list_orders_without_the_read_scope_is_403(self, api, ada):
        assert api(Scope.USERS_WRITE, Scope.ORDERS_READ).get(orders_url(ada)).status_code == 403

    def test_list_orders_rejects_unknown_version(self, admin_client, ada):
        assert admin_client.get(orders_url(ada), headers={"X-29next-API-Version": "1999-01-01"}).status_code == 400

    @pytest.mark.parametrize("number", [987_654_321, 2**63 - 1, 2**63, 10**30])
    def test_list_orders_of_unknown_user_is_404(self, admin_client, db, number):
        assert admin_client.get(orders_url(number)).status_code == 404

    def test_list_orders_of_a_user_without_orders_is_empty(self, admin_client, ada):
        response = admin_client.get(orders_url(ada))

        assert response.status_code == 200
        assert response.json() == []

    @pytest.mark.parametrize("version", [NEWEST, ApiVersion.UNSTABLE])
    def test_list_orders_returns_the_reported_document(self, api, ada, version):
        record_order(user_id=ada.pk, document=full("order"))

        response = api(Scope.USERS_READ, api_version=version).get(orders_url(ada))

        assert response.json() == [full("order")]
        published("UserOrderInline", version).validate(response.json()[0])

    def test_list_orders_is_a_bare_array_newest_first(self, admin_client, ada):
        for number, day in [("1", "01"), ("3", "03"), ("2", "02")]:
            record_order(user_id=ada.pk, document=order(number=number, date_placed=f"2026-10-{day}T09:00:00Z"))

        response = admin_client.get(orders_url(ada))

        assert [entry["number"] for entry in response.json()] == ["3", "2", "1"]

    def test_list_orders_omits_orders_of_other_users(self, admin_client, ada, owner):
        record_order(user_id=owner.pk, document=order())

        assert admin_client.get(orders_url(ada)).json() == []

    def test_list_orders_takes_few_queries(self, api, ada, django_assert_num_queries):
        client = api(Scope.USERS_READ, rate_limit=4)
        for _ in range(3):
            record_order(user_id=ada.pk, document=order())

        with django_assert_num_queries(by_database(postgresql=2, sqlite=3)):
            client.get(orders_url(ada))

    def test_list_orders_without_orders_takes_one_more_query(self, api, ada, django_assert_num_queries):
        client = api(Scope.USERS_READ, rate_limit=4)

        with django_assert_num_queries(by_database(postgresql=3, sqlite=4)):
            client.get(orders_url(ada))


class TestTheOldestVersion:
    @pytest.fixture
    def entry(self, api, ada):
        record_order(user_id=ada.pk, document=full("order"))
        return api(Scope.USERS_READ, api_version=OLDEST).get(orders_url(ada)).json()[0]

    def test_order_of_2023_02_10_matches_its_schema(self, entry):
        published("UserOrderInline", OLDEST).validate(entry)

    def test_order_of_2023_02_10_has_no_discounts(self, entry):
        later = {"total_discount", "original_total_discount", "total_outstanding"}

        assert not later & entry.keys()
        assert not later & entry["report_values"].keys()

    def test_order_of_2023_02_10_has_product_objects_in_lines(self, entry):
        line = entry["lines"][0]

        assert line["product"]["id"] == 71
        assert line["product"]["title"] == "Tulip mix, 50 bulbs"
        assert line["stockrecord"]["partner_sku"] == "TULIP-50"
        assert line["price_currency"] == "CAD"

    def test_order_of_2023_02_10_has_older_names_in_fulfillments(self, entry):
        fulfillment = entry["fulfillments"][0]

        assert fulfillment["carrier"] == "canada_post"
        assert fulfillment["date_created"] == "2026-10-04T14:00:00-04:00"


@pytest.mark.parametrize("version", [NEWEST, OLDEST])
class TestSchema:
    def test_order_with_empty_document_matches_the_schema(self, api, ada, version):
        Order.objects.create(
            user=ada, number="1", date_placed=DATE, payment_status="paid", total=0, refunded=0, document={}
        )

        entry = api(Scope.USERS_READ, api_version=version).get(orders_url(ada)).json()[0]

        published("UserOrderInline", version).validate(entry)
        assert entry["number"] == "1"
        assert entry["created_at"] == entry["date_placed"] == "2026-10-03T09:12:44Z"
