"""Definitions of metadata."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response

from customers.api.base import AdminApiViewSet
from customers.api.conditional import respond_if_modified, respond_with_etag
from customers.api.fields import BoundedListField, BoundedListSerializer, FalseByDefaultField, SharedFieldsSerializer
from customers.api.filters import FilterBackend, filter_by_name
from customers.api.idempotency import idempotent
from customers.api.pagination import KeysetPagination
from customers.metadata import services
from customers.metadata.models import MAX_NAME_LENGTH, Definition, Object, Type, Validation
from oauth.scopes import Scope


class ValidationSerializer(serializers.Serializer):
    type = serializers.ChoiceField(Validation.values)
    value = serializers.CharField(
        allow_blank=True, help_text="A number, or for `accept_only_image` `true` or `false`, as a text."
    )

    class Meta:
        ref_name = "Validation"
        list_serializer_class = BoundedListSerializer


class DefinitionSerializer(serializers.ModelSerializer):
    object = serializers.ChoiceField(Object.values)
    key = serializers.CharField()
    type = serializers.ChoiceField(Type.values)
    enable_export = serializers.BooleanField(required=False)
    enable_filter = serializers.BooleanField(required=False)
    validations = ValidationSerializer(many=True, read_only=True)

    class Meta:
        model = Definition
        fields = (
            "id", "object", "key", "name", "type", "validations", "enable_filter", "enable_export", "created_at",
            "updated_at",
        )  # fmt: skip


class CreateDefinitionSerializer(SharedFieldsSerializer):
    object = serializers.ChoiceField(Object.values, help_text="This store enforces the definitions for customers only.")
    key = serializers.CharField(help_text="Letters, digits, `_`, `-` and `.`, a letter or `_` first.")
    name = serializers.CharField(max_length=MAX_NAME_LENGTH)
    type = serializers.ChoiceField(Type.values)
    validations = ValidationSerializer(many=True, required=False)
    enable_filter = FalseByDefaultField(
        required=False, help_text="Makes a filter of the dashboard's list of customers."
    )
    enable_export = FalseByDefaultField(required=False, help_text="Makes a column in exports.")

    class Meta:
        ref_name = "CreateDefinition"


class UpdateDefinitionSerializer(CreateDefinitionSerializer):
    """The fields of a new definition, except those that can't be changed."""

    class Meta:
        ref_name = "UpdateDefinition"

    def get_fields(self):
        return {name: field for name, field in super().get_fields().items() if name not in ("key", "type")}


class DefinitionFilters(SharedFieldsSerializer):
    name = serializers.CharField(required=False, allow_blank=True, help_text="Part of the name, ignoring case.")
    object = BoundedListField(child=serializers.ChoiceField(Object.values), required=False)
    metadata_key = serializers.CharField(required=False, allow_blank=True, help_text="The whole key.")
    type = BoundedListField(child=serializers.ChoiceField(Type.values), required=False)
    enable_export = serializers.BooleanField(required=False)
    enable_filter = serializers.BooleanField(required=False)


@extend_schema(tags=["metadata"])
class DefinitionViewSet(AdminApiViewSet):
    """The values that keys of metadata may have."""

    required_scopes = {
        "list": Scope.METADATA_READ,
        "create": Scope.METADATA_WRITE,
        "retrieve": Scope.METADATA_READ,
        "update": Scope.METADATA_WRITE,
        "partial_update": Scope.METADATA_WRITE,
        "destroy": Scope.METADATA_WRITE,
    }
    queryset = Definition.objects.all()
    serializer_class = DefinitionSerializer
    filter_backends = [FilterBackend]
    filter_parameters = DefinitionFilters
    filter_lookups = {"name": filter_by_name, "object": "object__in", "metadata_key": "key", "type": "type__in"}
    pagination_class = KeysetPagination
    is_about_customers = False

    @extend_schema(summary="List definitions of metadata", description="Newest first.", parameters=[DefinitionFilters])
    def list(self, request):
        return self.paginated(self.filter_queryset(self.get_queryset()))

    @extend_schema(
        summary="Define a key of metadata",
        description="It applies to metadata that is written from now on. Existing metadata stays unchanged.",
        request=CreateDefinitionSerializer,
        responses={201: DefinitionSerializer},
    )
    @idempotent
    def create(self, request):
        definition = services.create_definition(**self.validated_with(CreateDefinitionSerializer))
        return Response(self.get_serializer(definition).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Retrieve a definition")
    def retrieve(self, request, id):
        return respond_if_modified(request, self.represent(id))

    @extend_schema(
        summary="Update a definition",
        description="Key and type can't be changed. Fields that are left out stay unchanged.",
        request=UpdateDefinitionSerializer,
    )
    def update(self, request, id, partial=False):
        changes = self.validated_with(UpdateDefinitionSerializer, partial=partial)
        services.update_definition(id, precondition=self.precondition(id), **changes)
        return respond_with_etag(self.represent(id))

    @extend_schema(summary="Update parts of a definition", request=UpdateDefinitionSerializer)
    def partial_update(self, request, id):
        return self.update(request, id, partial=True)

    @extend_schema(summary="Delete a definition", description="Existing metadata stays unchanged.")
    def destroy(self, request, id):
        services.delete_definition(id)
        return Response(status=status.HTTP_204_NO_CONTENT)
