from datetime import UTC, datetime
from decimal import Decimal

import pytest

from customers.models import User, UserType
from customers.orders.models import SUCCESSFUL_PAYMENT, Order, PaymentStatus
from customers.orders.services import record_order
from tests.support.factories import make_owner, make_user
from tests.support.order_documents import full, order, refund

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada():
    return make_user(email="ada@lovelace.example")


@pytest.fixture
def grace():
    return make_user(email="grace@hopper.example")


def counters(user) -> tuple[int, str]:
    user.refresh_from_db()
    return user.orders_count, str(user.total_spent)


class TestRecordOrder:
    def test_record_order_stores_document_and_columns(self, ada):
        row = record_order(user_id=ada.pk, document=full("order"))

        row.refresh_from_db()
        assert row.user == ada
        assert row.document == full("order")
        assert row.number == "10023"
        assert row.date_placed == datetime(2026, 10, 3, 13, 12, 44, 120000, tzinfo=UTC)
        assert row.payment_status == PaymentStatus.PARTIALLY_REFUNDED
        assert (row.total, row.refunded, row.currency) == (Decimal("86.15"), Decimal("18.23"), "USD")

    def test_total_spent_is_total_minus_refunds_in_reporting_currency(self, ada):
        record_order(user_id=ada.pk, document=full("order"))
        record_order(user_id=ada.pk, document=order(total_incl_tax="0.10"))
        record_order(user_id=ada.pk, document=order(total_incl_tax="0.20"))

        assert counters(ada) == (3, "68.22")

    def test_repeated_order_counts_once(self, ada):
        document = order()

        for _ in range(3):
            record_order(user_id=ada.pk, document=document)

        assert counters(ada) == (1, "20.00")
        assert Order.objects.count() == 1

    def test_record_order_replaces_the_former_document(self, ada):
        document = order()
        record_order(user_id=ada.pk, document=document)

        record_order(user_id=ada.pk, document={**document, "refunds": [refund("7.50"), refund("2.50")]})

        assert counters(ada) == (1, "10.00")

    def test_voided_order_no_longer_counts(self, ada):
        document = order()
        record_order(user_id=ada.pk, document=document)

        record_order(user_id=ada.pk, document={**document, "payment_status": "voided"})

        assert counters(ada) == (0, "0.00")

    def test_total_spent_is_never_negative(self, ada):
        record_order(user_id=ada.pk, document=order(refunds=[refund("50.00")]))

        assert counters(ada) == (1, "0.00")

    def test_total_spent_stops_at_the_column_maximum(self, ada):
        for _ in range(2):
            record_order(user_id=ada.pk, document=order(total_incl_tax="9999999999.99"))

        assert counters(ada) == (2, "9999999999.99")

    @pytest.mark.parametrize("status", PaymentStatus.values)
    def test_only_paid_orders_count(self, ada, status):
        record_order(user_id=ada.pk, document=order(payment_status=status))

        assert counters(ada) == ((1, "20.00") if status in SUCCESSFUL_PAYMENT else (0, "0.00"))

    def test_test_order_never_counts(self, ada):
        record_order(user_id=ada.pk, document=order(is_test=True))

        assert counters(ada) == (0, "0.00")
        assert ada.user_type == UserType.LEAD

    def test_order_moves_to_another_customer(self, ada, grace):
        document = order()
        record_order(user_id=ada.pk, document=document)

        row = record_order(user_id=grace.pk, document=document)

        assert row.user == grace
        assert counters(ada) == (0, "0.00")
        assert counters(grace) == (1, "20.00")

    def test_order_date_without_offset_is_in_the_stores_time_zone(self, ada, settings):
        settings.TIME_ZONE = "America/Toronto"

        row = record_order(user_id=ada.pk, document=order(date_placed="2026-10-03T09:00:00"))

        assert row.date_placed == datetime(2026, 10, 3, 13, tzinfo=UTC)

    def test_record_order_rejects_unknown_customer(self):
        with pytest.raises(User.DoesNotExist):
            record_order(user_id=987_654_321, document=order())

        assert not Order.objects.exists()


class TestUserType:
    def test_first_paid_order_makes_a_lead_a_customer(self, ada):
        record_order(user_id=ada.pk, document=order(payment_status="pending"))
        ada.refresh_from_db()
        was = ada.user_type

        record_order(user_id=ada.pk, document=order())

        ada.refresh_from_db()
        assert (was, ada.user_type) == (UserType.LEAD, UserType.CUSTOMER)

    def test_voided_order_keeps_the_customer_a_customer(self, ada):
        document = order()
        record_order(user_id=ada.pk, document=document)

        record_order(user_id=ada.pk, document={**document, "payment_status": "voided"})

        ada.refresh_from_db()
        assert ada.user_type == UserType.CUSTOMER

    def test_order_keeps_staff_as_staff(self):
        owner = make_owner()

        record_order(user_id=owner.pk, document=order())

        owner.refresh_from_db()
        assert owner.user_type == UserType.DASHBOARD
        assert owner.orders_count == 1


class TestUpdatedAt:
    def test_updated_at_moves_when_a_counter_changes(self, ada):
        before = ada.updated_at

        record_order(user_id=ada.pk, document=order())

        ada.refresh_from_db()
        assert ada.updated_at > before

    def test_updated_at_stays_when_no_counter_changes(self, ada):
        document = order()
        record_order(user_id=ada.pk, document=document)
        ada.refresh_from_db()
        before = ada.updated_at

        record_order(user_id=ada.pk, document={**document, "status": "shipped"})

        ada.refresh_from_db()
        assert ada.updated_at == before
