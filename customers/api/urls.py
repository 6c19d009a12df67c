from django.urls import path, re_path, register_converter
from django.urls.converters import IntConverter

from customers.api import views
from customers.api.app_views import AppViewSet
from customers.api.definition_views import DefinitionViewSet
from customers.api.export_views import ExportFile, ExportViewSet
from customers.api.order_views import HistoryViewSet
from customers.api.webhook_views import WebhookViewSet


class IdConverter(IntConverter):
    regex = "[0-9]{1,18}"  # what fits a column of ids


register_converter(IdConverter, "id")
app_name = "admin_api"

urlpatterns = [
    path("users/", views.UserViewSet.as_view({"get": "list", "post": "create"}), name="users"),
    path(
        "users/<id:id>/",
        views.UserViewSet.as_view({"get": "retrieve", "put": "update", "patch": "partial_update"}),
        name="user",
    ),
    path("users/<id:id>/addresses/", views.AddressViewSet.as_view({"get": "list", "post": "create"}), name="addresses"),
    path(
        "users/<id:id>/addresses/<id:addressId>/",
        views.AddressViewSet.as_view({"get": "retrieve", "put": "update", "delete": "destroy"}),
        name="address",
    ),
    path("users/<id:id>/notes/", views.NoteViewSet.as_view({"get": "list", "post": "create"}), name="notes"),
    path("users/<id:id>/orders/", HistoryViewSet.as_view({"get": "orders"}), name="orders"),
    path("users/<id:id>/subscriptions/", HistoryViewSet.as_view({"get": "subscriptions"}), name="subscriptions"),
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
    path("exports/files/<str:link>/", ExportFile.as_view(), name="export-file"),
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
    re_path(r"", views.UnknownPath.as_view()),
]
