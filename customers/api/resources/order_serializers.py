"""Serializers of orders, one class per schema of the published document."""

# mypy: disable-error-code="assignment"
# A field may be named like an attribute of serializers.

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from customers.api.fields import format_datetime
from customers.api.lenient_fields import (
    MAX_QUANTITY,
    LenientBoolean,
    LenientChar,
    LenientChoice,
    LenientDateTime,
    LenientField,
    LenientFloat,
    LenientInteger,
    LenientJSON,
    LenientMoney,
    LenientSerializer,
    LenientStringList,
    LenientURL,
)
from customers.api.resources.order_parts import (
    BillingAddressSerializer,
    LineAttributeSerializer,
    LocationAddressSerializer,
    MarketingAttributionSerializer,
    ShippingAddressSerializer,
    TaxPriceBreakdownReportValueSerializer,
    TaxPriceBreakdownSerializer,
    UserInlineSerializer,
    user_inline,
)
from customers.orders.models import Order, PaymentStatus

DELIVERY_STATUSES = (
    "tracking_added",
    "in_transit",
    "out_for_delivery",
    "attempted_delivery",
    "failed_delivery",
    "delivered",
    "delayed",
)


@extend_schema_field({"allOf": [{"enum": [None, *DELIVERY_STATUSES, ""]}]})
class DeliveryStatus(LenientField, serializers.ReadOnlyField):
    """Published as an enum without a type, since null is one of its values."""

    def accepts(self, value):
        return value in (*DELIVERY_STATUSES, "")

    def fallback(self, date):
        return None


class FulfillmentTaxPriceBreakdownSerializer(TaxPriceBreakdownSerializer):
    """Same fields. The published document has a schema of its own for them."""


class FulfillmentLineResponseSerializer(LenientSerializer):
    currency = LenientChar(read_only=True, max_length=12)
    fulfilled_quantity = LenientChar(read_only=True)
    fulfillment_service = LenientChar(read_only=True)
    id = LenientInteger(read_only=True)
    order_line_id = LenientInteger(read_only=True)
    price_excl_tax = LenientMoney(read_only=True)
    price_incl_tax = LenientMoney(read_only=True)
    product_id = LenientInteger(read_only=True)
    product_image = LenientURL(read_only=True)
    product_title = LenientChar(read_only=True)
    properties = LineAttributeSerializer(many=True, read_only=True)
    quantity = LenientInteger(required=False, min_value=0, max_value=MAX_QUANTITY)
    requires_shipping = LenientBoolean(read_only=True)
    returnable_quantity = LenientChar(read_only=True)
    returned_quantity = LenientChar(read_only=True)
    sku = LenientChar(read_only=True)
    tax_lines = FulfillmentTaxPriceBreakdownSerializer(many=True, read_only=True)
    total_discount = LenientMoney(read_only=True)


class FulfillmentResponseSerializer(LenientSerializer):
    created_at = LenientDateTime(required=False)
    delivered_at = LenientDateTime(required=False, allow_null=True)
    delivery_status = DeliveryStatus()
    id = LenientInteger(read_only=True)
    last_event_date = LenientDateTime(required=False, allow_null=True)
    line_items = FulfillmentLineResponseSerializer(many=True)
    location_id = LenientInteger()
    order_number = LenientChar(read_only=True)
    origin_address = LocationAddressSerializer(read_only=True)
    processing_at = LenientDateTime(required=False, allow_null=True)
    requires_shipping = LenientBoolean(required=False)
    shipping_method = LenientChar()
    status = LenientChoice(["success", "canceled"], read_only=True)
    tracking_carrier = LenientChar()
    tracking_carriers = LenientChar(read_only=True)
    tracking_code = LenientChar(read_only=True)
    tracking_codes = LenientChar(read_only=True)
    tracking_link = LenientChar(read_only=True)
    tracking_links = LenientURL(read_only=True)


