"""Exports: asked for here, made by a worker, downloaded by a link that opens without a token for an hour."""

from datetime import UTC
from typing import cast

from django.db import models
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.filters import BaseFilterBackend
from rest_framework.response import Response

from customers.api.conditional import answer_if_new
from customers.api.errors import ExportFailed, ExportPending
from customers.api.filters import asked_of, criteria_of
from customers.api.idempotency import idempotent
from customers.api.pagination import KeysetPagination
from customers.api.views import AdminApiView, AdminApiViewSet
from customers.core.dates import within_days
from customers.jobs import runner
from customers.jobs.exports import downloads
from customers.jobs.exports import services as exports
from customers.jobs.models import Job
from oauth.errors import ServiceError
from oauth.scopes import Scope


class Type(models.TextChoices):
    """Those of the platform. What has no label is of sections that this store does not have."""

    ORDER_LIST = "order_list"
    ORDER_LINE_ITEMS = "order_line_items"
    CUSTOMER_LIST = "customer_list", "Customers"
    TRANSACTION_LIST = "transaction_list"
    DISPUTE_LIST = "dispute_list"
    SUBSCRIPTION_LIST = "subscription_list"
    SUBSCRIPTION_LINE_ITEMS = "subscription_line_items"
    OPEN_CART_LIST = "open_cart_list"
    OPEN_CART_LINE_ITEMS = "open_cart_line_items"
    RETURN_LIST = "return_list"
    RETURN_LINE_ITEMS = "return_line_items"
    FULFILLMENT_LIST = "fulfillment_list"
    FULFILLMENT_LINE_ITEMS = "fulfillment_line_items"


class Status(models.TextChoices):
    AVAILABLE = "available"
    PENDING = "pending"


class MomentField(serializers.DateTimeField):
    """In UTC, whose calendar it has to be in."""

    def to_internal_value(self, value):
        try:
            return super().to_internal_value(value).astimezone(UTC)
        except OverflowError:
            self.fail("overflow")


class CreateExportSerializer(serializers.Serializer):
    date_from = MomentField(help_text="Customers who joined at this moment or later.")
    date_to = MomentField(help_text="Customers who joined at this moment or earlier.")
    type = serializers.ChoiceField(Type.values, help_text="This store makes `customer_list`.")

    class Meta:
        ref_name = "CreateExport"

    def validate_type(self, value):
        if value != Type.CUSTOMER_LIST:
            raise ValidationError(f"This store has no exports of this type. It makes {Type.CUSTOMER_LIST}.")
        return value


class ExportSerializer(serializers.Serializer):
    id = serializers.IntegerField(read_only=True)
    type = serializers.ChoiceField(Type.values, read_only=True)
    status = serializers.ChoiceField(Status.values, required=False, help_text="`pending` until the file is ready.")
    date_from = serializers.DateTimeField(
        required=False, allow_null=True, help_text="Null for what was exported in the dashboard, as is `date_to`."
    )
    date_to = serializers.DateTimeField(required=False, allow_null=True)
    url = serializers.URLField(read_only=True, help_text="Where its download is asked for.")
    created_at = serializers.DateTimeField(read_only=True)

    class Meta:
        ref_name = "Export"

    def to_representation(self, job):
        options = job.options
        path = reverse("admin_api:export-download", args=[job.pk])
        return super().to_representation(
            {
                "id": job.pk,
                "type": Type.CUSTOMER_LIST,
                "status": Status.AVAILABLE if job.finished_at else Status.PENDING,
                **{name: parse_datetime(options.get(name, "")) for name in ("date_from", "date_to")},
                # As it was asked for, whoever looks: webhooks show the same.
                "url": options["origin"] + path,
                "created_at": job.created_at,
            }
        )


class ExportDownloadSerializer(serializers.Serializer):
    url = serializers.URLField(read_only=True, help_text="Opens without a token, for an hour.")

    class Meta:
        ref_name = "ExportDownload"


class ExportTypeSerializer(serializers.Serializer):
    code = serializers.CharField()
    name = serializers.CharField()

    class Meta:
        ref_name = "ExportType"


