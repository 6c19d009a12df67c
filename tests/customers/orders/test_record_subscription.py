import pytest

from customers.models import UserType
from customers.orders.models import Subscription
from customers.orders.services import record_subscription
from tests.support.factories import make_user
from tests.support.order_documents import full, subscription

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada():
    return make_user(email="ada@lovelace.example")


def count_of(user) -> int:
    user.refresh_from_db()
    return user.subscriptions_count


class TestRecordSubscription:
    def test_record_subscription_stores_document_and_columns(self, ada):
        row = record_subscription(user_id=ada.pk, document=full("subscription"))

        row.refresh_from_db()
        assert row.document == full("subscription")
        assert (row.user, row.external_id, row.status, row.is_test) == (ada, 6001, "active", False)

    def test_repeated_subscription_counts_once(self, ada):
        document = subscription()

        for status in ("active", "active", "canceled"):
            record_subscription(user_id=ada.pk, document={**document, "status": status})

        assert count_of(ada) == 1
        assert Subscription.objects.get().status == "canceled"

    def test_test_subscription_never_counts(self, ada):
        record_subscription(user_id=ada.pk, document=subscription(is_test=True))

        assert count_of(ada) == 0

    def test_subscription_keeps_a_lead_a_lead(self, ada):
        record_subscription(user_id=ada.pk, document=subscription())

        ada.refresh_from_db()
        assert ada.user_type == UserType.LEAD

    def test_subscription_moves_to_another_customer(self, ada):
        grace = make_user(email="grace@hopper.example")
        document = subscription()
        record_subscription(user_id=ada.pk, document=document)

        record_subscription(user_id=grace.pk, document=document)

        assert (count_of(ada), count_of(grace)) == (0, 1)
