"""Exports: files that a worker writes. A link downloads a file without a token for an hour."""

from dataclasses import replace
from datetime import UTC

from django.db import models
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.response import Response

from customers.api.base import AdminApiView, AdminApiViewSet
from customers.api.conditional import respond_if_modified
from customers.api.errors import ExportFailed, ExportPending
from customers.api.fields import SharedFieldsSerializer
from customers.api.filters import FilterBackend
from customers.api.idempotency import idempotent
from customers.api.pagination import KeysetPagination
from customers.api.resources.users import customer_filters
from customers.core.dates import within_days
from customers.core.retention import kept_for
from customers.jobs import runner
from customers.jobs.exports import downloads
from customers.jobs.exports import services as exports
from customers.jobs.exports.parts import EXPORT
from customers.jobs.models import Job
from oauth.actor import client_ip
from oauth.scopes import Scope
from oauth.store import store_origin


class ExportType(models.TextChoices):
    """The types of the platform. This store has exports of the types that have a label here."""

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


class ExportStatus(models.TextChoices):
    AVAILABLE = "available"
    PENDING = "pending"


class UTCDateTimeField(serializers.DateTimeField):
    """Converts to UTC. Refuses a time that UTC's calendar can't hold."""

    def to_internal_value(self, value):
        try:
            return super().to_internal_value(value).astimezone(UTC)
        except OverflowError:
            self.fail("overflow")


class CreateExportSerializer(serializers.Serializer):
    date_from = UTCDateTimeField(help_text="Customers who joined at this time or later.")
    date_to = UTCDateTimeField(help_text="Customers who joined at this time or earlier.")
    type = serializers.ChoiceField(ExportType.values, help_text="This store has `customer_list` only.")

    class Meta:
        ref_name = "CreateExport"

    def validate_type(self, value):
        if value != ExportType.CUSTOMER_LIST:
            raise ValidationError(f"This store has no exports of this type. It makes {ExportType.CUSTOMER_LIST}.")
        return value


class ExportSerializer(serializers.Serializer):
    id = serializers.IntegerField(read_only=True)
    type = serializers.ChoiceField(ExportType.values, read_only=True)
    status = serializers.ChoiceField(
        ExportStatus.values, required=False, help_text="`pending` until the file is ready."
    )
    date_from = serializers.DateTimeField(
        required=False,
        allow_null=True,
        help_text="Null for an export that was started in the dashboard, and so is `date_to`.",
    )
    date_to = serializers.DateTimeField(required=False, allow_null=True)
    url = serializers.URLField(
        read_only=True, help_text="The URL of this export. `download/` behind it answers with a download link."
    )
    created_at = serializers.DateTimeField(read_only=True)

    class Meta:
        ref_name = "Export"

    def to_representation(self, job):
        options = EXPORT.options_of(job)
        path = reverse("admin_api:export", args=[job.pk])
        return super().to_representation(
            {
                "id": job.pk,
                "type": ExportType.CUSTOMER_LIST,
                "status": ExportStatus.AVAILABLE if job.finished_at else ExportStatus.PENDING,
                "date_from": parse_datetime(options.date_from),
                "date_to": parse_datetime(options.date_to),
                # Of the host that the export was requested from. Webhooks contain the same URL.
                "url": options.origin + path,
                "created_at": job.created_at,
            }
        )


class ExportDownloadSerializer(serializers.Serializer):
    url = serializers.URLField(
        read_only=True,
        help_text="It needs no token. It is valid for an hour, or until the token that asked for it ends.",
    )

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


@extend_schema_field({"type": "string", "enum": ExportType.values})
class TypeParameterField(serializers.ChoiceField):
    """It may also be empty, which the document does not say."""


class ExportFilters(SharedFieldsSerializer):
    type = TypeParameterField(ExportType.values, required=False, allow_blank=True)
    date_created_from = serializers.DateField(required=False, help_text="First day, in the store's time zone.")
    date_created_to = serializers.DateField(required=False, help_text="Last day, included.")


def _filter_by_type(queryset, type: str):
    return queryset if type == ExportType.CUSTOMER_LIST else queryset.none()


@extend_schema(tags=["exports"])
class ExportViewSet(AdminApiViewSet):
    """Files of customers. An app sees its own exports. A personal token sees all exports of the store."""

    required_scopes = {
        "list": Scope.EXPORTS_READ,
        "create": Scope.EXPORTS_WRITE,
        "types": Scope.EXPORTS_READ,
        "retrieve": Scope.EXPORTS_READ,
        "download": Scope.EXPORTS_READ,
    }
    serializer_class = ExportSerializer
    filter_backends = [FilterBackend]
    filter_parameters = ExportFilters
    filter_lookups = {
        "type": _filter_by_type,
        "date_created_from": lambda exports, day: within_days(exports, "created_at", day, None),
        "date_created_to": lambda exports, day: within_days(exports, "created_at", None, day),
    }
    pagination_class = KeysetPagination
    is_about_customers = False

    def get_queryset(self):
        return exports.visible_to(self.app_id)

    @extend_schema(
        summary="List exports",
        description="Newest first. Unknown parameters are ignored.",
        parameters=[ExportFilters],
    )
    def list(self, request):
        return self.paginated(self.filter_queryset(self.get_queryset()))

    @extend_schema(
        summary="Export customers",
        description=(
            "To a CSV file of any length. The filters of the list of customers (`user_type`, `language`, `name`, …) "
            "filter the export, too. It is `pending` until a worker has written the file. Then the event "
            f"`export.created` is sent. The file is deleted after {kept_for('files')}, or earlier if a customer is "
            "erased. Then the export is not found any more."
        ),
        request=CreateExportSerializer,
        responses={201: ExportSerializer},
    )
    @idempotent
    def create(self, request):
        fields = self.validated_with(CreateExportSerializer)
        job = exports.request(
            customer_filters(request),
            date_from=fields["date_from"],
            date_to=fields["date_to"],
            by=self.actor,
            origin=store_origin(request),
        )
        return Response(self.get_serializer(job).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="List the types of exports", responses=ExportTypesSerializer, filters=False)
    def types(self, request):
        customers = {"code": ExportType.CUSTOMER_LIST.value, "name": ExportType.CUSTOMER_LIST.label}
        return Response({"types": [customers]})

    @extend_schema(summary="Retrieve an export")
    def retrieve(self, request, id):
        return respond_if_modified(request, self.represent(id))

    @extend_schema(
        summary="Retrieve a link to the file of an export",
        description="A CSV file, unless the dashboard exported another format.",
        responses=ExportDownloadSerializer,
    )
    def download(self, request, id):
        job = self.get_queryset().get(pk=id)
        if job.failures >= runner.MAX_FAILURES:
            raise ExportFailed
        if not job.finished_at:
            raise ExportPending
        link = downloads.sign_link(job, token_id=request.auth.token_id)
        url = request.build_absolute_uri(reverse("admin_api:export-file", args=[link]))
        return Response({"url": url}, headers={"Cache-Control": "no-store"})


class ExportFileView(AdminApiView):
    """Downloads the file of a link. It is not a part of the published API."""

    authentication_classes = []
    permission_classes = []
    schema = None

    def get(self, request, link):
        try:
            job, actor = downloads.find_by_link(link)
            return downloads.response(job, by=replace(actor, ip=client_ip(request.META)))
        except (Job.DoesNotExist, runner.FileDeleted):
            raise NotFound("The file is not kept any more.") from None
