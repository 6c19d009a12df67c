"""Validates the bodies that create orders, carts and subscriptions, one class per schema of the published document.

`customers.orders.checkout` checks what the store itself decides, such as prices and currencies.
"""

# mypy: disable-error-code="assignment"
# A field may be named like an attribute of serializers.

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from customers.api.fields import BoundedListSerializer, LongTextField, SharedFieldsSerializer, StringListField
from customers.api.resources.users import IPField, MetadataField
from customers.limits import MAX_ADDRESS_NOTES_LENGTH
from customers.models import Language
from customers.orders.checkout import MAX_TEXT_LENGTH

INTERVALS = ("day", "week", "month", "year")
PAYMENT_METHODS = (
    "card_token", "saved_card", "apple_pay", "google_pay", "external", "paypal", "affirm", "afterpay", "bancontact",
    "giropay", "ideal", "klarna", "link", "sepa_debit", "sofort", "swish", "twint",
)  # fmt: skip


class MoneyField(serializers.DecimalField):
    def __init__(self, **options):
        super().__init__(max_digits=12, decimal_places=2, required=False, **options)


class OptionalText(LongTextField):
    def __init__(self, **options):
        super().__init__(longest=MAX_TEXT_LENGTH, required=False, allow_null=True, **options)


@extend_schema_field({})
class AnyJSONField(MetadataField):
    """Null included. Published without a type."""

    def validate_empty_values(self, data):
        return (True, None) if data is None else super().validate_empty_values(data)


@extend_schema_field({"oneOf": [{}, {"type": "null"}], "default": {}})
class PropertiesField(MetadataField):
    """An object, or a list of `{key, value}`."""


class CreateUserSerializer(SharedFieldsSerializer):
    accepts_marketing = serializers.BooleanField(required=False)
    email = serializers.EmailField(
        required=False, allow_null=True, help_text="A customer with this email, or else a new one."
    )
    first_name = serializers.CharField(required=False, allow_blank=True, max_length=255)
    id = serializers.IntegerField(
        required=False, allow_null=True, help_text="An existing customer. An id or an email is needed."
    )
    ip = IPField(required=False, allow_null=True)
    language = serializers.ChoiceField(Language.values, required=False, allow_null=True, allow_blank=True)
    last_name = serializers.CharField(required=False, allow_blank=True, max_length=255)
    metadata = MetadataField(required=False, allow_null=True)
    phone_number = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    tags = StringListField(required=False)
    user_agent = serializers.CharField(required=False, allow_null=True, allow_blank=True)

    class Meta:
        ref_name = "CreateUser"


class BillingAddressSerializer(SharedFieldsSerializer):
    country = serializers.CharField(help_text="A two-letter code of ISO 3166-1.")
    first_name = serializers.CharField(max_length=255)
    last_name = serializers.CharField(max_length=255)
    line1 = serializers.CharField(max_length=255, help_text="Street and number.")
    line2 = serializers.CharField(required=False, allow_blank=True, max_length=255)
    line3 = serializers.CharField(required=False, allow_blank=True, max_length=255)
    line4 = serializers.CharField(max_length=255, help_text="City.")
    phone_number = serializers.CharField(required=False, allow_blank=True, max_length=128)
    postcode = serializers.CharField(required=False, allow_blank=True, max_length=64)
    state = serializers.CharField(required=False, allow_blank=True, max_length=255)

    class Meta:
        ref_name = "NewBillingAddress"


class ShippingAddressSerializer(BillingAddressSerializer):
    notes = LongTextField(required=False, allow_blank=True, longest=MAX_ADDRESS_NOTES_LENGTH)
    phone_number = serializers.CharField(allow_blank=True, max_length=128)

    class Meta:
        ref_name = "NewShippingAddress"


class CreateMarketingAttributionSerializer(SharedFieldsSerializer):
    affiliate = OptionalText(allow_blank=True)
    agent = serializers.IntegerField(required=False, allow_null=True, help_text="Refused: this store has no agents.")
    funnel = OptionalText(allow_blank=True)
    gclid = OptionalText(allow_blank=True)
    metadata = AnyJSONField(required=False)
    subaffiliate1 = OptionalText(allow_blank=True)
    subaffiliate2 = OptionalText(allow_blank=True)
    subaffiliate3 = OptionalText(allow_blank=True)
    subaffiliate4 = OptionalText(allow_blank=True)
    subaffiliate5 = OptionalText(allow_blank=True)
    utm_campaign = OptionalText(allow_blank=True)
    utm_content = OptionalText(allow_blank=True)
    utm_medium = OptionalText(allow_blank=True)
    utm_source = OptionalText(allow_blank=True)
    utm_term = OptionalText(allow_blank=True)

    class Meta:
        ref_name = "CreateMarketingAttribution"


class CreateOrderSubscriptionLineSerializer(SharedFieldsSerializer):
    interval = serializers.ChoiceField(INTERVALS)
    interval_count = serializers.IntegerField(min_value=1)
    price = MoneyField()

    class Meta:
        ref_name = "CreateOrderSubscriptionLine"


