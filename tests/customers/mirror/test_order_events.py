"""Events about orders and subscriptions of a store without a token: the documents, and the counters."""

from decimal import Decimal

import pytest

from customers.models import User
from customers.orders.services import record_order
from tests.support.factories import make_user
from tests.support.order_documents import order, refund
from tests.support.remote_payloads import customer_json, event_json, to_bytes

COUNTED = ("user_type", "orders_count", "total_spent", "subscriptions_count")


class TestOrders:
    @pytest.fixture
    def counters(self, send_event):
        send_event("customer.created", customer_json(orders_count=4, total_spent="100.00", user_type="customer"))
        return lambda: User.objects.values_list(*COUNTED).get(pk=5001)

    FUTURE = "2999-01-01T00:00:00Z"

    def document(self, **fields):
        return order(number="N1", user={"id": 5001}, **{"date_placed": self.FUTURE, **fields})

    def test_new_order_is_counted_once(self, send_event, counters):
        for event_id in ("one", "two", "one"):
            send_event("order.created", self.document(), event_id)

        assert counters() == ("customer", 5, Decimal("120.00"), 0)

    def test_order_that_was_placed_before_the_last_sync_is_counted_already(self, send_event, counters):
        assert send_event("order.created", self.document(date_placed="2020-01-01T00:00:00Z")) == "applied"
        assert counters() == ("customer", 4, Decimal("100.00"), 0)

    def test_changed_order_changes_the_counters_by_the_difference(self, send_event, counters):
        send_event("order.created", self.document())

        send_event("order.updated", self.document(refunds=[refund("5.00")]))
        assert counters() == ("customer", 5, Decimal("115.00"), 0)

        send_event("order.updated", self.document(payment_status="voided"))
        assert counters() == ("customer", 4, Decimal("100.00"), 0)

    def test_order_with_an_older_updated_at_is_outdated(self, send_event, counters):
        send_event("order.created", self.document(updated_at="2026-10-03T10:00:00Z"))
        send_event("order.updated", self.document(updated_at="2026-10-03T12:00:00Z", refunds=[refund("5.00")]))

        assert send_event("order.updated", self.document(updated_at="2026-10-03T11:00:00Z")) == "outdated"
        assert counters() == ("customer", 5, Decimal("115.00"), 0)

    def test_order_makes_a_lead_a_customer(self, send_event):
        send_event("customer.created", customer_json())

        send_event("order.created", self.document())

        assert User.objects.values_list(*COUNTED).get() == ("customer", 1, Decimal("20.00"), 0)

    def test_order_may_move_to_another_customer(self, send_event, counters):
        send_event("customer.created", customer_json(5002))
        send_event("order.created", self.document())

        send_event("order.updated", {**self.document(), "user": {"id": 5002}})

        assert counters() == ("customer", 4, Decimal("100.00"), 0)
        assert User.objects.values_list(*COUNTED).get(pk=5002) == ("customer", 1, Decimal("20.00"), 0)

    def test_order_of_an_unknown_customer_is_answered_with_409(self, post_event, send_event):
        body = to_bytes(event_json("order.created", self.document()))
        answer = post_event(body)
        assert (answer.status_code, answer.json()) == (409, {"detail": "The customer is not here yet. Retry later."})

        send_event("customer.created", customer_json())
        assert post_event(body).status_code == 200
        assert User.objects.get().orders_count == 1

    def test_order_without_a_customer_is_rejected_until_the_order_is_known(self, send_event, counters):
        anonymous = {name: value for name, value in self.document().items() if name != "user"}
        assert send_event("order.created", anonymous) == "rejected"

        send_event("order.created", self.document())
        assert send_event("order.updated", {**anonymous, "refunds": [refund("1.00")]}) == "applied"
        assert counters() == ("customer", 5, Decimal("119.00"), 0)

    def test_order_number_of_a_local_customer_is_a_conflict(self, send_event, counters):
        mine = make_user()
        record_order(user_id=mine.pk, document=order(number="N1"))

        assert send_event("order.created", self.document()) == "conflict"
        assert mine.orders.count() == 1

    def test_order_of_a_local_customer_is_a_conflict(self, send_event):
        mine = make_user()

        assert send_event("order.created", {**self.document(), "user": {"id": mine.pk}}) == "conflict"
        assert not mine.orders.exists()


class TestSubscriptions:
    def document(self, **fields):
        document = {"id": 77, "date_created": "2999-01-01T00:00:00Z", "status": "active", "user": {"id": 5001}}
        return {**document, **fields}

    def test_subscription_is_counted_once(self, send_event):
        send_event("customer.created", customer_json())

        send_event("subscription.created", self.document())
        send_event("subscription.canceled", self.document(status="canceled"))

        user = User.objects.get()
        assert (user.subscriptions_count, user.user_type) == (1, "lead")
        assert user.subscriptions.get().status == "canceled"

    def test_test_subscription_is_not_counted(self, send_event):
        send_event("customer.created", customer_json())
        send_event("subscription.created", self.document())

        send_event("subscription.updated", self.document(is_test=True))

        assert User.objects.get().subscriptions_count == 0
