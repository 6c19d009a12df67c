"""What a store owner does with orders and subscriptions in the dashboard."""

import json

import pytest
from django.test import Client

from customers.orders.models import Order, Subscription
from customers.orders.services import record_order, record_subscription
from tests.support.factories import make_user
from tests.support.order_documents import full, order, subscription

DASHBOARD = "/dashboard/"
ORDERS = f"{DASHBOARD}orders/order/"
SUBSCRIPTIONS = f"{DASHBOARD}orders/subscription/"


@pytest.fixture
def dashboard_client(owner) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(owner)
    return client


@pytest.fixture
def ada(db):
    return make_user(email="ada@lovelace.example", first_name="Ada", last_name="Lovelace")


def change_url(row) -> str:
    return f"{DASHBOARD}orders/{row._meta.model_name}/{row.pk}/change/"


class TestOrders:
    def test_owner_adds_an_order_and_is_named_in_the_timeline(self, dashboard_client, owner, ada):
        response = dashboard_client.post(f"{ORDERS}add/", {"user": ada.pk, "document": json.dumps(full("order"))})

        assert response.status_code == 302
        assert Order.objects.get().document == full("order")
        ada.refresh_from_db()
        assert (ada.orders_count, ada.user_type) == (1, "customer")
        assert ada.events.get(changes__has_key="user_type").actor == owner

    @pytest.mark.parametrize(
        ("document", "message"),
        [
            (json.dumps(order(number="")), "number: Enter a text"),
            (json.dumps(order(refunds=[{}])), "refunds.0.total_refund_amount: Enter an amount"),
            (json.dumps("an order"), "document: A document is an object."),
            (json.dumps(order(note="\0")), "NUL"),
            ('{"number":', "Enter a valid JSON."),
            ("[" * 100_000, "Enter a valid JSON."),
            ("1" * 5_000, "Enter a valid JSON."),
            (r'{"number": "\ud800"}', "errornote"),
            ("", "This field is required."),
        ],
    )
    def test_order_form_shows_errors(self, dashboard_client, ada, document, message):
        response = dashboard_client.post(f"{ORDERS}add/", {"user": ada.pk, "document": document})

        assert response.status_code == 200
        assert message in response.content.decode()
        assert not Order.objects.exists()

    def test_order_form_rejects_unknown_customer(self, dashboard_client):
        response = dashboard_client.post(f"{ORDERS}add/", {"user": 987_654_321, "document": json.dumps(order())})

        assert response.status_code == 200
        assert not Order.objects.exists()

    def test_changed_order_updates_the_counters(self, dashboard_client, ada):
        row = record_order(user_id=ada.pk, document=order())

        document = {**row.document, "payment_status": "voided"}
        response = dashboard_client.post(change_url(row), {"user": ada.pk, "document": json.dumps(document)})

        assert response.status_code == 302
        ada.refresh_from_db()
        assert ada.orders_count == 0

    def test_changed_order_keeps_its_number(self, dashboard_client, ada):
        row = record_order(user_id=ada.pk, document=order())

        response = dashboard_client.post(
            change_url(row), {"user": ada.pk, "document": json.dumps(order(number="other"))}
        )

        assert response.status_code == 200
        assert Order.objects.get().number == row.number

    def test_orders_can_not_be_deleted(self, dashboard_client, ada):
        row = record_order(user_id=ada.pk, document=order())

        response = dashboard_client.post(change_url(row).replace("change", "delete"), {"post": "yes"})

        assert response.status_code == 403
        assert Order.objects.exists()

    def test_orders_are_listed_and_found_by_number(self, dashboard_client, ada):
        record_order(user_id=ada.pk, document=order(number="first"))
        record_order(user_id=ada.pk, document=order(number="second"))

        page = dashboard_client.get(ORDERS, {"q": "sec"}).content.decode()

        assert "second" in page
        assert "first" not in page

    def test_order_form_shows_the_document(self, dashboard_client, ada):
        row = record_order(user_id=ada.pk, document=order(number="10023"))

        page = dashboard_client.get(change_url(row)).content.decode()

        assert "  &quot;number&quot;: &quot;10023&quot;" in page


class TestSubscriptions:
    def test_owner_adds_a_subscription(self, dashboard_client, ada):
        response = dashboard_client.post(
            f"{SUBSCRIPTIONS}add/", {"user": ada.pk, "document": json.dumps(subscription(id=7))}
        )

        assert response.status_code == 302
        assert Subscription.objects.get().external_id == 7
        ada.refresh_from_db()
        assert ada.subscriptions_count == 1

    @pytest.mark.parametrize("text", ["7", "seven", "9" * 40])
    def test_subscriptions_are_found_by_id(self, dashboard_client, ada, text):
        row = record_subscription(user_id=ada.pk, document=subscription(id=7))

        response = dashboard_client.get(SUBSCRIPTIONS, {"q": text})

        assert response.status_code == 200
        assert (change_url(row) in response.content.decode()) == (text == "7")
