"""An answer matches the published schema whatever an order system reported."""

from datetime import UTC, datetime

import pytest

from customers.api.resources import order_serializers, subscription_serializers
from customers.api.v2023_02_10 import orders as orders_2023_02_10
from customers.api.v2023_02_10 import subscriptions as subscriptions_2023_02_10
from customers.models import User
from customers.orders.models import Order, Subscription
from oauth.models import ApiVersion
from tests.support.order_documents import full, published, spoiled

DATE = datetime(2026, 10, 3, 9, 12, 44, tzinfo=UTC)
NEWEST, OLDEST = ApiVersion.V2024_04_01, ApiVersion.V2023_02_10

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("version", "serializer_class"),
    [
        (NEWEST, order_serializers.UserOrderInlineSerializer),
        (OLDEST, orders_2023_02_10.UserOrderInlineSerializer),
    ],
)
def test_order_with_any_missing_or_invalid_value_matches_the_schema(version, serializer_class):
    schema, serializer = published("UserOrderInline", version), serializer_class()
    row = Order(number="1", payment_status="paid", date_placed=DATE)

    for change, row.document in spoiled(full("order")):
        assert schema.is_valid(serializer.to_representation(row)), change


@pytest.mark.parametrize(
    ("version", "serializer_class"),
    [
        (NEWEST, subscription_serializers.SubscriptionSerializer),
        (OLDEST, subscriptions_2023_02_10.SubscriptionSerializer),
    ],
)
def test_subscription_with_any_missing_or_invalid_value_matches_the_schema(version, serializer_class):
    schema, serializer = published("Subscription", version), serializer_class()
    row = Subscription(user=User(pk=41), external_id=6001, date_created=DATE, status="active")

    for change, row.document in spoiled(full("subscription")):
        assert schema.is_valid(serializer.to_representation(row)), change
