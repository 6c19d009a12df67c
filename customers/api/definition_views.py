"""What the store has laid down about metadata."""

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.filters import BaseFilterBackend
from rest_framework.response import Response

from customers.api.conditional import answer_if_new, answer_with_etag
from customers.api.filters import asked_of
from customers.api.idempotency import idempotent
from customers.api.pagination import KeysetPagination
from customers.api.serializers import SharedFieldsSerializer
from customers.api.views import AdminApiViewSet
from customers.metadata import services
from customers.metadata.models import MAX_NAME_LENGTH, Definition, Object, Type, Validation
from oauth.scopes import Scope


@extend_schema_field({"type": "boolean", "default": False})
class SwitchField(serializers.BooleanField):
    """The default is that of a new definition; an update that leaves it out changes nothing."""


class ValidationSerializer(serializers.Serializer):
    type = serializers.ChoiceField(Validation.values)
    value = serializers.CharField(help_text="A number, or for `accept_only_image` `true` or `false`, as a text.")

    class Meta:
        ref_name = "Validation"


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
    object = serializers.ChoiceField(
        Object.values, help_text="This store has customers; a definition for another object binds nothing here."
    )
    key = serializers.CharField(help_text="Letters, digits, `_`, `-` and `.`, a letter or `_` first.")
    name = serializers.CharField(max_length=MAX_NAME_LENGTH)
    type = serializers.ChoiceField(Type.values)
    validations = ValidationSerializer(many=True, required=False)
    enable_filter = SwitchField(required=False, help_text="The dashboard's list of customers can be filtered by it.")
    enable_export = SwitchField(required=False, help_text="It is a column of its own in exports.")

    class Meta:
        ref_name = "CreateDefinition"


class UpdateDefinitionSerializer(CreateDefinitionSerializer):
    key = None  # type: ignore[assignment]  # which takes a field away
    type = None  # type: ignore[assignment]  # the same

    class Meta:
        ref_name = "UpdateDefinition"


class DefinitionFilters(SharedFieldsSerializer):
    name = serializers.CharField(required=False, allow_blank=True, help_text="Part of the name, ignoring case.")
    object = serializers.ListField(child=serializers.ChoiceField(Object.values), required=False)
    metadata_key = serializers.CharField(required=False, allow_blank=True, help_text="The whole key.")
    type = serializers.ListField(child=serializers.ChoiceField(Type.values), required=False)
    enable_export = serializers.BooleanField(required=False)
    enable_filter = serializers.BooleanField(required=False)


LOOKUPS = {"name": "name__icontains", "object": "object__in", "metadata_key": "key", "type": "type__in"}


class DefinitionFilterBackend(BaseFilterBackend):
    def filter_queryset(self, request, queryset, view):
        asked = asked_of(request, DefinitionFilters)
        return queryset.filter(**{LOOKUPS.get(name, name): value for name, value in asked.items()})


@extend_schema(tags=["metadata"])
class DefinitionViewSet(AdminApiViewSet):
    """What values keys of metadata may have."""

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
    filter_backends = [DefinitionFilterBackend]
    pagination_class = KeysetPagination
    is_about_people = False

    @extend_schema(summary="List definitions of metadata", description="Newest first.", parameters=[DefinitionFilters])
    def list(self, request):
        return self.listed(self.filter_queryset(self.get_queryset()))

    @extend_schema(
        summary="Define a key of metadata",
        description="It binds what is written from then on; what customers have in their metadata stays.",
        request=CreateDefinitionSerializer,
        responses={201: DefinitionSerializer},
    )
    @idempotent
    def create(self, request):
        definition = services.create_definition(**self.sent(CreateDefinitionSerializer))
        return Response(self.get_serializer(definition).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Retrieve a definition")
    def retrieve(self, request, id):
        return answer_if_new(request, self.represent(id))

    @extend_schema(
        summary="Update a definition",
        description="Key and type are for ever. What is left out stays as it is.",
        request=UpdateDefinitionSerializer,
    )
    def update(self, request, id, partial=False):
        changes = self.sent(UpdateDefinitionSerializer, partial=partial)
        services.update_definition(id, precondition=self.precondition(id), **changes)
        return answer_with_etag(self.represent(id))

    @extend_schema(summary="Update parts of a definition", request=UpdateDefinitionSerializer)
    def partial_update(self, request, id):
        return self.update(request, id, partial=True)

    @extend_schema(summary="Delete a definition", description="What customers have in their metadata stays.")
    def destroy(self, request, id):
        services.delete_definition(id)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def sent(self, serializer_class, **options) -> dict:
        serializer = serializer_class(data=self.request.data, **options)
        serializer.is_valid(raise_exception=True)
        changes = dict(serializer.validated_data)
        if "validations" in changes:
            changes["validations"] = [dict(each) for each in changes["validations"]]
        return changes
