"""The subscriptions of a customer, as an order system reported them."""

from drf_spectacular.utils import extend_schema

from customers.api.base import UserBareListViewSet
from customers.api.resources.subscription_serializers import SubscriptionSerializer
from customers.api.v2023_02_10 import subscriptions as v2023_02_10
from customers.orders.models import Subscription
from oauth.scopes import Scope


@extend_schema(tags=["customers"])
class UserSubscriptionsViewSet(UserBareListViewSet):
    required_scopes = {"subscriptions": Scope.USERS_READ}
    queryset = Subscription.objects.select_related("user")
    serializer_class = SubscriptionSerializer
    serializer_class_2023_02_10 = v2023_02_10.SubscriptionSerializer

    @extend_schema(summary="List a customer's subscriptions", description=UserBareListViewSet.DESCRIPTION)
    def subscriptions(self, request, id):
        return self.bare_list(id)
