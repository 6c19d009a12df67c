"""Invalid documents are rejected with the path of the invalid value. This needs no database, except for one test."""

from collections.abc import Callable, Iterable

import pytest

from customers.orders.models import Order
from customers.orders.services import order_columns, record_order, subscription_columns
from oauth.errors import ServiceError
from tests.support.factories import make_user
from tests.support.order_documents import order, refund, subscription

NESTED = {}
for _ in range(100):
    NESTED = {"deeper": NESTED}

NOT_A_DOCUMENT = [None, [], "order", 1]
NOT_STORABLE = [{"note": "\0"}, {"no\0te": ""}, {"note": "\ud800"}, {"note": float("nan")}, {"note": 2**63}, NESTED]
NOT_A_DATE = [None, "", 5, "yesterday", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "0001-01-01T00:00:00+14:00",
              "9999-12-31T23:59:59-12:00", ["2026-10-03T09:12:44Z"]]  # fmt: skip
NOT_AN_AMOUNT = [
    None,
    "",
    "free",
    "-0.01",
    "12,50",
    "12.345",
    "10000000000.00",
    "1e3",
    "NaN",
    "٣",
    " 1",
    "1\n",
    12.5,
    12,
    [],
    {},
]
NOT_A_FLAG = [None, "false", 0, []]


def rejected_path(columns: Callable[[object], dict], document: object) -> tuple:
    with pytest.raises(ServiceError) as error:
        columns(document)
    assert error.value.message
    return error.value.path


def assert_order_rejects(field: str, values: Iterable[object]) -> None:
    for value in values:
        assert rejected_path(order_columns, order(**{field: value})) == (field,), value


def assert_subscription_rejects(field: str, values: Iterable[object]) -> None:
    for value in values:
        assert rejected_path(subscription_columns, subscription(**{field: value})) == (field,), value


@pytest.mark.django_db
def test_rejected_order_is_not_stored():
    ada = make_user()

    with pytest.raises(ServiceError):
        record_order(user_id=ada.pk, document=order(total_incl_tax="free"))

    assert not Order.objects.exists()


@pytest.mark.once
class TestOrders:
    def test_order_document_must_be_an_object(self):
        for document in NOT_A_DOCUMENT:
            assert rejected_path(order_columns, document) == ("document",), document

    def test_order_document_must_be_storable_in_both_databases(self):
        for extra in NOT_STORABLE:
            assert rejected_path(order_columns, order(**extra)) == ("document",)

    def test_order_number_must_be_a_string(self):
        assert_order_rejects("number", [None, "", "  ", 10023, "9" * 129, []])

    def test_order_date_must_be_a_date(self):
        assert_order_rejects("date_placed", NOT_A_DATE)

    def test_order_payment_status_must_be_known(self):
        assert_order_rejects("payment_status", [None, "", "PAID", "stolen", 1, ["paid"], {"paid": 1}])

    def test_order_is_test_must_be_boolean(self):
        assert_order_rejects("is_test", NOT_A_FLAG)

    def test_order_currency_must_be_a_short_string(self):
        assert_order_rejects("currency", [1, "x" * 13])

    def test_order_total_must_be_an_amount(self):
        assert_order_rejects("total_incl_tax", NOT_AN_AMOUNT)

    def test_order_total_in_reporting_currency_must_be_an_amount(self):
        document = order(report_values={"total_incl_tax": "free"})

        assert rejected_path(order_columns, document) == ("report_values", "total_incl_tax")

    def test_refund_must_have_an_amount(self):
        document = order(refunds=[refund("1.00"), {"report_values": {"total_refund_amount": "-1.00"}}])

        expected = ("refunds", 1, "report_values", "total_refund_amount")
        assert rejected_path(order_columns, document) == expected

    def test_refunds_must_be_a_list_of_objects(self):
        assert rejected_path(order_columns, order(refunds={"0": refund("1.00")})) == ("refunds",)
        assert rejected_path(order_columns, order(refunds=["1.00"])) == ("refunds", 0)

    def test_refunds_must_add_up_to_an_amount(self):
        assert rejected_path(order_columns, order(refunds=[refund("9999999999.99")] * 2)) == ("refunds",)


@pytest.mark.once
class TestSubscriptions:
    def test_subscription_document_must_be_an_object(self):
        for document in NOT_A_DOCUMENT:
            assert rejected_path(subscription_columns, document) == ("document",), document

    def test_subscription_document_must_be_storable_in_both_databases(self):
        for extra in NOT_STORABLE:
            assert rejected_path(subscription_columns, subscription(**extra)) == ("document",)

    def test_subscription_id_must_be_a_positive_integer(self):
        assert_subscription_rejects("id", [None, "", "6001", 0, -1, True, 1.5, []])

    def test_subscription_date_must_be_a_date(self):
        assert_subscription_rejects("date_created", NOT_A_DATE)

    def test_subscription_status_must_be_known(self):
        assert_subscription_rejects("status", [None, "", "asleep", 1, ["active"]])

    def test_subscription_is_test_must_be_boolean(self):
        assert_subscription_rejects("is_test", NOT_A_FLAG)
