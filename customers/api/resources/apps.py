"""The calling app, and the settings that it stores."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from customers.api.base import AdminApiViewSet
from customers.api.conditional import respond_if_modified
from customers.core.json_values import check_json
from oauth import partner_apps
from oauth.models import App
from oauth.permissions import TokenOfApp


class PublicAppSerializer(serializers.ModelSerializer):
    client_id = serializers.CharField(allow_null=True, required=False)
    settings = serializers.JSONField(allow_null=True, required=False)
    version = serializers.CharField(allow_null=True, required=False)
    created_at = serializers.DateTimeField(source="created", read_only=True)
    updated_at = serializers.DateTimeField(source="updated", read_only=True)

    class Meta:
        model = App
        fields = ("client_id", "name", "version", "settings", "created_at", "updated_at")
        extra_kwargs = {"name": {"required": True, "allow_blank": True}}


@extend_schema(
    tags=["apps"],
    parameters=[OpenApiParameter("clientId", {"type": ["string", "null"]}, OpenApiParameter.PATH)],
)
class AppViewSet(AdminApiViewSet):
    """The calling app."""

    permission_classes = [TokenOfApp]
    serializer_class = PublicAppSerializer
    app: App

    @extend_schema(summary="Retrieve the app itself", operation_id="appsRetrieve")
    def retrieve(self, request, clientId):
        return respond_if_modified(request, self.get_serializer(self.app).data)

    @extend_schema(
        summary="Retrieve the app's settings",
        description="Values that the app stores here. They are kept when the app is uninstalled.",
        operation_id="appsSettingsRetrieve",
        responses=OpenApiTypes.OBJECT,
    )
    def retrieve_settings(self, request, clientId):
        return Response(self.app.settings)

    @extend_schema(
        summary="Replace the app's settings",
        operation_id="appsSettingsUpdate",
        request=OpenApiTypes.OBJECT,
        responses=OpenApiTypes.OBJECT,
    )
    def replace_settings(self, request, clientId):
        return self.save_settings(keep_others=False)

    @extend_schema(
        summary="Change some of the app's settings",
        description="Settings that are left out stay unchanged.",
        operation_id="appsSettingsPartialUpdate",
        request=OpenApiTypes.OBJECT,
        responses=OpenApiTypes.OBJECT,
    )
    def change_settings(self, request, clientId):
        return self.save_settings(keep_others=True)

    @extend_schema(summary="Delete the app's settings", operation_id="appsSettingsDestroy", responses={204: None})
    def delete_settings(self, request, clientId):
        partner_apps.delete_settings(self.app.pk)
        return Response(status=204)

    def save_settings(self, *, keep_others: bool) -> Response:
        settings: Any = self.request.data
        if not isinstance(settings, dict):
            raise ValidationError({"settings": ["Enter an object."]})
        check_json(settings, "settings")
        return Response(partner_apps.save_settings(self.app.pk, settings, keep_others=keep_others))
