"""A document that the columns can't be read from is refused, with the path of the value at fault."""

import pytest

from customers.orders.models import Order, Subscription
from customers.orders.services import record_order, record_subscription
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


@pytest.fixture
def ada(db):
    return make_user(email="ada@lovelace.example")


def refusal_of(record, ada, document) -> tuple:
    with pytest.raises(ServiceError) as refusal:
        record(user_id=ada.pk, document=document)
    assert refusal.value.message
    assert not Order.objects.exists()
    assert not Subscription.objects.exists()
    return refusal.value.path


class TestOrders:
    @pytest.mark.parametrize("document", NOT_A_DOCUMENT)
    def test_order_document_must_be_an_object(self, ada, document):
        assert refusal_of(record_order, ada, document) == ("document",)

    @pytest.mark.parametrize("extra", NOT_STORABLE, ids=range(len(NOT_STORABLE)))
    def test_order_document_must_be_storable_in_both_databases(self, ada, extra):
        assert refusal_of(record_order, ada, order(**extra)) == ("document",)

    @pytest.mark.parametrize("number", [None, "", "  ", 10023, "9" * 129, []])
    def test_order_number_must_be_a_string(self, ada, number):
        assert refusal_of(record_order, ada, order(number=number)) == ("number",)

    @pytest.mark.parametrize("date", NOT_A_DATE, ids=repr)
    def test_order_date_must_be_a_date(self, ada, date):
        assert refusal_of(record_order, ada, order(date_placed=date)) == ("date_placed",)

    @pytest.mark.parametrize("status", [None, "", "PAID", "stolen", 1, ["paid"], {"paid": 1}])
    def test_order_payment_status_must_be_known(self, ada, status):
        assert refusal_of(record_order, ada, order(payment_status=status)) == ("payment_status",)

    @pytest.mark.parametrize("flag", NOT_A_FLAG, ids=repr)
    def test_order_is_test_must_be_boolean(self, ada, flag):
        assert refusal_of(record_order, ada, order(is_test=flag)) == ("is_test",)

    @pytest.mark.parametrize("currency", [1, "x" * 13])
    def test_order_currency_must_be_a_short_string(self, ada, currency):
        assert refusal_of(record_order, ada, order(currency=currency)) == ("currency",)

    @pytest.mark.parametrize("amount", NOT_AN_AMOUNT, ids=repr)
    def test_order_total_must_be_an_amount(self, ada, amount):
        assert refusal_of(record_order, ada, order(total_incl_tax=amount)) == ("total_incl_tax",)

    def test_order_total_in_reporting_currency_must_be_an_amount(self, ada):
        document = order(report_values={"total_incl_tax": "free"})

        assert refusal_of(record_order, ada, document) == ("report_values", "total_incl_tax")

    def test_refund_must_have_an_amount(self, ada):
        document = order(refunds=[refund("1.00"), {"report_values": {"total_refund_amount": "-1.00"}}])

        expected = ("refunds", 1, "report_values", "total_refund_amount")
        assert refusal_of(record_order, ada, document) == expected

    def test_refunds_must_be_a_list_of_objects(self, ada):
        assert refusal_of(record_order, ada, order(refunds={"0": refund("1.00")})) == ("refunds",)
        assert refusal_of(record_order, ada, order(refunds=["1.00"])) == ("refunds", 0)

    def test_refunds_must_add_up_to_an_amount(self, ada):
        assert refusal_of(record_order, ada, order(refunds=[refund("9999999999.99")] * 2)) == ("refunds",)


class TestSubscriptions:
    @pytest.mark.parametrize("document", NOT_A_DOCUMENT)
    def test_subscription_document_must_be_an_object(self, ada, document):
        assert refusal_of(record_subscription, ada, document) == ("document",)

    @pytest.mark.parametrize("extra", NOT_STORABLE, ids=range(len(NOT_STORABLE)))
    def test_subscription_document_must_be_storable_in_both_databases(self, ada, extra):
        assert refusal_of(record_subscription, ada, subscription(**extra)) == ("document",)

    @pytest.mark.parametrize("number", [None, "", "6001", 0, -1, True, 1.5, []])
    def test_subscription_id_must_be_a_positive_integer(self, ada, number):
        assert refusal_of(record_subscription, ada, subscription(id=number)) == ("id",)

    @pytest.mark.parametrize("date", NOT_A_DATE, ids=repr)
    def test_subscription_date_must_be_a_date(self, ada, date):
        assert refusal_of(record_subscription, ada, subscription(date_created=date)) == ("date_created",)

    @pytest.mark.parametrize("status", [None, "", "asleep", 1, ["active"]])
    def test_subscription_status_must_be_known(self, ada, status):
        assert refusal_of(record_subscription, ada, subscription(status=status)) == ("status",)

    @pytest.mark.parametrize("flag", NOT_A_FLAG, ids=repr)
    def test_subscription_is_test_must_be_boolean(self, ada, flag):
        assert refusal_of(record_subscription, ada, subscription(is_test=flag)) == ("is_test",)
