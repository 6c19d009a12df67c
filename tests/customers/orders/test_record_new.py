"""Recording many new orders and subscriptions at once."""

import pytest
from django.db import IntegrityError, transaction

from customers.models import Event, User
from customers.orders.models import Order, Subscription
from customers.orders.services import record_new, record_order, record_subscription
from oauth.errors import ServiceError
from tests.support.factories import make_user
from tests.support.order_documents import order, refund, subscription

pytestmark = pytest.mark.django_db

COUNTERS = ("orders_count", "total_spent", "subscriptions_count", "user_type")


def test_record_new_writes_what_single_records_write():
    ada, grace = make_user(), make_user()
    orders = [order(), order(refunds=[refund("5.00")]), order(is_test=True), order(payment_status="pending")]
    subscriptions = [subscription(), subscription(is_test=True)]

    record_new([(ada.pk, each) for each in orders], [(ada.pk, each) for each in subscriptions])
    at_once = state_of(ada)
    Order.objects.all().delete()
    Subscription.objects.all().delete()
    for document in orders:
        record_order(user_id=grace.pk, document=document)
    for document in subscriptions:
        record_subscription(user_id=grace.pk, document=document)

    assert at_once == state_of(grace)
    assert at_once["counters"] == (2, 35, 1, "customer")


def state_of(user: User) -> dict:
    """Counters, documents and events of a person."""
    without = ("id", "user_id")
    return {
        "counters": User.objects.values_list(*COUNTERS).get(pk=user.pk),
        "rows": [
            {name: value for name, value in row.items() if name not in without}
            for rows in (user.orders, user.subscriptions)
            for row in rows.order_by("id").values()
        ],
        "events": list(Event.objects.filter(user=user).order_by("id").values_list("kind", "changes")),
    }


def test_record_new_counts_earlier_orders_too():
    ada = make_user()
    record_order(user_id=ada.pk, document=order())

    record_new([(ada.pk, order())], [])

    assert User.objects.get(pk=ada.pk).orders_count == 2


def test_record_new_rejects_known_number_and_writes_nothing():
    ada, grace = make_user(), make_user()
    record_order(user_id=ada.pk, document=order(number="N-1"))

    with pytest.raises(IntegrityError), transaction.atomic():
        record_new([(grace.pk, order()), (grace.pk, order(number="N-1"))], [])

    assert (grace.orders.count(), User.objects.get(pk=grace.pk).orders_count) == (0, 0)


def test_record_new_rejects_invalid_document():
    ada = make_user()

    with pytest.raises(ServiceError) as error:
        record_new([(ada.pk, order()), (ada.pk, order(total_incl_tax="free"))], [])

    assert error.value.path == ("total_incl_tax",)
    assert not Order.objects.exists()
