"""What an order system reported about a customer."""

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.response import Response

from customers.api import order_serializers, order_serializers_20230210, subscription_serializers
from customers.api.views import AdminApiViewSet
from customers.models import User
from customers.orders.models import Order, Subscription
from oauth.models import ApiVersion
from oauth.scopes import Scope

A_BARE_ARRAY = "Newest first, all of them, in a bare array: the schema is that of an entry, as on the platform."


@extend_schema(tags=["customers"])
class HistoryViewSet(AdminApiViewSet):
    """A customer's orders and subscriptions. No action is named `list`, which would be published as a list."""

    required_scopes = {"orders": Scope.USERS_READ, "subscriptions": Scope.USERS_READ}
    queryset = User.objects.all()
    serializer_classes = {
        "orders": order_serializers.UserOrderInlineSerializer,
        "subscriptions": subscription_serializers.SubscriptionSerializer,
    }
    serializer_classes_20230210 = {
        "orders": order_serializers_20230210.UserOrderInlineSerializer,
        "subscriptions": order_serializers_20230210.SubscriptionSerializer,
    }
    # Set by the generator of the documents, which has no request to read it from.
    api_version: str | None = None

    def get_serializer_class(self):
        is_oldest = (self.api_version or self.request.version) == ApiVersion.V2023_02_10
        return (self.serializer_classes_20230210 if is_oldest else self.serializer_classes)[self.action]

    @extend_schema(summary="List a customer's orders", description=A_BARE_ARRAY)
    def orders(self, request, id):
        return self.listed_for(id, Order.objects.all())

    @extend_schema(summary="List a customer's subscriptions", description=A_BARE_ARRAY)
    def subscriptions(self, request, id):
        return self.listed_for(id, Subscription.objects.select_related("user"))

    def listed_for(self, user_id, reported):
        rows = list(reported.filter(user_id=user_id).newest_first())
        if not rows and not self.get_queryset().filter(pk=user_id).exists():
            raise NotFound
        return Response(self.get_serializer(rows, many=True).data)
