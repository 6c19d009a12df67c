"""The customers section of the Admin API."""

from collections.abc import Callable
from typing import cast

from drf_spectacular.utils import extend_schema
from rest_framework import status, viewsets
from rest_framework.exceptions import NotFound
from rest_framework.response import Response
from rest_framework.views import APIView

from customers import services
from customers.api import errors, serializers
from customers.api.conditional import answer_if_new, answer_with_etag, require_match
from customers.api.filters import UserFilterBackend, UserFilters
from customers.api.idempotency import idempotent
from customers.api.pagination import KeysetPagination, NotePagination, UserPagination
from customers.api.parsers import FormParser, JSONParser, MultiPartParser
from customers.api.renderers import JSONNegotiation, JSONRenderer
from customers.api.schema import AdminApiSchema
from customers.api.throttling import TokenRateThrottle
from customers.api.versioning import HEADER, VERSIONS, HeaderVersioning, named_version
from customers.core.http.body_limits import check_content_length
from customers.models import Address, Note, User
from oauth import api_usage, tokens
from oauth.actor import Actor
from oauth.authentication import BearerAuthentication
from oauth.permissions import TokenHasActionScope
from oauth.scopes import Scope


class AdminApiView(APIView):
    """What holds for every path under `/api/admin/`."""

    authentication_classes = [BearerAuthentication]
    parser_classes = [JSONParser, FormParser, MultiPartParser]
    renderer_classes = [JSONRenderer]
    content_negotiation_class = JSONNegotiation
    versioning_class = HeaderVersioning
    schema = AdminApiSchema()

    def get_exception_handler(self):
        return errors.exception_handler

    def initial(self, request, *args, **kwargs):
        super().initial(request, *args, **kwargs)
        check_content_length(request.META)
        if request.auth:
            tokens.record_use(request.auth, version=request.version, meta=request.META)
            api_usage.count_call(request.auth.app_id)

    def finalize_response(self, request, response, *args, **kwargs):
        response = super().finalize_response(request, response, *args, **kwargs)
        version = getattr(request, "version", None) or named_version(request)
        if version in VERSIONS:
            response.headers[HEADER] = version
        if rate_limit := getattr(request, "rate_limit", None):
            rate_limit.set_headers(response)
        return response


class UnknownPath(AdminApiView):
    """JSON for whatever is not there."""

    permission_classes = []
    authentication_classes = []
    schema = None  # type: ignore[assignment]  # not in the document

    def initial(self, request, *args, **kwargs):
        super().initial(request, *args, **kwargs)
        raise NotFound


class AdminApiViewSet(AdminApiView, viewsets.GenericViewSet):
    permission_classes = [TokenHasActionScope]
    throttle_classes = [TokenRateThrottle]
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    required_scopes: dict[str, Scope] = {}
    lookup_url_kwarg = "id"
    # Whether an id in an answer or a path is a person's, with whom the remembered answer is erased.
    is_about_people = True
    # Of POST: they are remembered encrypted.
    answers_are_secret = False

    @property
    def actor(self) -> Actor:
        bearer = cast(tokens.Bearer, self.request.auth)
        return Actor(user_id=bearer.user_id, app_id=bearer.app_id)

    def validated(self, **options) -> dict:
        serializer = self.get_serializer(data=self.request.data, **options)
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data

    def represent(self, id: int) -> dict:
        """What is stored, as it is shown. Raises ObjectDoesNotExist."""
        return self.get_serializer(self.get_queryset().get(pk=id)).data

    def precondition(self, id: int) -> Callable[[], None] | None:
        """For the service to ask once nobody else can change the object: does `If-Match` hold?"""
        if "HTTP_IF_MATCH" not in self.request.META:
            return None
        return lambda: require_match(self.request, self.represent(id))

    def listed(self, queryset):
        page = self.paginate_queryset(queryset)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


