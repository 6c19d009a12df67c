"""Subscriptions on the wire, one class per schema of the published document."""

# mypy: disable-error-code="assignment"
# A field may be named like an attribute of serializers.

from customers.api.order_serializers import (
    BillingAddressSerializer,
    MarketingAttributionSerializer,
    ShippingAddressSerializer,
)
from customers.api.reported import (
    MAX_QUANTITY,
    Anything,
    Choice,
    Email,
    Flag,
    Moment,
    Money,
    Object,
    ReportedSerializer,
    Text,
    WebAddress,
    Whole,
)
from customers.api.serializers import moment
from customers.orders.models import Subscription, SubscriptionStatus


class SubscriptionLineSerializer(ReportedSerializer):
    id = Whole(read_only=True)
    metadata = Anything(required=False, allow_null=True)
    price = Money()
    product_id = Whole(read_only=True)
    product_image = WebAddress(read_only=True)
    product_title = Text(read_only=True)
    product_url = WebAddress(read_only=True)
    quantity = Whole(required=False, min_value=0, max_value=MAX_QUANTITY)
    sku = Text(read_only=True)
    variant_id = Whole(read_only=True)
    variant_title = Text(read_only=True)


class SubscriptionOrderSerializer(ReportedSerializer):
    billing_cycle = Whole(read_only=True)
    order_number = Text(read_only=True)


class UserInlineSerializer(ReportedSerializer):
    accepts_marketing = Flag(required=False)
    email = Email(required=False, allow_null=True)
    first_name = Text(required=False, max_length=255)
    id = Whole(read_only=True)
    ip = Text(required=False, allow_null=True)
    language = Text(required=False, allow_null=True)
    last_name = Text(required=False, max_length=255)
    phone_number = Text(required=False, allow_null=True)
    user_agent = Text(required=False, allow_null=True)


class SubscriptionSerializer(ReportedSerializer):
    attribution = MarketingAttributionSerializer()
    billing_address = BillingAddressSerializer(required=False, allow_null=True)
    cancel_reason = Text(read_only=True)
    cancel_reason_other_message = Text(read_only=True, allow_null=True)
    currency = Text(read_only=True)
    date_created = Moment(read_only=True)
    frequency = Text(read_only=True)
    id = Whole(read_only=True)
    interval = Choice(["day", "week", "month", "year"], required=False)
    interval_count = Whole(required=False, min_value=1)
    is_tax_known = Flag(read_only=True)
    is_test = Flag(required=False)
    lines = SubscriptionLineSerializer(many=True, read_only=True)
    next_renewal_date = Moment(required=False, allow_null=True)
    num_lines = Whole(read_only=True)
    num_orders = Whole(read_only=True)
    orders = SubscriptionOrderSerializer(many=True, read_only=True)
    payment_details = Object(read_only=True)
    payment_method = Text(read_only=True)
    shipping_address = ShippingAddressSerializer(required=False, allow_null=True)
    shipping_code = Text(required=False, max_length=128)
    shipping_price = Text(read_only=True)
    status = Choice(SubscriptionStatus.values, required=False)
    total = Money(read_only=True)
    user = UserInlineSerializer(read_only=True)

    def to_representation(self, subscription: Subscription):
        """The columns and the person as we know them, the rest as reported."""
        known = {
            "id": subscription.external_id,
            "status": subscription.status,
            "is_test": subscription.is_test,
            "user": {name: getattr(subscription.user, name) for name in UserInlineSerializer._declared_fields},
        }
        return self.shown({**subscription.document, **known}, moment(subscription.date_created))
