"""Orders on the wire, one class per schema of the published document."""

# mypy: disable-error-code="assignment"
# A field may be named like an attribute of serializers.

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from customers.api.reported import (
    MAX_QUANTITY,
    Anything,
    Choice,
    Email,
    Flag,
    Moment,
    Money,
    Number,
    Reported,
    ReportedSerializer,
    Text,
    WebAddress,
    Whole,
    Words,
)
from customers.api.serializers import moment
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
class DeliveryStatus(Reported, serializers.ReadOnlyField):
    """Published as words without a type, since null is one of them."""

    def fits(self, value):
        return value in (*DELIVERY_STATUSES, "")

    def blank(self, date):
        return None


class AgentSerializer(ReportedSerializer):
    email = Email(required=False, allow_null=True)
    first_name = Text(required=False, max_length=255)
    id = Whole(read_only=True)
    last_name = Text(required=False, max_length=255)


class LocationAddressSerializer(ReportedSerializer):
    country = Text()
    line1 = Text(max_length=255)
    line2 = Text(required=False, max_length=255)
    line3 = Text(required=False, max_length=255)
    line4 = Text(max_length=255)
    phone_number = Text(required=False, max_length=128)
    postcode = Text(required=False, max_length=64)
    state = Text(required=False, max_length=255)


class BillingAddressSerializer(LocationAddressSerializer):
    first_name = Text(max_length=255)
    id = Whole(read_only=True)
    last_name = Text(max_length=255)


class TaxPriceBreakdownReportValueSerializer(ReportedSerializer):
    amount = Money(read_only=True)
    currency = Text(read_only=True)


class TaxPriceBreakdownSerializer(ReportedSerializer):
    amount = Money(read_only=True)
    currency = Text(read_only=True)
    rate = Number()
    report_values = TaxPriceBreakdownReportValueSerializer(read_only=True)
    source = Text(read_only=True)
    tax_id = Whole()
    tax_title = Text(read_only=True)


class FulfillmentTaxPriceBreakdownSerializer(TaxPriceBreakdownSerializer):
    """The same."""


class FulfillmentLineResponseSerializer(ReportedSerializer):
    currency = Text(read_only=True, max_length=12)
    fulfilled_quantity = Text(read_only=True)
    fulfillment_service = Text(read_only=True)
    id = Whole(read_only=True)
    order_line_id = Whole(read_only=True)
    price_excl_tax = Money(read_only=True)
    price_incl_tax = Money(read_only=True)
    product_id = Whole(read_only=True)
    product_image = WebAddress(read_only=True)
    product_title = Text(read_only=True)
    quantity = Whole(required=False, min_value=0, max_value=MAX_QUANTITY)
    requires_shipping = Flag(read_only=True)
    returnable_quantity = Text(read_only=True)
    returned_quantity = Text(read_only=True)
    sku = Text(read_only=True)
    tax_lines = FulfillmentTaxPriceBreakdownSerializer(many=True, read_only=True)
    total_discount = Money(read_only=True)


class FulfillmentResponseSerializer(ReportedSerializer):
    created_at = Moment(required=False)
    delivery_status = DeliveryStatus()
    id = Whole(read_only=True)
    last_event_date = Moment(required=False, allow_null=True)
    line_items = FulfillmentLineResponseSerializer(many=True)
    location_id = Whole()
    order_number = Text(read_only=True)
    origin_address = LocationAddressSerializer(read_only=True)
    requires_shipping = Flag(required=False)
    shipping_method = Text()
    status = Choice(["success", "canceled"], read_only=True)
    tracking_carrier = Text()
    tracking_carriers = Text(read_only=True)
    tracking_code = Text(read_only=True)
    tracking_codes = Text(read_only=True)
    tracking_link = Text(read_only=True)
    tracking_links = WebAddress(read_only=True)


class MarketingAttributionSerializer(ReportedSerializer):
    affiliate = Text(required=False, allow_null=True)
    agent = AgentSerializer()
    funnel = Text(required=False, allow_null=True)
    gclid = Text(required=False, allow_null=True)
    metadata = Anything(required=False)
    subaffiliate1 = Text(required=False, allow_null=True)
    subaffiliate2 = Text(required=False, allow_null=True)
    subaffiliate3 = Text(required=False, allow_null=True)
    subaffiliate4 = Text(required=False, allow_null=True)
    subaffiliate5 = Text(required=False, allow_null=True)
    utm_campaign = Text(required=False, allow_null=True)
    utm_content = Text(required=False, allow_null=True)
    utm_medium = Text(required=False, allow_null=True)
    utm_source = Text(required=False, allow_null=True)
    utm_term = Text(required=False, allow_null=True)


class OrderLineReportSerializer(ReportedSerializer):
    currency = Text(read_only=True, max_length=3)
    original_price_excl_tax = Money(read_only=True)
    original_price_incl_tax = Money(read_only=True)
    original_total_discount = Money(read_only=True)
    price_excl_tax = Money(read_only=True)
    price_incl_tax = Money(read_only=True)
    total_cost = Money(read_only=True)
    total_discount = Money(read_only=True)
    unit_cost = Money(read_only=True)