class ExportTypesSerializer(serializers.Serializer):
    types = ExportTypeSerializer(many=True)

    class Meta:
        ref_name = "ExportTypes"


@extend_schema_field({"type": "string", "enum": Type.values})
class TypeParameter(serializers.ChoiceField):
    """May be empty, too, which is not published."""


class ExportFilters(serializers.Serializer):
    type = TypeParameter(Type.values, required=False, allow_blank=True)
    date_created_from = serializers.DateField(required=False, help_text="First day, in the store's time zone.")
    date_created_to = serializers.DateField(required=False, help_text="Last day, included.")


class ExportFilterBackend(BaseFilterBackend):
    def filter_queryset(self, request, queryset, view):
        asked = asked_of(request, ExportFilters)
        if asked.get("type", Type.CUSTOMER_LIST) != Type.CUSTOMER_LIST:
            return queryset.none()
        return within_days(queryset, "created_at", asked.get("date_created_from"), asked.get("date_created_to"))


@extend_schema(tags=["exports"])
class ExportViewSet(AdminApiViewSet):
    """Files of customers. An app sees what it asked for, a personal token all of the store."""

    required_scopes = {
        "list": Scope.EXPORTS_READ,
        "create": Scope.EXPORTS_WRITE,
        "types": Scope.EXPORTS_READ,
        "retrieve": Scope.EXPORTS_READ,
        "download": Scope.EXPORTS_READ,
    }
    serializer_class = ExportSerializer
    filter_backends = [ExportFilterBackend]
    pagination_class = KeysetPagination
    is_about_people = False

    def get_queryset(self):
        return exports.visible_to(cast(int, self.actor.app_id))

    @extend_schema(
        summary="List exports",
        description="Newest first. Unknown parameters are ignored.",
        parameters=[ExportFilters],
    )
    def list(self, request):
        return self.listed(self.filter_queryset(self.get_queryset()))

    @extend_schema(
        summary="Export customers",
        description=(
            "To a CSV file, of any length. The parameters that narrow the list of customers (`user_type`, `language`, "
            "`name`, …) narrow the export, too. It is `pending` until a worker has made it; `export.created` is told "
            "then. The file is kept for a day, and no longer than until a customer is erased; then the export is gone."
        ),
        request=CreateExportSerializer,
        responses={201: ExportSerializer},
    )
    @idempotent
    def create(self, request):
        asked = CreateExportSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        job = exports.ask(
            criteria_of(request),
            date_from=asked.validated_data["date_from"],
            date_to=asked.validated_data["date_to"],
            by=self.actor,
            origin=f"{request.scheme}://{request.get_host()}",
        )
        return Response(self.get_serializer(job).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="List the types of exports", responses=ExportTypesSerializer, filters=False)
    def types(self, request):
        customers = {"code": Type.CUSTOMER_LIST.value, "name": Type.CUSTOMER_LIST.label}
        return Response({"types": [customers]})

    @extend_schema(summary="Retrieve an export")
    def retrieve(self, request, id):
        return answer_if_new(request, self.represent(id))

    @extend_schema(
        summary="Retrieve a link to the file of an export",
        description="To CSV, unless it was exported in another format in the dashboard.",
        responses=ExportDownloadSerializer,
    )
    def download(self, request, id):
        job = self.get_queryset().get(pk=id)
        if job.failures >= runner.MAX_FAILURES:
            raise ExportFailed
        if not job.finished_at:
            raise ExportPending
        link = downloads.link_to(job, app_id=cast(int, self.actor.app_id))
        url = request.build_absolute_uri(reverse("admin_api:export-file", args=[link]))
        return Response({"url": url}, headers={"Cache-Control": "no-store"})


class ExportFile(AdminApiView):
    """What a link opens. It is no part of the published API."""

    authentication_classes = []
    permission_classes = []
    schema = None  # type: ignore[assignment]  # leaves it out of the document; DRF types the default alone

    def get(self, request, link):
        try:
            return downloads.answer(downloads.linked(link))
        except downloads.LinkRefused:
            raise PermissionDenied("This link is not valid, or not any more.") from None
        except (Job.DoesNotExist, ServiceError):
            raise NotFound("The file is not kept any more.") from None
