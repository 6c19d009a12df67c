"""The payloads of webhooks: `data` is what a GET of the object answers, in the API version of the webhook.

Customers, apps and exports look the same in all versions.
"""

from collections.abc import Collection
from typing import Any

from customers.api.resources import order_serializers, subscription_serializers
from customers.api.resources.apps import PublicAppSerializer
from customers.api.resources.exports import ExportSerializer
from customers.api.resources.order_parts import with_user
from customers.api.resources.users import UserRepresentation
from customers.api.v2023_02_10 import orders as older_orders
from customers.api.v2023_02_10 import subscriptions as older_subscriptions
from customers.jobs.exports.services import requested
from customers.models import User
from customers.orders.models import Order, Subscription
from customers.webhooks.events import EXAMPLE_ID, renders
from oauth.models import ApiVersion, App

EXAMPLE = {
    "pk": EXAMPLE_ID, "email": "ada@example.com", "first_name": "Ada", "last_name": "Lovelace", "tags": ["example"]
}  # fmt: skip


@renders("customer")
def customers(ids: Collection[int], api_version: str) -> dict[int, Any]:
    representations = UserRepresentation.from_ids(*ids)
    if EXAMPLE_ID in ids:
        representations.append(UserRepresentation.from_columns(vars(User(**EXAMPLE)), []))
    return {representation["id"]: representation for representation in representations}


@renders("order")
def orders(ids: Collection[int], api_version: str) -> dict[int, Any]:
    is_oldest = api_version == ApiVersion.V2023_02_10
    serializer = (older_orders if is_oldest else order_serializers).OrderSerializer()
    rows = with_user(Order).filter(pk__in=ids)
    return {order.pk: serializer.to_representation(order) for order in rows}


@renders("subscription")
def subscriptions(ids: Collection[int], api_version: str) -> dict[int, Any]:
    is_oldest = api_version == ApiVersion.V2023_02_10
    serializer = (older_subscriptions if is_oldest else subscription_serializers).SubscriptionDetailSerializer()
    rows = with_user(Subscription).filter(pk__in=ids)
    return {subscription.pk: serializer.to_representation(subscription) for subscription in rows}


@renders("app")
def apps(ids: Collection[int], api_version: str) -> dict[int, Any]:
    return {app.pk: dict(PublicAppSerializer(app).data) for app in App.objects.filter(pk__in=ids)}


@renders("export")
def exports(ids: Collection[int], api_version: str) -> dict[int, Any]:
    return {job.pk: dict(ExportSerializer(job).data) for job in requested().filter(pk__in=ids)}