@extend_schema(tags=["customers"])
class UserViewSet(AdminApiViewSet):
    """The people the store knows."""

    required_scopes = {
        "list": Scope.USERS_READ,
        "create": Scope.USERS_WRITE,
        "retrieve": Scope.USERS_READ,
        "update": Scope.USERS_WRITE,
        "partial_update": Scope.USERS_WRITE,
    }
    queryset = User.objects.all()
    serializer_class = serializers.UserSerializer
    filter_backends = [UserFilterBackend]
    pagination_class = UserPagination

    def get_serializer_class(self):
        is_update = self.action in ("update", "partial_update")
        return serializers.UpdateUserSerializer if is_update else serializers.UserSerializer

    @extend_schema(
        summary="List customers", description="Newest first. Unknown parameters are ignored.", parameters=[UserFilters]
    )
    def list(self, request):
        rows = self.paginate_queryset(self.filter_queryset(self.queryset)) or []
        return self.get_paginated_response([serializers.shown(row) for row in serializers.with_addresses(rows)])

    @extend_schema(
        summary="Create a customer",
        description=(
            "With any number of addresses. The first one becomes the default for shipping and billing unless another "
            "asks to be, and fills an empty name or phone number."
        ),
    )
    @idempotent
    def create(self, request):
        user = services.create_user(by=self.actor, **self.validated())
        return Response(serializers.shown(serializers.row_of(user)), status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Retrieve a customer", description="The `ETag` of the answer serves `If-None-Match` and `If-Match`."
    )
    def retrieve(self, request, id):
        return answer_if_new(request, self.represent(id))

    @extend_schema(
        summary="Update a customer",
        description="What is left out stays as it is. With `If-Match`, only if nobody changed the customer since.",
        responses=serializers.UserSerializer,
    )
    def update(self, request, id, partial=False):
        changes = self.validated(partial=partial)
        services.update_user(id, by=self.actor, precondition=self.precondition(id), **changes)
        return answer_with_etag(self.represent(id))

    @extend_schema(summary="Update parts of a customer", responses=serializers.UserSerializer)
    def partial_update(self, request, id):
        return self.update(request, id, partial=True)

    def represent(self, id: int) -> dict:
        rows = serializers.users_with_ids(id)
        if not rows:
            raise NotFound
        return serializers.shown(serializers.with_addresses(rows)[0])


class OfUserViewSet(AdminApiViewSet):
    """Something that belongs to one user, and is not found through another."""

    def get_queryset(self):
        return super().get_queryset().filter(user_id=self.kwargs["id"])

    def list(self, request, id):
        page = self.listed(self.get_queryset())
        if not page.data["results"] and not User.objects.filter(pk=id).exists():
            raise NotFound
        return page


@extend_schema(tags=["customers"])
class AddressViewSet(OfUserViewSet):
    """Where a customer is delivered to and billed."""

    required_scopes = {
        "list": Scope.USERS_READ,
        "create": Scope.USERS_WRITE,
        "retrieve": Scope.USERS_READ,
        "update": Scope.USERS_WRITE,
        "destroy": Scope.USERS_WRITE,
    }
    queryset = Address.objects.all()
    serializer_class = serializers.AddressSerializer
    pagination_class = KeysetPagination
    lookup_url_kwarg = "addressId"

    @extend_schema(summary="List a customer's addresses", description="Newest first.")
    def list(self, request, id):
        return super().list(request, id)

    @extend_schema(summary="Add an address", description="A new default takes over from the former one.")
    @idempotent
    def create(self, request, id):
        address = services.add_address(id, by=self.actor, **self.validated())
        return Response(self.get_serializer(address).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Retrieve an address")
    def retrieve(self, request, id, addressId):
        return answer_if_new(request, self.represent(addressId))

    @extend_schema(summary="Update an address", description="With `If-Match`, only if nobody changed it since.")
    def update(self, request, id, addressId):
        changes = self.validated()
        services.update_address(id, addressId, by=self.actor, precondition=self.precondition(addressId), **changes)
        return answer_with_etag(self.represent(addressId))

    @extend_schema(summary="Delete an address")
    def destroy(self, request, id, addressId):
        services.delete_address(id, addressId, by=self.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema(tags=["customers"])
class NoteViewSet(OfUserViewSet):
    """What apps and staff wrote about a customer."""

    required_scopes = {"list": Scope.USERS_READ, "create": Scope.USERS_WRITE}
    queryset = Note.objects.select_related("app", "author")
    pagination_class = NotePagination

    def get_serializer_class(self):
        return serializers.CreateNoteSerializer if self.action == "create" else serializers.NoteSerializer

    @extend_schema(summary="List the notes on a customer", description="Newest first.")
    def list(self, request, id):
        return super().list(request, id)

    @extend_schema(
        summary="Write a note",
        description="As the app that calls and the person behind its token.",
        responses={200: serializers.NoteSerializer},
    )
    @idempotent
    def create(self, request, id):
        note = services.add_note(id, by=self.actor, **self.validated())
        note = self.queryset.get(pk=note.pk)
        return Response(serializers.NoteSerializer(note).data)