class OrderLineSerializer(ReportedSerializer):
    created_at = Moment(read_only=True, allow_null=True)
    currency = Text(max_length=12)
    current_quantity = Whole(read_only=True)
    editable_quantity = Whole(read_only=True)
    fulfillable_quantity = Whole(read_only=True)
    id = Whole(read_only=True)
    is_gift_card = Flag(required=False)
    is_upsell = Flag(required=False)
    metadata = Anything(required=False, allow_null=True)
    original_price_excl_tax = Money(read_only=True)
    original_price_incl_tax = Money(read_only=True)
    original_total_discount = Money(read_only=True)
    price_excl_tax = Money()
    price_incl_tax = Money()
    product_id = Whole(read_only=True)
    product_image = WebAddress(read_only=True)
    product_title = Text(read_only=True)
    product_url = WebAddress(read_only=True)
    quantity = Whole(read_only=True)
    report_values = OrderLineReportSerializer(read_only=True)
    requires_shipping = Flag(read_only=True)
    sku = Text(read_only=True)
    tax_lines = TaxPriceBreakdownSerializer(many=True, read_only=True)
    total_cost = Money(read_only=True)
    total_discount = Money(read_only=True)
    unit_cost = Money(read_only=True)
    updated_at = Moment(read_only=True, allow_null=True)
    variant_id = Whole(read_only=True)
    variant_title = Text(read_only=True)


class OrderOfferDiscountSerializer(ReportedSerializer):
    amount = Money()
    description = Text()
    name = Text()


class OrderReportValuesSerializer(ReportedSerializer):
    currency = Text(read_only=True)
    original_shipping_excl_tax = Money(read_only=True)
    original_shipping_incl_tax = Money(read_only=True)
    original_total_discount = Money(read_only=True)
    original_total_excl_tax = Money(read_only=True)
    original_total_incl_tax = Money(read_only=True)
    shipping_excl_tax = Money(read_only=True)
    shipping_incl_tax = Money(read_only=True)
    total_cost = Money(read_only=True)
    total_discount = Money(read_only=True)
    total_excl_tax = Money(read_only=True)
    total_incl_tax = Money(read_only=True)


class OrderSubscriptionSerializer(ReportedSerializer):
    billing_cycle = Whole(read_only=True)
    id = Whole(read_only=True)


class OrderVoucherSerializer(ReportedSerializer):
    code = Text(max_length=128)
    end_datetime = Moment()
    name = Text(max_length=128)
    start_datetime = Moment()


class OrderVoucherOfferSerializer(ReportedSerializer):
    amount = Money()
    description = Text()
    name = Text()
    voucher = OrderVoucherSerializer(required=False)


class RefundAdjustmentReportValueSerializer(ReportedSerializer):
    amount_excl_tax = Money(read_only=True)
    amount_incl_tax = Money(read_only=True)
    currency = Text(read_only=True)


class RefundAdjustmentSerializer(ReportedSerializer):
    amount_excl_tax = Money(required=False)
    amount_incl_tax = Money(required=False)
    id = Whole(read_only=True)
    report_values = RefundAdjustmentReportValueSerializer(read_only=True)
    type = Choice(["refund_shipping", "refund_discrepancy"])


class RefundLineReportValueSerializer(RefundAdjustmentReportValueSerializer):
    """The same."""


class RefundLineSerializer(ReportedSerializer):
    amount_excl_tax = Money()
    amount_incl_tax = Money()
    id = Whole(read_only=True)
    line_item_id = Whole(read_only=True)
    location_id = Whole(read_only=True)
    quantity = Whole(min_value=0, max_value=MAX_QUANTITY)
    report_values = RefundLineReportValueSerializer(read_only=True)
    restock_type = Choice(["cancel", "no_restock", "return"], required=False)


class RefundReportValueSerializer(ReportedSerializer):
    currency = Text(read_only=True)
    total_refund_amount = Money(read_only=True)
    total_return_excl_tax = Money(read_only=True)
    total_return_incl_tax = Money(read_only=True)


class TransactionPaymentDetailGatewaySerializer(ReportedSerializer):
    id = Whole()
    name = Text()
    type = Text()


class TransactionPaymentDetailSerializer(ReportedSerializer):
    bankcard_first_six = Text(read_only=True, allow_null=True)
    bankcard_last_four = Text(read_only=True, allow_null=True)
    card_token = Text(read_only=True)
    gateway = TransactionPaymentDetailGatewaySerializer(read_only=True)
    is_3ds = Flag(read_only=True)
    optimized_3ds = Flag(read_only=True)
    paypal_vault_id = Text(read_only=True)
    sca_flow = Text()


class TransactionReportValuesSerializer(TaxPriceBreakdownReportValueSerializer):
    """The same."""