class OrderLineReportSerializer(LenientSerializer):
    currency = LenientChar(read_only=True, max_length=3)
    original_price_excl_tax = LenientMoney(read_only=True)
    original_price_incl_tax = LenientMoney(read_only=True)
    original_total_discount = LenientMoney(read_only=True)
    price_excl_tax = LenientMoney(read_only=True)
    price_incl_tax = LenientMoney(read_only=True)
    total_cost = LenientMoney(read_only=True)
    total_discount = LenientMoney(read_only=True)
    unit_cost = LenientMoney(read_only=True)


class OrderLineSerializer(LenientSerializer):
    created_at = LenientDateTime(read_only=True, allow_null=True)
    currency = LenientChar(max_length=12)
    current_quantity = LenientInteger(read_only=True)
    editable_quantity = LenientInteger(read_only=True)
    fulfillable_quantity = LenientInteger(read_only=True)
    id = LenientInteger(read_only=True)
    is_gift_card = LenientBoolean(required=False)
    is_upsell = LenientBoolean(required=False)
    metadata = LenientJSON(required=False, allow_null=True)
    original_price_excl_tax = LenientMoney(read_only=True)
    original_price_incl_tax = LenientMoney(read_only=True)
    original_total_discount = LenientMoney(read_only=True)
    price_excl_tax = LenientMoney()
    price_incl_tax = LenientMoney()
    product_id = LenientInteger(read_only=True)
    product_image = LenientURL(read_only=True)
    product_title = LenientChar(read_only=True)
    product_url = LenientURL(read_only=True)
    properties = LineAttributeSerializer(many=True, read_only=True)
    quantity = LenientInteger(read_only=True)
    report_values = OrderLineReportSerializer(read_only=True)
    requires_shipping = LenientBoolean(read_only=True)
    sku = LenientChar(read_only=True)
    tax_lines = TaxPriceBreakdownSerializer(many=True, read_only=True)
    total_cost = LenientMoney(read_only=True)
    total_discount = LenientMoney(read_only=True)
    unit_cost = LenientMoney(read_only=True)
    updated_at = LenientDateTime(read_only=True, allow_null=True)
    variant_id = LenientInteger(read_only=True)
    variant_title = LenientChar(read_only=True)


class OrderOfferDiscountSerializer(LenientSerializer):
    amount = LenientMoney()
    description = LenientChar()
    name = LenientChar()


class OrderReportValuesSerializer(LenientSerializer):
    currency = LenientChar(read_only=True)
    original_shipping_excl_tax = LenientMoney(read_only=True)
    original_shipping_incl_tax = LenientMoney(read_only=True)
    original_total_discount = LenientMoney(read_only=True)
    original_total_excl_tax = LenientMoney(read_only=True)
    original_total_incl_tax = LenientMoney(read_only=True)
    shipping_excl_tax = LenientMoney(read_only=True)
    shipping_incl_tax = LenientMoney(read_only=True)
    total_cost = LenientMoney(read_only=True)
    total_discount = LenientMoney(read_only=True)
    total_excl_tax = LenientMoney(read_only=True)
    total_incl_tax = LenientMoney(read_only=True)


class OrderSubscriptionSerializer(LenientSerializer):
    billing_cycle = LenientInteger(read_only=True)
    id = LenientInteger(read_only=True)


class OrderVoucherSerializer(LenientSerializer):
    code = LenientChar(max_length=128)
    end_datetime = LenientDateTime()
    name = LenientChar(max_length=128)
    start_datetime = LenientDateTime()


class OrderVoucherOfferSerializer(LenientSerializer):
    amount = LenientMoney()
    description = LenientChar()
    name = LenientChar()
    voucher = OrderVoucherSerializer(required=False)


class RefundAdjustmentReportValueSerializer(LenientSerializer):
    amount_excl_tax = LenientMoney(read_only=True)
    amount_incl_tax = LenientMoney(read_only=True)
    currency = LenientChar(read_only=True)


class RefundAdjustmentSerializer(LenientSerializer):
    amount_excl_tax = LenientMoney(required=False)
    amount_incl_tax = LenientMoney(required=False)
    id = LenientInteger(read_only=True)
    report_values = RefundAdjustmentReportValueSerializer(read_only=True)
    type = LenientChoice(["refund_shipping", "refund_discrepancy"])


