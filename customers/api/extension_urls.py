"""Endpoints beyond the platform's. They have an OpenAPI document of their own: see `openapi.EXTENSIONS`."""

from django.urls import path

from customers.api import converters  # noqa: F401  registers "id", which the paths need
from customers.api.resources.merging import DuplicateViewSet, MergeViewSet
from customers.api.resources.segments import SegmentUserViewSet, SegmentViewSet
from customers.api.resources.upserts import BulkUpsertViewSet, UpsertByEmailViewSet, UpsertByPhoneViewSet

urlpatterns = [
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
