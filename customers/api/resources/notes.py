"""Notes on a customer."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from customers import services
from customers.api.base import UserNestedViewSet
from customers.api.fields import LongTextField
from customers.api.idempotency import idempotent
from customers.api.pagination import KeysetPagination
from customers.limits import MAX_NOTE_LENGTH
from customers.models import Note
from oauth.scopes import Scope


class NoteAppSerializer(serializers.Serializer):
    name = serializers.CharField(max_length=255, required=False)
    client_id = serializers.CharField(max_length=100, required=False)

    class Meta:
        ref_name = "OAuthApp"

    def to_representation(self, instance):
        return {"name": instance.name, "client_id": instance.client_id}


class AuthorSerializer(serializers.Serializer):
    id = serializers.IntegerField(read_only=True)
    email = serializers.EmailField(allow_null=True, required=False)
    first_name = serializers.CharField(max_length=255, required=False)
    last_name = serializers.CharField(max_length=255, required=False)

    class Meta:
        ref_name = "Author"


class NoteSerializer(serializers.Serializer):
    id = serializers.IntegerField(read_only=True)
    message = serializers.CharField()
    app = NoteAppSerializer(help_text="Empty for a note that was written in the dashboard.")
    author = AuthorSerializer()
    created_at = serializers.DateTimeField(read_only=True)
    updated_at = serializers.DateTimeField(read_only=True)

    class Meta:
        ref_name = "UserNote"

    def to_representation(self, instance):
        representation = super().to_representation(instance)
        return {**representation, "app": representation["app"] or {}}


class CreateNoteSerializer(serializers.Serializer):
    message = LongTextField(longest=MAX_NOTE_LENGTH)

    class Meta:
        ref_name = "CreateUserNote"


class NotePagination(KeysetPagination):
    keys = ("created_at", "id")


@extend_schema(tags=["customers"])
class NoteViewSet(UserNestedViewSet):
    """Notes on a customer by apps and staff."""

    required_scopes = {"list": Scope.USERS_READ, "create": Scope.USERS_WRITE}
    queryset = Note.objects.select_related("app", "author").only(
        *(name for name in NoteSerializer._declared_fields if name not in ("app", "author")),
        *(f"app__{name}" for name in NoteAppSerializer._declared_fields),
        *(f"author__{name}" for name in AuthorSerializer._declared_fields),
    )
    pagination_class = NotePagination

    def get_serializer_class(self):
        return CreateNoteSerializer if self.action == "create" else NoteSerializer

    @extend_schema(summary="List the notes on a customer", description="Newest first.")
    def list(self, request, id):
        return super().list(request, id)

    @extend_schema(
        summary="Write a note",
        description="The note is signed by the calling app and the owner of its token.",
        responses={200: NoteSerializer},
    )
    @idempotent
    def create(self, request, id):
        note = services.add_note(id, by=self.actor, **self.validated())
        note = self.queryset.get(pk=note.pk)
        return Response(NoteSerializer(note).data)
