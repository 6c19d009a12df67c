"""Carts: what a customer was about to buy."""

# mypy: disable-error-code="assignment"
# A field may be named like an attribute of serializers.

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.response import Response

from customers.api.base import CustomerInlineViewSet
from customers.api.fields import format_datetime
from customers.api.idempotency import idempotent
from customers.api.lenient_fields import (
    MAX_QUANTITY,
    LenientBoolean,
    LenientChar,
    LenientDateTime,
    LenientInteger,
    LenientJSON,
    LenientMoney,
    LenientSerializer,
    LenientURL,
)
from customers.api.resources.checkout_serializers import CreateCartSerializer
from customers.api.resources.order_parts import (
    LineAttributeSerializer,
    MarketingAttributionSerializer,
    UserInlineSerializer,
    user_inline,
    with_user,
)
from customers.api.resources.order_serializers import OrderVoucherOfferSerializer
from customers.orders import checkout
from customers.orders.documents import IDS, line_amounts
from customers.orders.lines import as_text
from customers.orders.models import Cart
from oauth.scopes import Scope


class BasketLineReportSerializer(LenientSerializer):
    currency = LenientChar(read_only=True, max_length=3)
    price_excl_tax = LenientMoney(read_only=True)
    price_incl_tax = LenientMoney(read_only=True)
    total_cost = LenientMoney(read_only=True)
    total_discount = LenientMoney(read_only=True)
    unit_cost = LenientMoney(read_only=True)


class CartLineSerializer(LenientSerializer):
    currency = LenientChar(required=False, max_length=3)
    id = LenientInteger(read_only=True)
    interval = LenientChar(required=False, allow_null=True)
    interval_count = LenientInteger(required=False, allow_null=True, min_value=0, max_value=MAX_QUANTITY)
    is_upsell = LenientBoolean(default=False)
    metadata = LenientJSON(required=False, allow_null=True)
    price_excl_tax = LenientMoney(read_only=True)
    price_incl_tax = LenientMoney(read_only=True)
    product_id = LenientInteger(read_only=True)
    product_image = LenientURL(read_only=True)
    product_title = LenientChar(read_only=True)
    product_url = LenientURL(read_only=True)
    properties = LineAttributeSerializer(many=True, read_only=True)
    quantity = LenientInteger(required=False, min_value=0, max_value=MAX_QUANTITY)
    report_values = BasketLineReportSerializer(read_only=True)
    sku = LenientChar(read_only=True)
    total_cost = LenientMoney(read_only=True)
    total_discount = LenientMoney(read_only=True)
    unit_cost = LenientMoney(read_only=True)
    variant_id = LenientInteger(read_only=True)
    variant_title = LenientChar(read_only=True)


class BasketReportValuesSerializer(LenientSerializer):
    currency = LenientChar(read_only=True)
    total_cost = LenientMoney(read_only=True)
    total_discount = LenientMoney(read_only=True)
    total_excl_tax = LenientMoney(read_only=True)
    total_incl_tax = LenientMoney(read_only=True)


class CartDetailSerializer(LenientSerializer):
    abandoned = LenientBoolean(required=False)
    attribution = MarketingAttributionSerializer(read_only=True)
    checkout_url = LenientURL(read_only=True)
    created_at = LenientDateTime(read_only=True)
    currency = LenientChar(read_only=True)
    id = LenientInteger(read_only=True)
    lines = CartLineSerializer(many=True, read_only=True)
    metadata = LenientJSON(required=False, allow_null=True)
    report_values = BasketReportValuesSerializer(read_only=True)
    status = LenientChar(read_only=True)
    total_cost = LenientMoney(read_only=True)
    total_discount = LenientMoney(read_only=True)
    total_excl_tax = LenientMoney()
    total_incl_tax = LenientMoney()
    user = UserInlineSerializer(read_only=True)
    voucher_discounts = OrderVoucherOfferSerializer(many=True, required=False)

    def to_representation(self, cart: Cart):
        created_at, total = format_datetime(cart.created_at), as_text(cart.total)
        totals = {"currency": cart.currency, "total_excl_tax": total, "total_incl_tax": total}
        known = {
            **totals,
            "abandoned": False,
            "created_at": created_at,
            "id": cart.pk,
            "lines": [_line(cart, line, position) for position, line in enumerate(cart.document["lines"], 1)],
            "report_values": totals,
            "status": "Open",
            "user": user_inline(cart.user),
        }
        return self.render({**cart.document, **known}, created_at)


def _line(cart: Cart, line: dict, position: int) -> dict:
    amounts = {**line_amounts(line), "currency": cart.currency}
    ids = {"id": cart.pk * IDS + position, "variant_id": line["product_id"]}
    return {**line, **amounts, **ids, "report_values": amounts}


@extend_schema(tags=["carts"])
class CartViewSet(CustomerInlineViewSet):
    required_scopes = {"create": Scope.CARTS_WRITE}
    queryset = with_user(Cart)
    serializers = serializers_2023_02_10 = {"create": CartDetailSerializer}

    @extend_schema(
        summary="Create a cart",
        description=(
            "For an existing customer, or for a new one, who becomes a lead. This store has no checkout page, so a "
            "cart stays as it is: `checkout_url` is `about:blank`."
        ),
        request=CreateCartSerializer,
    )
    @idempotent
    def create(self, request):
        cart = checkout.create_cart(by=self.actor, **{"user": {}, **self.validated_with(CreateCartSerializer)})
        return Response(self.get_serializer(cart).data, status=status.HTTP_201_CREATED)
