"""The subscriptions of the store: reported by an order system, or created by an app."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response

from customers.api.base import CustomerInlineViewSet, UserBareListViewSet
from customers.api.filters import query_params
from customers.api.idempotency import idempotent
from customers.api.pagination import KeysetPagination
from customers.api.resources.checkout_serializers import CreateSubscriptionSerializer
from customers.api.resources.list_filters import AttributionFilters, list_of
from customers.api.resources.order_parts import with_user
from customers.api.resources.subscription_serializers import SubscriptionDetailSerializer, SubscriptionSerializer
from customers.api.v2023_02_10 import subscriptions as v2023_02_10
from customers.orders import checkout
from customers.orders.filters import filter_subscriptions
from customers.orders.models import Subscription, SubscriptionStatus
from oauth.scopes import Scope

CARD_TYPES = ("american_express", "dankort", "diners_club", "discover", "jcb", "maestro", "mastercard", "visa")
PAYMENT_METHODS = ("apple_pay", "bankcard", "google_pay", "klarna", "link", "paypal", "twint")
RECOVERY_SOURCES = ("account_updater", "dashboard", "email_automation", "other", "retries", "storefront")


@extend_schema(tags=["customers"])
class UserSubscriptionsViewSet(UserBareListViewSet):
    required_scopes = {"subscriptions": Scope.USERS_READ}
    queryset = with_user(Subscription)
    serializers = {"subscriptions": SubscriptionSerializer}
    serializers_2023_02_10 = {"subscriptions": v2023_02_10.SubscriptionSerializer}

    @extend_schema(summary="List a customer's subscriptions", description=UserBareListViewSet.DESCRIPTION)
    def subscriptions(self, request, id):
        return self.bare_list(id)


class SubscriptionFilters(AttributionFilters):
    search_text = serializers.CharField(
        required=False, allow_blank=True, help_text="The id, or a customer's name, email or phone number."
    )
    address = serializers.CharField(required=False, allow_blank=True, help_text="Part of a line of an address.")
    date_from = serializers.DateField(required=False, help_text="First day of creation, in the store's time zone.")
    date_to = serializers.DateField(required=False, help_text="Last day, included.")
    status = list_of(serializers.ChoiceField(sorted(SubscriptionStatus.values)))
    product = list_of(serializers.IntegerField())
    sku = list_of(serializers.CharField(allow_null=True, allow_blank=True))
    gateway = list_of(serializers.IntegerField())
    card_type = list_of(serializers.ChoiceField(CARD_TYPES))
    order_number = serializers.CharField(required=False, allow_blank=True)
    customer_email = serializers.CharField(
        required=False, allow_blank=True, help_text="The whole address, ignoring case."
    )
    customer_phone_number = serializers.CharField(required=False, allow_blank=True, help_text="Part of the number.")
    cancel_reason = serializers.CharField(required=False, allow_blank=True)
    next_renewal_date_from = serializers.DateField(required=False, help_text="First day, in UTC.")
    next_renewal_date_to = serializers.DateField(required=False, help_text="Last day, included.")
    cancel_date_from = serializers.DateField(required=False)
    cancel_date_to = serializers.DateField(required=False)
    recoveries_source = serializers.ChoiceField(RECOVERY_SOURCES, required=False)
    recoveries_date_from = serializers.DateField(required=False)
    recoveries_date_to = serializers.DateField(required=False)
    payment_method = list_of(serializers.ChoiceField(PAYMENT_METHODS, allow_null=True))
    gateway_status = serializers.ChoiceField(["active", "inactive"], required=False)


class SubscriptionPagination(KeysetPagination):
    keys = ("date_created", "id")


@extend_schema(tags=["subscriptions"])
class SubscriptionViewSet(CustomerInlineViewSet):
    required_scopes = {"list": Scope.SUBSCRIPTIONS_READ, "create": Scope.SUBSCRIPTIONS_WRITE}
    queryset = with_user(Subscription)
    serializers = dict.fromkeys(("list", "create"), SubscriptionDetailSerializer)
    serializers_2023_02_10 = dict.fromkeys(("list", "create"), v2023_02_10.SubscriptionDetailSerializer)
    pagination_class = SubscriptionPagination

    @extend_schema(
        summary="List subscriptions",
        description="Newest first. A filter that this store can't answer is refused.",
        parameters=[SubscriptionFilters],
    )
    def list(self, request):
        return self.paginated(filter_subscriptions(self.queryset, query_params(request, SubscriptionFilters)))

    @extend_schema(
        summary="Create a subscription",
        description=(
            "For an existing customer, or for a new one. The test gateway checks the card token, and nothing is "
            "charged: this store records a subscription and makes no renewals."
        ),
        request=CreateSubscriptionSerializer,
    )
    @idempotent
    def create(self, request):
        subscription = checkout.start_subscription(by=self.actor, **self.validated_with(CreateSubscriptionSerializer))
        return Response(self.get_serializer(subscription).data, status=status.HTTP_201_CREATED)
