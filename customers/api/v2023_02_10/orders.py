"""Orders in version 2023-02-10.

Fields that this version names differently are filled from the newest names, unless the older names were reported.
"""

# mypy: disable-error-code="assignment"
# A field may be named like an attribute of serializers. None drops a field of the newest version.

from customers.api.lenient_fields import (
    MAX_QUANTITY,
    LenientBoolean,
    LenientChar,
    LenientDateTime,
    LenientInteger,
    LenientJSON,
    LenientMoney,
    LenientSerializer,
    LenientSlug,
    LenientURL,
)
from customers.api.resources import order_serializers as newest
from customers.api.resources.order_parts import LineAttributeSerializer, TaxPriceBreakdownSerializer


class FulfillmentSerializer(LenientSerializer):
    carrier = LenientChar(read_only=True)
    date_created = LenientDateTime()
    delivered_at = LenientDateTime(required=False, allow_null=True)
    delivery_status = newest.DeliveryStatus()
    id = LenientInteger(read_only=True)
    last_event_date = LenientDateTime(read_only=True)
    lines = LenientChar(read_only=True)
    processing_at = LenientDateTime(required=False, allow_null=True)
    reference = LenientChar(required=False, max_length=512)
    requires_shipping = LenientBoolean(required=False)
    status = LenientChar(read_only=True)
    tracking_code = LenientChar(read_only=True)
    tracking_link = LenientChar(read_only=True)

    def render(self, value, date):
        older = {"carrier": value.get("tracking_carrier"), "date_created": value.get("created_at")}
        return super().render({**older, **value}, date)


class ProductCategorySerializer(LenientSerializer):
    id = LenientInteger(read_only=True)
    name = LenientChar(read_only=True)
    slug = LenientSlug(max_length=255)


class ProductImageSerializer(LenientSerializer):
    attachment = LenientChar(required=False, allow_null=True)
    caption = LenientChar(required=False, max_length=200)
    display_order = LenientInteger(required=False, min_value=0, max_value=MAX_QUANTITY)
    file_name = LenientChar(required=False, write_only=True)
    id = LenientInteger(read_only=True)
    src = LenientURL(required=False, allow_null=True, write_only=True)


class ProductSerializer(LenientSerializer):
    categories = ProductCategorySerializer(many=True, read_only=True)
    id = LenientInteger(read_only=True)
    images = ProductImageSerializer(many=True, read_only=True)
    title = LenientChar(read_only=True)
    upc = LenientChar(required=False, allow_null=True)
    url = LenientURL(read_only=True)


class StockrecordSerializer(LenientSerializer):
    id = LenientInteger(read_only=True)
    low_stock_threshold = LenientInteger(required=False, min_value=0, max_value=MAX_QUANTITY)
    num_allocated = LenientInteger(required=False, allow_null=True, min_value=-MAX_QUANTITY - 1, max_value=MAX_QUANTITY)
    num_in_stock = LenientInteger(required=False, allow_null=True, min_value=-MAX_QUANTITY - 1, max_value=MAX_QUANTITY)
    partner_sku = LenientChar(required=False, allow_null=True)
    price = LenientMoney(required=False, allow_null=True)
    price_currency = LenientChar(required=False, allow_null=True)
    price_retail = LenientMoney(required=False, allow_null=True)


def with_product(line: dict) -> dict:
    """The product fields of an order or subscription line, as nested objects. Nested objects that were reported win."""
    image = line.get("product_image")
    product = {
        "id": line.get("product_id"),
        "title": line.get("product_title"),
        "url": line.get("product_url"),
        "images": [{"attachment": image}] if image else [],
    }
    return {"product": product, "stockrecord": {"partner_sku": line.get("sku")}, **line}


class OrderLineDetailSerializer(LenientSerializer):
    created_at = LenientDateTime(read_only=True, allow_null=True)
    id = LenientInteger(read_only=True)
    is_gift_card = LenientBoolean(required=False)
    is_upsell = LenientBoolean(required=False)
    metadata = LenientJSON(required=False, allow_null=True)
    price_currency = LenientChar(max_length=12)
    price_excl_tax = LenientMoney()
    price_excl_tax_excl_discounts = LenientMoney()
    price_incl_tax = LenientMoney()
    price_incl_tax_excl_discounts = LenientMoney()
    product = ProductSerializer(read_only=True)
    properties = LineAttributeSerializer(many=True, read_only=True)
    quantity = LenientInteger(required=False, min_value=0, max_value=MAX_QUANTITY)
    stockrecord = StockrecordSerializer()
    tax_lines = TaxPriceBreakdownSerializer(many=True, read_only=True)
    total_cost = LenientMoney(read_only=True)
    unit_cost = LenientMoney(read_only=True)
    updated_at = LenientDateTime(read_only=True, allow_null=True)

    def render(self, value, date):
        older = {
            "price_currency": value.get("currency"),
            # The newest shape has no price before discounts.
            "price_excl_tax_excl_discounts": value.get("price_excl_tax"),
            "price_incl_tax_excl_discounts": value.get("price_incl_tax"),
        }
        return super().render({**older, **with_product(value)}, date)


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


class OrderSerializer(UserOrderInlineSerializer):
    user = newest.UserInlineSerializer(read_only=True)


class OrderListSerializer(newest.OrderListSerializer):
    original_total_discount = None
    total_discount = None
    total_outstanding = None
