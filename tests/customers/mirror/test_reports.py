"""Events about orders and subscriptions, of a store that is taken at its word: the documents, and the counters."""

import json
from decimal import Decimal

import pytest

from customers.models import User
from customers.orders.services import record_order
from tests.customers.mirror.conftest import envelope, told
from tests.support.factories import make_user
from tests.support.order_documents import order, refund

COUNTED = ("user_type", "orders_count", "total_spent", "subscriptions_count")


class TestOrders:
    @pytest.fixture
    def counters(self, tell):
        tell("customer.created", told(orders_count=4, total_spent="100.00", user_type="customer"))
        return lambda: User.objects.values_list(*COUNTED).get(pk=5001)

    FUTURE = "2999-01-01T00:00:00Z"

    def report(self, **fields):
        return order(number="N1", user={"id": 5001}, **{"date_placed": self.FUTURE, **fields})

    def test_that_are_new_are_counted_once(self, tell, counters):
        for event_id in ("one", "two", "one"):
            tell("order.created", self.report(), event_id)

        assert counters() == ("customer", 5, Decimal("120.00"), 0)

    def test_that_were_placed_before_the_customer_was_told_of_are_counted_already(self, tell, counters):
        assert tell("order.created", self.report(date_placed="2020-01-01T00:00:00Z")) == "applied"
        assert counters() == ("customer", 4, Decimal("100.00"), 0)

    def test_change_by_the_difference(self, tell, counters):
        tell("order.created", self.report())

        tell("order.updated", self.report(refunds=[refund("5.00")]))
        assert counters() == ("customer", 5, Decimal("115.00"), 0)

        tell("order.updated", self.report(payment_status="voided"))
        assert counters() == ("customer", 4, Decimal("100.00"), 0)

    def test_that_come_late_are_left(self, tell, counters):
        tell("order.created", self.report(updated_at="2026-10-03T10:00:00Z"))
        tell("order.updated", self.report(updated_at="2026-10-03T12:00:00Z", refunds=[refund("5.00")]))

        assert tell("order.updated", self.report(updated_at="2026-10-03T11:00:00Z")) == "outdated"
        assert counters() == ("customer", 5, Decimal("115.00"), 0)

    def test_make_a_customer_of_a_lead(self, tell):
        tell("customer.created", told())

        tell("order.created", self.report())

        assert User.objects.values_list(*COUNTED).get() == ("customer", 1, Decimal("20.00"), 0)

    def test_may_go_to_another_customer(self, tell, counters):
        tell("customer.created", told(5002))
        tell("order.created", self.report())

        tell("order.updated", {**self.report(), "user": {"id": 5002}})

        assert counters() == ("customer", 4, Decimal("100.00"), 0)
        assert User.objects.values_list(*COUNTED).get(pk=5002) == ("customer", 1, Decimal("20.00"), 0)

    def test_of_who_is_not_known_yet_are_to_come_again(self, post, tell):
        body = json.dumps(envelope("order.created", self.report())).encode()
        assert post(body).status_code == 409

        tell("customer.created", told())
        assert post(body).status_code == 200
        assert User.objects.get().orders_count == 1

    def test_that_do_not_tell_whose_they_are_are_refused_until_they_are_known(self, tell, counters):
        nameless = {name: value for name, value in self.report().items() if name != "user"}
        assert tell("order.created", nameless) == "refused"

        tell("order.created", self.report())
        assert tell("order.updated", {**nameless, "refunds": [refund("1.00")]}) == "applied"
        assert counters() == ("customer", 5, Decimal("119.00"), 0)

    def test_of_a_customer_of_ours_are_left_alone(self, tell, counters):
        mine = make_user()
        record_order(user_id=mine.pk, document=order(number="N1"))

        assert tell("order.created", self.report()) == "conflict"
        assert mine.orders.count() == 1

    def test_of_a_customer_who_was_not_copied_are_not_taken(self, tell):
        mine = make_user()

        assert tell("order.created", {**self.report(), "user": {"id": mine.pk}}) == "conflict"
        assert not mine.orders.exists()


class TestSubscriptions:
    def report(self, **fields):
        document = {"id": 77, "date_created": "2999-01-01T00:00:00Z", "status": "active", "user": {"id": 5001}}
        return {**document, **fields}

    def test_are_counted_once(self, tell):
        tell("customer.created", told())

        tell("subscription.created", self.report())
        tell("subscription.canceled", self.report(status="canceled"))

        user = User.objects.get()
        assert (user.subscriptions_count, user.user_type) == (1, "lead")
        assert user.subscriptions.get().status == "canceled"

    def test_that_turn_out_to_be_tests_are_not_counted(self, tell):
        tell("customer.created", told())
        tell("subscription.created", self.report())

        tell("subscription.updated", self.report(is_test=True))

        assert User.objects.get().subscriptions_count == 0
