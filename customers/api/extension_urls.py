"""Endpoints beyond the platform's. They have an OpenAPI document of their own: see `openapi.EXTENSIONS`."""

from django.urls import path

from customers.api.resources.upserts import BulkUpsertViewSet, UpsertByEmailViewSet, UpsertByPhoneViewSet

urlpatterns = [
    path("users/by-email/<path:email>/", UpsertByEmailViewSet.as_view({"put": "upsert"}), name="upsert-by-email"),
    path("users/by-phone/<str:number>/", UpsertByPhoneViewSet.as_view({"put": "upsert"}), name="upsert-by-phone"),
    path("users/bulk/", BulkUpsertViewSet.as_view({"post": "upsert"}), name="bulk-upsert"),
]