class TransactionObjectSerializer(ReportedSerializer):
    amount = Money()
    auth_code = Text(required=False, allow_null=True)
    currency = Text(required=False, allow_null=True)
    date_created = Moment(read_only=True)
    external_id = Text(required=False, allow_null=True)
    id = Whole(read_only=True)
    is_disputed = Flag(required=False)
    is_external = Flag(required=False)
    is_initial_retry = Flag(required=False, allow_null=True)
    is_test = Flag(required=False, allow_null=True)
    network_transaction_id = Text(required=False, allow_null=True)
    parent_id = Whole(read_only=True, allow_null=True)
    payment_details = TransactionPaymentDetailSerializer(read_only=True)
    payment_method = Text(required=False, allow_null=True)
    report_values = TransactionReportValuesSerializer(read_only=True)
    response_code = Whole()
    statement_descriptor = Text(required=False, allow_null=True)
    status = Choice(["succeeded", "failed"], required=False, allow_blank=True)
    type = Text()


class RefundSerializer(ReportedSerializer):
    adjustments = RefundAdjustmentSerializer(many=True)
    created_at = Moment(required=False)
    id = Whole(read_only=True)
    note = Text(required=False, allow_null=True)
    order_number = Text()
    refund_line_items = RefundLineSerializer(many=True)
    report_values = RefundReportValueSerializer(read_only=True)
    total_refund_amount = Money(read_only=True)
    total_return_excl_tax = Money(read_only=True)
    total_return_incl_tax = Money(read_only=True)
    transactions = TransactionObjectSerializer(many=True)
    user_id = Whole(read_only=True)


class ShippingAddressSerializer(BillingAddressSerializer):
    notes = Text(required=False)


class TaxReportValueSerializer(TaxPriceBreakdownReportValueSerializer):
    """The same."""


class TaxSerializer(ReportedSerializer):
    amount = Money(required=False)
    currency = Text(required=False, allow_null=True)
    id = Whole(read_only=True)
    rate = Number(read_only=True)
    report_values = TaxReportValueSerializer(read_only=True)
    source = Text(required=False, allow_null=True)
    tax_title = Text(read_only=True)


class UserOrderInlineSerializer(ReportedSerializer):
    attribution = MarketingAttributionSerializer()
    billing_address = BillingAddressSerializer(required=False, allow_null=True)
    created_at = Moment(read_only=True)
    currency = Text(read_only=True)
    date_placed = Moment(read_only=True)
    display_taxes = Text(read_only=True)
    fulfillment_status = Choice(
        ["not_required", "unfulfilled", "on_hold", "rejected", "processing", "fulfilled", "incomplete"], required=False
    )
    fulfillments = FulfillmentResponseSerializer(many=True, read_only=True)
    is_test = Flag(read_only=True)
    lines = OrderLineSerializer(many=True, read_only=True)
    metadata = Anything(required=False, allow_null=True)
    number = Text(read_only=True)
    offer_discounts = OrderOfferDiscountSerializer(many=True, read_only=True)
    order_status_url = WebAddress(read_only=True)
    original_shipping_excl_tax = Money(read_only=True)
    original_shipping_incl_tax = Money(read_only=True)
    original_total_discount = Money(read_only=True)
    original_total_excl_tax = Money(read_only=True)
    original_total_incl_tax = Money(read_only=True)
    payment_status = Choice(PaymentStatus.values, read_only=True)
    refunds = RefundSerializer(many=True, read_only=True)
    report_values = OrderReportValuesSerializer(read_only=True)
    shipping_address = ShippingAddressSerializer(required=False, allow_null=True)
    shipping_code = Text(read_only=True)
    shipping_excl_tax = Money(read_only=True)
    shipping_incl_tax = Money(read_only=True)
    shipping_method = Text(read_only=True)
    shipping_tax = Money(read_only=True)
    shipping_tax_lines = TaxPriceBreakdownSerializer(many=True, read_only=True)
    source = Text(read_only=True)
    status = Text(required=False, max_length=100)
    subscription_lifecycle = Text(read_only=True)
    subscriptions = OrderSubscriptionSerializer(many=True, read_only=True)
    supports_post_purchase_upsells = Flag(read_only=True)
    tags = Words(required=False)
    tax_lines = TaxSerializer(many=True, read_only=True)
    total_cost = Money(read_only=True)
    total_discount = Money(read_only=True)
    total_excl_tax = Money(read_only=True)
    total_incl_tax = Money(read_only=True)
    total_outstanding = Money(read_only=True)
    total_tax = Money(read_only=True)
    transactions = TransactionObjectSerializer(many=True, read_only=True)
    updated_at = Moment(read_only=True)
    voucher_discounts = OrderVoucherOfferSerializer(many=True, read_only=True)

    def to_representation(self, order: Order):
        """The columns as we know them, the rest as reported."""
        known = {"number": order.number, "payment_status": order.payment_status, "is_test": order.is_test}
        return self.shown({**order.document, **known}, moment(order.date_placed))
