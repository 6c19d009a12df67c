"""Orders and subscriptions in version 2023-02-10.

What it names differently is taken from the newest shape, unless it was reported under the older name.
"""

# mypy: disable-error-code="assignment"
# A field may be named like an attribute of serializers, and this version replaces or drops fields of the newest.

from customers.api import order_serializers as newest
from customers.api import subscription_serializers as newest_subscriptions
from customers.api.reported import (
    MAX_QUANTITY,
    Anything,
    Flag,
    Moment,
    Money,
    ReportedSerializer,
    Slug,
    Text,
    WebAddress,
    Whole,
)


class FulfillmentSerializer(ReportedSerializer):
    carrier = Text(read_only=True)
    date_created = Moment()
    id = Whole(read_only=True)
    last_event_date = Moment(read_only=True)
    lines = Text(read_only=True)
    reference = Text(required=False, max_length=512)
    requires_shipping = Flag(required=False)
    status = Text(read_only=True)
    tracking_code = Text(read_only=True)
    tracking_link = Text(read_only=True)

    def shown(self, value, date):
        older = {"carrier": value.get("tracking_carrier"), "date_created": value.get("created_at")}
        return super().shown({**older, **value}, date)


class ProductCategorySerializer(ReportedSerializer):
    id = Whole(read_only=True)
    name = Text(read_only=True)
    slug = Slug(max_length=255)


class ProductImageSerializer(ReportedSerializer):
    attachment = Text(required=False, allow_null=True)
    caption = Text(required=False, max_length=200)
    display_order = Whole(required=False, min_value=0, max_value=MAX_QUANTITY)
    file_name = Text(required=False, write_only=True)
    id = Whole(read_only=True)
    src = WebAddress(required=False, allow_null=True, write_only=True)


class ProductSerializer(ReportedSerializer):
    categories = ProductCategorySerializer(many=True, read_only=True)
    id = Whole(read_only=True)
    images = ProductImageSerializer(many=True, read_only=True)
    title = Text(read_only=True)
    upc = Text(required=False, allow_null=True)
    url = WebAddress(read_only=True)


class StockrecordSerializer(ReportedSerializer):
    id = Whole(read_only=True)
    low_stock_threshold = Whole(required=False, min_value=0, max_value=MAX_QUANTITY)
    num_allocated = Whole(required=False, allow_null=True, min_value=-MAX_QUANTITY - 1, max_value=MAX_QUANTITY)
    num_in_stock = Whole(required=False, allow_null=True, min_value=-MAX_QUANTITY - 1, max_value=MAX_QUANTITY)
    partner_sku = Text(required=False, allow_null=True)
    price = Money(required=False, allow_null=True)
    price_currency = Text(required=False, allow_null=True)
    price_retail = Money(required=False, allow_null=True)


def with_product(line: dict) -> dict:
    """The product of a line as an object of its own."""
    image = line.get("product_image")
    product = {
        "id": line.get("product_id"),
        "title": line.get("product_title"),
        "url": line.get("product_url"),
        "images": [{"attachment": image}] if image else [],
    }
    return {"product": product, "stockrecord": {"partner_sku": line.get("sku")}, **line}


class OrderLineDetailSerializer(ReportedSerializer):
    created_at = Moment(read_only=True, allow_null=True)
    id = Whole(read_only=True)
    is_gift_card = Flag(required=False)
    is_upsell = Flag(required=False)
    metadata = Anything(required=False, allow_null=True)
    price_currency = Text(max_length=12)
    price_excl_tax = Money()
    price_excl_tax_excl_discounts = Money()
    price_incl_tax = Money()
    price_incl_tax_excl_discounts = Money()
    product = ProductSerializer(read_only=True)
    quantity = Whole(required=False, min_value=0, max_value=MAX_QUANTITY)
    stockrecord = StockrecordSerializer()
    tax_lines = newest.TaxPriceBreakdownSerializer(many=True, read_only=True)
    total_cost = Money(read_only=True)
    unit_cost = Money(read_only=True)
    updated_at = Moment(read_only=True, allow_null=True)

    def shown(self, value, date):
        older = {
            "price_currency": value.get("currency"),
            # The newest shape has no price before discounts.
            "price_excl_tax_excl_discounts": value.get("price_excl_tax"),
            "price_incl_tax_excl_discounts": value.get("price_incl_tax"),
        }
        return super().shown({**older, **with_product(value)}, date)


class OrderReportValuesSerializer(newest.OrderReportValuesSerializer):
    original_total_discount = None
    total_discount = None


class UserOrderInlineSerializer(newest.UserOrderInlineSerializer):
    fulfillments = FulfillmentSerializer(many=True, read_only=True)
    lines = OrderLineDetailSerializer(many=True, read_only=True)
    original_total_discount = None
    report_values = OrderReportValuesSerializer(read_only=True)
    total_discount = None
    total_outstanding = None


class SubscriptionLineSerializer(ReportedSerializer):
    id = Whole(read_only=True)
    metadata = Anything(required=False, allow_null=True)
    price = Money()
    product = ProductSerializer()
    quantity = Whole(required=False, min_value=0, max_value=MAX_QUANTITY)
    stockrecord = StockrecordSerializer()

    def shown(self, value, date):
        return super().shown(with_product(value), date)


class SubscriptionSerializer(newest_subscriptions.SubscriptionSerializer):
    lines = SubscriptionLineSerializer(many=True, read_only=True)
