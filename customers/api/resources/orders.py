"""The orders of the store: reported by an order system, or created by an app."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response

from customers.api.base import CustomerInlineViewSet, UserBareListViewSet
from customers.api.errors import nested
from customers.api.filters import query_params
from customers.api.idempotency import idempotent
from customers.api.pagination import KeysetPagination
from customers.api.resources.checkout_serializers import CreateOrderSerializer
from customers.api.resources.list_filters import AttributionFilters, ProductsFilter, list_of
from customers.api.resources.order_parts import with_user
from customers.api.resources.order_serializers import (
    DELIVERY_STATUSES,
    OrderListSerializer,
    OrderSerializer,
    UserOrderInlineSerializer,
)
from customers.api.v2023_02_10 import orders as v2023_02_10
from customers.orders import checkout
from customers.orders.filters import filter_orders
from customers.orders.gateway import PaymentDeclined
from customers.orders.models import Order, PaymentStatus
from oauth.scopes import Scope


@extend_schema(tags=["customers"])
class UserOrdersViewSet(UserBareListViewSet):
    required_scopes = {"orders": Scope.USERS_READ}
    queryset = Order.objects.all()
    serializers = {"orders": UserOrderInlineSerializer}
    serializers_2023_02_10 = {"orders": v2023_02_10.UserOrderInlineSerializer}

    @extend_schema(summary="List a customer's orders", description=UserBareListViewSet.DESCRIPTION)
    def orders(self, request, id):
        return self.bare_list(id)


class OrderFilters(AttributionFilters):
    search_text = serializers.CharField(
        required=False,
        allow_blank=True,
        help_text="The start of the number, or a customer's name, email or phone number.",
    )
    address = serializers.CharField(required=False, allow_blank=True, help_text="Part of a line of an address.")
    order_number = serializers.CharField(required=False, allow_blank=True)
    name = serializers.CharField(
        required=False, allow_blank=True, help_text="Part of the customer's first and last name together."
    )
    product = ProductsFilter()
    location_id = list_of(serializers.IntegerField())
    sku = list_of(serializers.CharField(allow_null=True, allow_blank=True))
    status = list_of(serializers.ChoiceField(["archived", "canceled", "open"]))
    payment_method = list_of(serializers.CharField(allow_blank=True))
    currency = serializers.CharField(required=False, allow_blank=True)
    fulfillment_status = list_of(
        serializers.ChoiceField(
            [
                *("fulfilled", "incomplete", "not_required", "on_hold", "partially_fulfilled"),
                *("processing", "rejected", "unfulfilled"),
            ]
        )
    )
    delivery_status = list_of(serializers.ChoiceField(sorted(DELIVERY_STATUSES)))
    payment_status = list_of(serializers.ChoiceField(sorted(PaymentStatus.values)))
    subscription_lifecycle = serializers.ChoiceField(["non-recurring", "recurring"], required=False)
    date_placed_from = serializers.DateField(required=False, help_text="First day, in the store's time zone.")
    date_placed_to = serializers.DateField(required=False, help_text="Last day, included.")
    coupon_code = list_of(serializers.CharField(allow_blank=True))
    tags = list_of(serializers.CharField(allow_blank=True))
    offers = list_of(serializers.CharField(allow_blank=True))
    countries = list_of(serializers.CharField(allow_blank=True))
    sources = list_of(serializers.ChoiceField(["admin_api", "checkout", "dashboard", "subscription"], allow_null=True))
    is_disputed = serializers.BooleanField(required=False)
    has_outstanding_balance = serializers.BooleanField(required=False)
    has_split_fulfillment = serializers.BooleanField(required=False)


class OrderPagination(KeysetPagination):
    keys = ("date_placed", "id")


@extend_schema(tags=["orders"])
class OrderViewSet(CustomerInlineViewSet):
    required_scopes = {"list": Scope.ORDERS_READ, "create": Scope.ORDERS_WRITE, "retrieve": Scope.ORDERS_READ}
    queryset = with_user(Order)
    serializers = {"list": OrderListSerializer, "create": OrderSerializer, "retrieve": OrderSerializer}
    serializers_2023_02_10 = {
        "list": v2023_02_10.OrderListSerializer,
        "create": v2023_02_10.OrderSerializer,
        "retrieve": v2023_02_10.OrderSerializer,
    }
    pagination_class = OrderPagination
    lookup_field = "number"
    lookup_url_kwarg = "number"

    @extend_schema(
        summary="List orders",
        description="Newest first, without their lines. A filter that this store can't answer is refused.",
        parameters=[OrderFilters],
    )
    def list(self, request):
        return self.paginated(filter_orders(self.queryset, query_params(request, OrderFilters)))

    @extend_schema(
        summary="Create an order",
        description=(
            "For an existing customer, or for a new one. No money is taken: a test gateway accepts the card token "
            "`tok_success`, declines `tok_declined` with 400, and leaves `tok_pending` pending. After a declined card "
            "the customer and a cart are kept."
        ),
        request=CreateOrderSerializer,
    )
    @idempotent
    def create(self, request):
        fields = self.validated_with(CreateOrderSerializer)
        try:
            order = checkout.place_order(by=self.actor, **{"user": {}, **fields})
        except PaymentDeclined as declined:
            # Returned, not raised: what was kept has to be committed with the answer.
            return Response(nested(declined), status=status.HTTP_400_BAD_REQUEST)
        return Response(self.get_serializer(order).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Retrieve an order")
    def retrieve(self, request, number):
        return Response(self.get_serializer(self.queryset.get(number=number)).data)
