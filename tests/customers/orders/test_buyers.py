"""Filters by the days of orders: they follow whatever happens to the orders."""

import pytest

from customers.filters import filter_customers
from customers.merging.services import merge, undo
from customers.models import Customer
from customers.orders.services import record_new, record_order
from oauth.actor import SYSTEM
from tests.support.factories import make_user
from tests.support.order_documents import order


@pytest.fixture
def bought(db):
    """`bought(user, "2026-03-01", number="1")`: the order of that day."""

    def record(user, day: str, number: str, **fields) -> None:
        record_order(user_id=user.pk, document=order(number=number, date_placed=f"{day}T12:00:00Z", **fields))

    return record


def names(**filters: str) -> str:
    """The first names of those who match, in alphabetical order."""
    found = filter_customers(Customer.objects.all(), filters)
    return " ".join(found.order_by("first_name").values_list("first_name", flat=True))


class TestFilters:
    def test_filters_look_at_the_first_and_the_last_successful_order(self, bought):
        ada, ben, cleo, dan = (make_user(first_name=name) for name in ("Ada", "Ben", "Cleo", "Dan"))
        bought(ada, "2026-03-01", "1")
        bought(ada, "2026-03-09", "2")
        bought(ben, "2026-03-05", "3")
        bought(cleo, "2026-03-05", "4", payment_status="pending")
        bought(dan, "2026-03-05", "5", is_test=True)

        assert names(ordered_from="2026-03-05") == "Ada Ben"
        assert names(ordered_from="2026-03-06") == "Ada"
        assert names(ordered_to="2026-03-05") == "Ada Ben"
        assert names(ordered_to="2026-03-04") == "Ada"
        assert names(first_order_from="2026-03-02") == "Ben"
        assert names(first_order_from="2026-03-06") == ""
        assert names(last_order_to="2026-03-08") == "Ben"
        assert names(last_order_to="2026-03-09") == "Ada Ben"
        assert names(first_order_from="2026-03-01", last_order_to="2026-03-05") == "Ben"
        assert names(search="ada", ordered_from="2026-03-01") == "Ada"

    def test_filters_follow_an_order_that_is_corrected_moved_or_voided(self, bought):
        ada, ben = make_user(first_name="Ada"), make_user(first_name="Ben")
        bought(ada, "2026-03-05", "1", payment_status="pending")
        assert names(ordered_from="2026-01-01") == ""
        bought(ada, "2026-03-05", "1")
        assert names(first_order_from="2026-03-05") == "Ada"
        bought(ada, "2026-03-01", "1")
        assert names(first_order_from="2026-03-05") == ""
        bought(ben, "2026-03-01", "1")
        assert names(ordered_from="2026-01-01") == "Ben"
        bought(ben, "2026-03-01", "1", payment_status="voided")
        assert names(ordered_from="2026-01-01") == ""

    def test_filters_know_orders_that_are_recorded_together(self, db):
        ada = make_user(first_name="Ada")
        days = ("2026-03-01", "2026-03-09")
        record_new([(ada.pk, order(number=day, date_placed=f"{day}T12:00:00Z")) for day in days], [])

        assert names(first_order_from="2026-03-01", last_order_to="2026-03-09") == "Ada"
        assert names(first_order_from="2026-03-02") == names(last_order_to="2026-03-08") == ""

    def test_filters_follow_a_merge_and_its_undoing(self, bought):
        ada, ben = make_user(first_name="Ada"), make_user(first_name="Ben")
        bought(ben, "2026-03-05", "1")

        merge(ada.pk, ben.pk, by=SYSTEM)
        assert names(first_order_from="2026-03-05") == "Ada"

        undo(ada.pk, by=SYSTEM)
        assert names(first_order_from="2026-03-05") == "Ben"
