from django.urls import path, re_path, register_converter

from customers.api.base import NotFoundView
from customers.api.converters import IdConverter, NumberConverter
from customers.api.resources.addresses import AddressViewSet
from customers.api.resources.apps import AppViewSet
from customers.api.resources.carts import CartViewSet
from customers.api.resources.empty_collections import DisputeViewSet, TransactionViewSet
from customers.api.resources.exports import ExportFileView, ExportViewSet
from customers.api.resources.merging import DuplicateViewSet, MergeViewSet
from customers.api.resources.metadata import DefinitionViewSet
from customers.api.resources.notes import NoteViewSet
from customers.api.resources.orders import OrderViewSet, UserOrdersViewSet
from customers.api.resources.root import RootView
from customers.api.resources.segments import SegmentUserViewSet, SegmentViewSet
from customers.api.resources.store import StoreViewSet
from customers.api.resources.subscriptions import SubscriptionViewSet, UserSubscriptionsViewSet
from customers.api.resources.upserts import BulkUpsertViewSet, UpsertByEmailViewSet, UpsertByPhoneViewSet
from customers.api.resources.users import UserViewSet
from customers.api.resources.webhooks import WebhookViewSet

app_name = "admin_api"

register_converter(IdConverter, "id")
register_converter(NumberConverter, "number")

# What the platform publishes.
published = [
    path("users/", UserViewSet.as_view({"get": "list", "post": "create"}), name="users"),
    path(
        "users/<id:id>/",
        UserViewSet.as_view({"get": "retrieve", "put": "update", "patch": "partial_update"}),
        name="user",
    ),
    path("users/<id:id>/addresses/", AddressViewSet.as_view({"get": "list", "post": "create"}), name="addresses"),
    path(
        "users/<id:id>/addresses/<id:addressId>/",
        AddressViewSet.as_view({"get": "retrieve", "put": "update", "delete": "destroy"}),
        name="address",
    ),
    path("users/<id:id>/notes/", NoteViewSet.as_view({"get": "list", "post": "create"}), name="notes"),
    path("users/<id:id>/orders/", UserOrdersViewSet.as_view({"get": "orders"}), name="orders"),
    path(
        "users/<id:id>/subscriptions/", UserSubscriptionsViewSet.as_view({"get": "subscriptions"}), name="subscriptions"
    ),
    path("apps/<str:clientId>/", AppViewSet.as_view({"get": "retrieve"}), name="app"),
    path(
        "apps/<str:clientId>/settings/",
        AppViewSet.as_view(
            {
                "get": "retrieve_settings",
                "put": "replace_settings",
                "patch": "change_settings",
                "delete": "delete_settings",
            }
        ),
        name="app-settings",
    ),
    path("exports/", ExportViewSet.as_view({"get": "list", "post": "create"}), name="exports"),
    path("exports/types/", ExportViewSet.as_view({"get": "types"}), name="export-types"),
    path("exports/files/<str:link>/", ExportFileView.as_view(), name="export-file"),
    path("exports/<id:id>/", ExportViewSet.as_view({"get": "retrieve"}), name="export"),
    path("exports/<id:id>/download/", ExportViewSet.as_view({"get": "download"}), name="export-download"),
    path("metadata/", DefinitionViewSet.as_view({"get": "list", "post": "create"}), name="definitions"),
    path(
        "metadata/<id:id>/",
        DefinitionViewSet.as_view({"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"}),
        name="definition",
    ),
    path("webhooks/", WebhookViewSet.as_view({"get": "list", "post": "create"}), name="webhooks"),
    path(
        "webhooks/<id:id>/",
        WebhookViewSet.as_view({"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"}),
        name="webhook",
    ),
    path("orders/", OrderViewSet.as_view({"get": "list", "post": "create"}), name="all-orders"),
    path("orders/<number:number>/", OrderViewSet.as_view({"get": "retrieve"}), name="order"),
    path("carts/", CartViewSet.as_view({"post": "create"}), name="carts"),
    path("subscriptions/", SubscriptionViewSet.as_view({"get": "list", "post": "create"}), name="all-subscriptions"),
    path("store/", StoreViewSet.as_view({"get": "retrieve"}), name="store"),
    path("disputes/", DisputeViewSet.as_view({"get": "list"})),
    path("transactions/", TransactionViewSet.as_view({"get": "list"})),
]

# Endpoints beyond the platform's. They have an OpenAPI document of their own: see `openapi.EXTENSIONS`.
extensions = [
    path("users/by-email/<path:email>/", UpsertByEmailViewSet.as_view({"put": "upsert"}), name="upsert-by-email"),
    path("users/by-phone/<str:number>/", UpsertByPhoneViewSet.as_view({"put": "upsert"}), name="upsert-by-phone"),
    path("users/bulk/", BulkUpsertViewSet.as_view({"post": "upsert"}), name="bulk-upsert"),
    path("users/<id:id>/merge/", MergeViewSet.as_view({"post": "merge"}), name="merge"),
    path("users/<id:id>/merge/preview/", MergeViewSet.as_view({"post": "preview"}), name="merge-preview"),
    path("users/<id:id>/merge/undo/", MergeViewSet.as_view({"post": "undo"}), name="merge-undo"),
    path("duplicates/", DuplicateViewSet.as_view({"get": "list"}), name="duplicates"),
    path("duplicates/<id:id>/dismiss/", DuplicateViewSet.as_view({"post": "dismiss"}), name="duplicate-dismiss"),
    path("segments/", SegmentViewSet.as_view({"get": "list"}), name="segments"),
    path("segments/<id:id>/", SegmentViewSet.as_view({"get": "retrieve"}), name="segment"),
    path("segments/<id:id>/users/", SegmentUserViewSet.as_view({"get": "list"}), name="segment-users"),
]

urlpatterns = [
    *published,
    *extensions,
    path("", RootView.as_view()),
    re_path(r"", NotFoundView.as_view()),
]
