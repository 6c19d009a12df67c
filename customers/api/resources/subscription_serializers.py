"""Serializers of subscriptions, one class per schema of the published document."""

# mypy: disable-error-code="assignment"
# A field may be named like an attribute of serializers.

from customers.api.fields import format_datetime
from customers.api.lenient_fields import (
    MAX_QUANTITY,
    LenientBoolean,
    LenientChar,
    LenientChoice,
    LenientDateTime,
    LenientDict,
    LenientInteger,
    LenientJSON,
    LenientMoney,
    LenientSerializer,
    LenientURL,
)
from customers.api.resources.order_parts import (
    BillingAddressSerializer,
    LineAttributeSerializer,
    MarketingAttributionSerializer,
    ShippingAddressSerializer,
    UserInlineSerializer,
    user_inline,
)
from customers.orders.models import Subscription, SubscriptionStatus


class SubscriptionLineSerializer(LenientSerializer):
    id = LenientInteger(read_only=True)
    metadata = LenientJSON(required=False, allow_null=True)
    price = LenientMoney()
    product_id = LenientInteger(read_only=True)
    product_image = LenientURL(read_only=True)
    product_title = LenientChar(read_only=True)
    product_url = LenientURL(read_only=True)
    properties = LineAttributeSerializer(many=True, read_only=True)
    quantity = LenientInteger(required=False, min_value=0, max_value=MAX_QUANTITY)
    sku = LenientChar(read_only=True)
    variant_id = LenientInteger(read_only=True)
    variant_title = LenientChar(read_only=True)


class SubscriptionOrderSerializer(LenientSerializer):
    billing_cycle = LenientInteger(read_only=True)
    order_number = LenientChar(read_only=True)


class SubscriptionSerializer(LenientSerializer):
    attribution = MarketingAttributionSerializer()
    billing_address = BillingAddressSerializer(required=False, allow_null=True)
    cancel_reason = LenientChar(read_only=True)
    cancel_reason_other_message = LenientChar(read_only=True, allow_null=True)
    currency = LenientChar(read_only=True)
    date_created = LenientDateTime(read_only=True)
    frequency = LenientChar(read_only=True)
    id = LenientInteger(read_only=True)
    interval = LenientChoice(["day", "week", "month", "year"], required=False)
    interval_count = LenientInteger(required=False, min_value=1)
    is_tax_known = LenientBoolean(read_only=True)
    is_test = LenientBoolean(required=False)
    lines = SubscriptionLineSerializer(many=True, read_only=True)
    next_renewal_date = LenientDateTime(required=False, allow_null=True)
    num_lines = LenientInteger(read_only=True)
    num_orders = LenientInteger(read_only=True)
    orders = SubscriptionOrderSerializer(many=True, read_only=True)
    payment_details = LenientDict(read_only=True)
    payment_method = LenientChar(read_only=True)
    shipping_address = ShippingAddressSerializer(required=False, allow_null=True)
    shipping_code = LenientChar(required=False, max_length=128)
    shipping_price = LenientChar(read_only=True)
    status = LenientChoice(SubscriptionStatus.values, required=False)
    total = LenientMoney(read_only=True)
    user = UserInlineSerializer(read_only=True)

    def to_representation(self, subscription: Subscription):
        """The columns and the user, and everything else as the order system reported it."""
        known = {
            "id": subscription.external_id,
            "status": subscription.status,
            "is_test": subscription.is_test,
            "user": user_inline(subscription.user),
        }
        return self.render({**subscription.document, **known}, format_datetime(subscription.date_created))


class SubscriptionDetailSerializer(SubscriptionSerializer):
    """In the list of all subscriptions."""

    is_tax_known = None
    paused_at = LenientDateTime(read_only=True, allow_null=True)
    paused_until = LenientDateTime(read_only=True, allow_null=True)
