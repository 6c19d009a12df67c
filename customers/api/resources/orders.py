"""The orders of a customer, as an order system reported them."""

from drf_spectacular.utils import extend_schema

from customers.api.base import UserBareListViewSet
from customers.api.resources.order_serializers import UserOrderInlineSerializer
from customers.api.v2023_02_10 import orders as v2023_02_10
from customers.orders.models import Order
from oauth.scopes import Scope


@extend_schema(tags=["customers"])
class UserOrdersViewSet(UserBareListViewSet):
    required_scopes = {"orders": Scope.USERS_READ}
    queryset = Order.objects.all()
    serializer_class = UserOrderInlineSerializer
    serializer_class_2023_02_10 = v2023_02_10.UserOrderInlineSerializer

    @extend_schema(summary="List a customer's orders", description=UserBareListViewSet.DESCRIPTION)
    def orders(self, request, id):
        return self.bare_list(id)