class RefundLineReportValueSerializer(RefundAdjustmentReportValueSerializer):
    """Same fields. The published document has a schema of its own for them."""


class RefundLineSerializer(LenientSerializer):
    amount_excl_tax = LenientMoney()
    amount_incl_tax = LenientMoney()
    id = LenientInteger(read_only=True)
    line_item_id = LenientInteger(read_only=True)
    location_id = LenientInteger(read_only=True)
    quantity = LenientInteger(min_value=0, max_value=MAX_QUANTITY)
    report_values = RefundLineReportValueSerializer(read_only=True)
    restock_type = LenientChoice(["cancel", "no_restock", "return"], required=False)


class RefundReportValueSerializer(LenientSerializer):
    currency = LenientChar(read_only=True)
    total_refund_amount = LenientMoney(read_only=True)
    total_return_excl_tax = LenientMoney(read_only=True)
    total_return_incl_tax = LenientMoney(read_only=True)


class TransactionPaymentDetailGatewaySerializer(LenientSerializer):
    id = LenientInteger()
    is_next_payments = LenientBoolean(read_only=True)
    name = LenientChar()
    type = LenientChar()


class TransactionPaymentDetailSerializer(LenientSerializer):
    bankcard_first_six = LenientChar(read_only=True, allow_null=True)
    bankcard_last_four = LenientChar(read_only=True, allow_null=True)
    card_token = LenientChar(read_only=True)
    gateway = TransactionPaymentDetailGatewaySerializer(read_only=True)
    is_3ds = LenientBoolean(read_only=True)
    optimized_3ds = LenientBoolean(read_only=True)
    paypal_vault_id = LenientChar(read_only=True)
    sca_flow = LenientChar()


class TransactionReportValuesSerializer(TaxPriceBreakdownReportValueSerializer):
    """Same fields. The published document has a schema of its own for them."""


class TransactionObjectSerializer(LenientSerializer):
    amount = LenientMoney()
    auth_code = LenientChar(required=False, allow_null=True)
    currency = LenientChar(required=False, allow_null=True)
    date_created = LenientDateTime(read_only=True)
    external_id = LenientChar(required=False, allow_null=True)
    id = LenientInteger(read_only=True)
    is_disputed = LenientBoolean(required=False)
    is_external = LenientBoolean(required=False)
    is_initial_retry = LenientBoolean(required=False, allow_null=True)
    is_test = LenientBoolean(required=False, allow_null=True)
    network_transaction_id = LenientChar(required=False, allow_null=True)
    parent_id = LenientInteger(read_only=True, allow_null=True)
    payment_details = TransactionPaymentDetailSerializer(read_only=True)
    payment_method = LenientChar(required=False, allow_null=True)
    report_values = TransactionReportValuesSerializer(read_only=True)
    response_code = LenientInteger()
    statement_descriptor = LenientChar(required=False, allow_null=True)
    status = LenientChoice(["succeeded", "failed"], required=False, allow_blank=True)
    type = LenientChar()


class RefundSerializer(LenientSerializer):
    adjustments = RefundAdjustmentSerializer(many=True)
    created_at = LenientDateTime(required=False)
    id = LenientInteger(read_only=True)
    note = LenientChar(required=False, allow_null=True)
    order_number = LenientChar()
    refund_line_items = RefundLineSerializer(many=True)
    report_values = RefundReportValueSerializer(read_only=True)
    total_refund_amount = LenientMoney(read_only=True)
    total_return_excl_tax = LenientMoney(read_only=True)
    total_return_incl_tax = LenientMoney(read_only=True)
    transactions = TransactionObjectSerializer(many=True)
    user_id = LenientInteger(read_only=True)


class TaxReportValueSerializer(TaxPriceBreakdownReportValueSerializer):
    """Same fields. The published document has a schema of its own for them."""


class TaxSerializer(LenientSerializer):
    amount = LenientMoney(required=False)
    currency = LenientChar(required=False, allow_null=True)
    id = LenientInteger(read_only=True)
    rate = LenientFloat(read_only=True)
    report_values = TaxReportValueSerializer(read_only=True)
    source = LenientChar(required=False, allow_null=True)
    tax_title = LenientChar(read_only=True)