class CreateOrderLineSerializer(SharedFieldsSerializer):
    currency = serializers.CharField(required=False, max_length=3, help_text="That of the order, if it is given.")
    is_upsell = serializers.BooleanField(default=False)
    metadata = MetadataField(required=False, allow_null=True)
    price = MoneyField(help_text="Of one unit, in the currency of the order. Needed: this store has no catalogue.")
    product_id = serializers.IntegerField(required=False, help_text="This or `sku` is needed.")
    properties = PropertiesField(required=False, allow_null=True)
    quantity = serializers.IntegerField(min_value=1)
    sku = OptionalText(help_text="Instead of `product_id`, or with it.")
    subscription = CreateOrderSubscriptionLineSerializer(
        required=False, help_text="Refused: create the subscription by itself."
    )

    class Meta:
        ref_name = "CreateOrderLine"
        list_serializer_class = BoundedListSerializer


class SubscriptionPaymentDetailSerializer(SharedFieldsSerializer):
    card_token = serializers.CharField(
        required=False, allow_null=True, help_text="Of the test gateway: `tok_success`, `tok_declined`, `tok_pending`."
    )
    external_payment_method = OptionalText(allow_blank=True)
    payment_gateway = serializers.IntegerField(required=False, allow_null=True)
    recache_card_cvv = serializers.IntegerField(required=False, allow_null=True)
    statement_descriptor = OptionalText(allow_blank=True)

    class Meta:
        ref_name = "SubscriptionPaymentDetail"


class PaymentDetailSerializer(SubscriptionPaymentDetailSerializer):
    authorize_value = MoneyField()
    language = serializers.ChoiceField(
        Language.values, required=False, allow_null=True, allow_blank=True, help_text="Has no effect."
    )
    payment_gateway_group = serializers.IntegerField(required=False, allow_null=True)
    payment_return_url = serializers.URLField(
        required=False, allow_null=True, help_text="Has no effect: the buyer is never sent elsewhere."
    )
    paypal_account = serializers.IntegerField(required=False, allow_null=True)
    reference_transaction_id = serializers.CharField(required=False, allow_null=True)
    save_card = serializers.BooleanField(default=True, help_text="Has no effect: no card is kept.")

    class Meta:
        ref_name = "PaymentDetail"


class CreateCartSerializer(SharedFieldsSerializer):
    attribution = CreateMarketingAttributionSerializer(required=False)
    currency = serializers.CharField(
        required=False, max_length=3, help_text="One of the store's; by default its first."
    )
    lines = CreateOrderLineSerializer(many=True)
    metadata = MetadataField(required=False, allow_null=True)
    user = CreateUserSerializer(required=False)
    vouchers = serializers.ListField(
        child=serializers.CharField(), required=False, allow_null=True, help_text="Refused: this store has none."
    )

    class Meta:
        ref_name = "CreateCart"


class _Delivered(SharedFieldsSerializer):
    """The addresses and the shipping of an order or a subscription."""

    billing_address = BillingAddressSerializer(required=False, allow_null=True)
    billing_same_as_shipping_address = serializers.BooleanField(default=False)
    shipping_address = ShippingAddressSerializer(required=False, allow_null=True)
    shipping_code = serializers.CharField(
        required=False, allow_null=True, help_text="Needs `shipping_price`: this store has no shipping rates."
    )
    use_default_billing_address = serializers.BooleanField(default=False)
    use_default_shipping_address = serializers.BooleanField(default=False)


class CreateOrderSerializer(_Delivered, CreateCartSerializer):
    date_placed = serializers.DateTimeField(required=False, allow_null=True, help_text="By default now.")
    offers = serializers.ListField(
        child=serializers.IntegerField(), required=False, help_text="Refused: this store has none."
    )
    payment_details = PaymentDetailSerializer(required=False, allow_null=True)
    payment_method = serializers.ChoiceField(
        PAYMENT_METHODS,
        required=False,
        allow_null=True,
        help_text="`card_token` or `external`. Without one, the order is pending.",
    )
    send_receipt = serializers.BooleanField(default=True, help_text="Has no effect: this store sends no receipts.")
    shipping_price = MoneyField()
    status = serializers.ChoiceField(["open", "archived", "canceled"], required=False, allow_null=True)
    tags = StringListField(required=False)

    class Meta:
        ref_name = "CreateOrder"


class CreateSubscriptionSerializer(_Delivered):
    attribution = CreateMarketingAttributionSerializer(required=False)
    currency = serializers.CharField(
        required=False, max_length=12, help_text="One of the store's; by default its first."
    )
    interval = serializers.ChoiceField(INTERVALS)
    interval_count = serializers.IntegerField(min_value=1)
    lines = CreateOrderLineSerializer(many=True)
    next_renewal_date = serializers.DateTimeField()
    payment_details = SubscriptionPaymentDetailSerializer(required=False, allow_null=True)
    payment_method = serializers.ChoiceField(["card_token"])
    shipping_price = serializers.DecimalField(max_digits=9, decimal_places=2, required=False)
    user = CreateUserSerializer()

    class Meta:
        ref_name = "CreateSubscription"
