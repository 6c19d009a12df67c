"""Subscriptions in version 2023-02-10."""

# mypy: disable-error-code="assignment"
# This version replaces fields of the newest.

from customers.api.lenient_fields import (
    MAX_QUANTITY,
    LenientInteger,
    LenientJSON,
    LenientMoney,
    LenientSerializer,
)
from customers.api.resources import subscription_serializers as newest
from customers.api.resources.order_parts import LineAttributeSerializer
from customers.api.v2023_02_10.orders import ProductSerializer, StockrecordSerializer, with_product


class SubscriptionLineSerializer(LenientSerializer):
    id = LenientInteger(read_only=True)
    metadata = LenientJSON(required=False, allow_null=True)
    price = LenientMoney()
    product = ProductSerializer()
    properties = LineAttributeSerializer(many=True, read_only=True)
    quantity = LenientInteger(required=False, min_value=0, max_value=MAX_QUANTITY)
    stockrecord = StockrecordSerializer()

    def render(self, value, date):
        return super().render(with_product(value), date)


class SubscriptionSerializer(newest.SubscriptionSerializer):
    lines = SubscriptionLineSerializer(many=True, read_only=True)


class SubscriptionDetailSerializer(newest.SubscriptionDetailSerializer):
    lines = SubscriptionLineSerializer(many=True, read_only=True)