class UserOrderInlineSerializer(LenientSerializer):
    attribution = MarketingAttributionSerializer()
    billing_address = BillingAddressSerializer(required=False, allow_null=True)
    created_at = LenientDateTime(read_only=True)
    currency = LenientChar(read_only=True)
    date_placed = LenientDateTime(read_only=True)
    display_taxes = LenientChar(read_only=True)
    fulfillment_status = LenientChoice(
        ["not_required", "unfulfilled", "on_hold", "rejected", "processing", "fulfilled", "incomplete"], required=False
    )
    fulfillments = FulfillmentResponseSerializer(many=True, read_only=True)
    is_test = LenientBoolean(read_only=True)
    lines = OrderLineSerializer(many=True, read_only=True)
    metadata = LenientJSON(required=False, allow_null=True)
    number = LenientChar(read_only=True)
    offer_discounts = OrderOfferDiscountSerializer(many=True, read_only=True)
    order_status_url = LenientURL(read_only=True)
    original_shipping_excl_tax = LenientMoney(read_only=True)
    original_shipping_incl_tax = LenientMoney(read_only=True)
    original_total_discount = LenientMoney(read_only=True)
    original_total_excl_tax = LenientMoney(read_only=True)
    original_total_incl_tax = LenientMoney(read_only=True)
    payment_status = LenientChoice(PaymentStatus.values, read_only=True)
    refunds = RefundSerializer(many=True, read_only=True)
    report_values = OrderReportValuesSerializer(read_only=True)
    shipping_address = ShippingAddressSerializer(required=False, allow_null=True)
    shipping_code = LenientChar(read_only=True)
    shipping_excl_tax = LenientMoney(read_only=True)
    shipping_incl_tax = LenientMoney(read_only=True)
    shipping_method = LenientChar(read_only=True)
    shipping_tax = LenientMoney(read_only=True)
    shipping_tax_lines = TaxPriceBreakdownSerializer(many=True, read_only=True)
    source = LenientChar(read_only=True)
    status = LenientChar(required=False, max_length=100)
    subscription_lifecycle = LenientChar(read_only=True)
    subscriptions = OrderSubscriptionSerializer(many=True, read_only=True)
    supports_post_purchase_upsells = LenientBoolean(read_only=True)
    tags = LenientStringList(required=False)
    tax_lines = TaxSerializer(many=True, read_only=True)
    total_cost = LenientMoney(read_only=True)
    total_discount = LenientMoney(read_only=True)
    total_excl_tax = LenientMoney(read_only=True)
    total_incl_tax = LenientMoney(read_only=True)
    total_outstanding = LenientMoney(read_only=True)
    total_tax = LenientMoney(read_only=True)
    transactions = TransactionObjectSerializer(many=True, read_only=True)
    updated_at = LenientDateTime(read_only=True)
    voucher_discounts = OrderVoucherOfferSerializer(many=True, read_only=True)

    def to_representation(self, order: Order):
        """The columns, and everything else as the order system reported it."""
        known: dict[str, Any] = {
            "number": order.number,
            "payment_status": order.payment_status,
            "is_test": order.is_test,
        }
        if "user" in self.fields:
            known["user"] = user_inline(order.user)
        return self.render({**order.document, **known}, format_datetime(order.date_placed))


class OrderSerializer(UserOrderInlineSerializer):
    user = UserInlineSerializer(read_only=True)


class OrderListSerializer(OrderSerializer):
    """An order in a list: without its parts."""

    attribution = None
    billing_address = None
    fulfillments = None
    lines = None
    offer_discounts = None
    refunds = None
    report_values = None
    shipping_address = None
    shipping_tax_lines = None
    subscription_lifecycle = None
    subscriptions = None
    supports_post_purchase_upsells = None
    tags = None
    tax_lines = None
    total_cost = LenientMoney(read_only=True, allow_null=True)
    transactions = None
    voucher_discounts = None
