"""Segments: saved filters of customers, and the customers who match one now."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from customers.api.base import AdminApiViewSet
from customers.api.pagination import KeysetPagination
from customers.api.resources.users import UserPagination, UserRepresentation, UserSerializer, user_rows
from customers.core.postgres import custom_plan
from customers.segments import services
from customers.segments.models import Segment
from oauth.scopes import Scope


class SegmentSerializer(serializers.ModelSerializer):
    filters = serializers.DictField(help_text="Filters by name; all of them have to match.")
    customers_count = serializers.IntegerField(allow_null=True, help_text="As of `counted_at`.")

    class Meta:
        model = Segment
        fields = ("id", "name", "filters", "customers_count", "counted_at", "created_at", "updated_at")
        read_only_fields = fields
        ref_name = "Segment"


class SegmentPagination(KeysetPagination):
    keys = ("id",)


class SegmentUserPagination(UserPagination):
    def read(self, queryset, limit, backwards):
        with custom_plan():  # for the values of the segment, which may be rare or common
            return super().read(queryset, limit, backwards)


@extend_schema(tags=["customers"])
class SegmentViewSet(AdminApiViewSet):
    """Segments are saved in the dashboard."""

    required_scopes = {"list": Scope.USERS_READ, "retrieve": Scope.USERS_READ}
    queryset = Segment.objects.all()
    serializer_class = SegmentSerializer
    pagination_class = SegmentPagination
    is_about_customers = False

    @extend_schema(summary="List segments", description="Newest first.")
    def list(self, request):
        return self.paginated(self.get_queryset())

    @extend_schema(summary="Retrieve a segment")
    def retrieve(self, request, id):
        return Response(self.represent(id))


@extend_schema(tags=["customers"])
class SegmentUserViewSet(AdminApiViewSet):
    required_scopes = {"list": Scope.USERS_READ}
    serializer_class = UserSerializer
    pagination_class = SegmentUserPagination

    @extend_schema(
        summary="List the customers of a segment",
        description="Those who match now, newest first.",
        operation_id="segmentsUsersList",
    )
    def list(self, request, id):
        customers = services.customers_of(Segment.objects.get(pk=id))
        rows = self.paginate_queryset(user_rows(customers)) or []
        return self.get_paginated_response(list(map(UserRepresentation.from_row, rows)))
