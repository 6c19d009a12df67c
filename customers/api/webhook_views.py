"""Webhooks on the wire."""

from typing import cast

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.filters import BaseFilterBackend
from rest_framework.response import Response

from customers.api.conditional import answer_if_new, answer_with_etag
from customers.api.filters import asked_of
from customers.api.idempotency import idempotent
from customers.api.pagination import KeysetPagination
from customers.api.serializers import TagsField
from customers.api.views import AdminApiViewSet
from customers.webhooks import services
from customers.webhooks.models import Webhook
from oauth.models import App
from oauth.scopes import Scope


class WebhookSerializer(serializers.Serializer):
    id = serializers.IntegerField(read_only=True)
    active = serializers.BooleanField(required=False)
    api_version = serializers.CharField(
        required=False, allow_null=True, help_text="Of the data in the events; the request's, if it is left out."
    )
    events = TagsField(help_text="`customer.created`, … Those that this store does not know never fire.")
    name = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    secret_key = serializers.CharField(
        required=False, allow_null=True, help_text="Signs what is sent. One is made, if it is left out."
    )
    target = serializers.URLField(max_length=255, help_text="Where events are posted to.")
    warning_count = serializers.IntegerField(
        read_only=True, help_text="Of the receiver's failing, by mail to the staff."
    )
    next_check_date = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="Before it, nothing is sent, since the receiver failed."
    )
    created_at = serializers.DateTimeField(read_only=True)
    updated_at = serializers.DateTimeField(read_only=True)

    class Meta:
        ref_name = "Webhook"


@extend_schema_field({"type": "array", "items": {"type": "integer"}})
class EventNames(serializers.ListField):
    """Published as numbers, on the platform, too; names are what is meant, also with commas between them."""

    child = serializers.CharField()

    def to_internal_value(self, data):
        return super().to_internal_value([name for text in data for name in text.split(",") if name])


class WebhookFilters(serializers.Serializer):
    name = serializers.CharField(required=False, allow_blank=True, help_text="A part of it.")
    events = EventNames(required=False, help_text="Names of events; webhooks that have one of them.")
    active = serializers.BooleanField(required=False)


class WebhookFilterBackend(BaseFilterBackend):
    def filter_queryset(self, request, queryset, view):
        asked = asked_of(request, WebhookFilters)
        if name := asked.get("name"):
            queryset = queryset.filter(name__icontains=name)
        if "active" in asked:
            queryset = queryset.filter(active=asked["active"])
        return queryset.subscribed_to(names) if (names := asked.get("events")) else queryset


@extend_schema(tags=["webhooks"])
class WebhookViewSet(AdminApiViewSet):
    """Where events are sent. An app sees its own webhooks, a personal token all of the store."""

    required_scopes = {
        "list": Scope.WEBHOOKS_READ,
        "create": Scope.WEBHOOKS_WRITE,
        "retrieve": Scope.WEBHOOKS_READ,
        "update": Scope.WEBHOOKS_WRITE,
        "partial_update": Scope.WEBHOOKS_WRITE,
        "destroy": Scope.WEBHOOKS_WRITE,
    }
    queryset = Webhook.objects.all()
    serializer_class = WebhookSerializer
    filter_backends = [WebhookFilterBackend]
    pagination_class = KeysetPagination
    answers_are_secret = True
    is_about_people = False

    def get_queryset(self):
        return Webhook.objects.filter(App.visible_to(cast(int, self.actor.app_id)))

    @extend_schema(
        summary="List webhooks",
        description="Newest first. Unknown parameters are ignored.",
        parameters=[WebhookFilters],
    )
    def list(self, request):
        return self.listed(self.filter_queryset(self.get_queryset()))

    @extend_schema(
        summary="Create a webhook",
        description="It belongs to the app that asks, and is told of what happens from now on.",
    )
    @idempotent
    def create(self, request):
        fields = self.validated()
        fields["api_version"] = fields.get("api_version") or request.version
        webhook = services.create_webhook(app_id=self.actor.app_id, **fields)
        return Response(self.get_serializer(webhook).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Retrieve a webhook")
    def retrieve(self, request, id):
        return answer_if_new(request, self.represent(id))

    @extend_schema(
        summary="Update a webhook",
        description="What is left out stays as it is. Switched on again, it starts without warnings.",
    )
    def update(self, request, id, partial=False):
        changes = self.validated(partial=partial)
        if not changes.get("api_version"):
            changes.pop("api_version", None)
        self.get_queryset().get(pk=id)
        services.update_webhook(id, precondition=self.precondition(id), **changes)
        return answer_with_etag(self.represent(id))

    @extend_schema(summary="Update parts of a webhook")
    def partial_update(self, request, id):
        return self.update(request, id, partial=True)

    @extend_schema(summary="Delete a webhook", description="With the log of its deliveries.")
    def destroy(self, request, id):
        self.get_queryset().get(pk=id)
        services.delete_webhook(id)
        return Response(status=status.HTTP_204_NO_CONTENT)
