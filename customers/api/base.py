"""The base classes of all views of the Admin API."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from rest_framework import viewsets
from rest_framework.exceptions import NotFound, ParseError
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer, Serializer
from rest_framework.views import APIView

from customers.api import errors
from customers.api.conditional import require_match
from customers.api.fields import SharedFieldsSerializer
from customers.api.openapi import AdminApiSchema
from customers.api.parsers import FormParser, JSONParser, MultiPartParser
from customers.api.renderers import JSONNegotiation, JSONRenderer
from customers.api.throttling import CountingAuthentication, TokenRateThrottle
from customers.api.versioning import HEADER, VERSIONS, HeaderVersioning, version_in_header
from customers.core.http.headers import set_headers
from customers.models import User
from oauth import api_usage, replica, tokens
from oauth.actor import Actor, client_ip
from oauth.models import ApiVersion
from oauth.permissions import TokenHasActionScope
from oauth.scopes import Scope
from oauth.text import is_encoded


class AdminApiView(APIView):
    """A view of any path under `/api/admin/`."""

    authentication_classes = [CountingAuthentication]
    parser_classes = [JSONParser, FormParser, MultiPartParser]
    renderer_classes = [JSONRenderer]
    content_negotiation_class = JSONNegotiation
    versioning_class = HeaderVersioning
    schema: Any = AdminApiSchema()  # None: the OpenAPI documents leave the view out

    @property
    def required_scope(self) -> Scope | None:
        """The scope that the request needs. None if the view does not decide by a scope."""
        return None

    def get_exception_handler(self):
        return errors.exception_handler

    def initialize_request(self, request, *args, **kwargs):
        """Django's attributes that are read most become those of DRF's request, whose method for them takes 0.5 µs."""
        initialized = super().initialize_request(request, *args, **kwargs)
        vars(initialized).update(META=request.META, method=request.method)
        return initialized

    def dispatch(self, request, *args, **kwargs):
        """Ends the references by which the view, the request and the answer hold one another. Otherwise they stay in
        memory until Python's garbage collector finds them: a tenth of the CPU time of a request."""
        response = super().dispatch(request, *args, **kwargs)
        if isinstance(response, Response):
            response.render()
            vars(response)["renderer_context"].clear()  # an attribute that DRF's types do not have
        self.request.parser_context.clear()
        vars(self).clear()
        return response

    def initial(self, request, *args, **kwargs):
        super().initial(request, *args, **kwargs)
        if not is_encoded(request.META.get("QUERY_STRING", "")):
            raise ParseError("The query string is not UTF-8.")
        if bearer := request.auth:
            tokens.record_use(bearer, version=request.version, meta=request.META)
            api_usage.count_call(bearer.app_id)
            if replica.IS_CONFIGURED:
                self.answer_by_replica(request)

    def answer_by_replica(self, request) -> None:
        """Replaces the handler, which DRF calls next."""
        name, bearer = request.method.lower(), request.auth
        handler = getattr(self, name, self.http_method_not_allowed)

        def answer(*args, **kwargs):
            return replica.answer(
                lambda: handler(*args, **kwargs),
                method=request.method,
                app_id=bearer.app_id,
                needed_lsn=bearer.needed_lsn,
                missing=(NotFound,),
            )

        setattr(self, name, answer)

    def finalize_response(self, request, response, *args, **kwargs):
        response = super().finalize_response(request, response, *args, **kwargs)
        version = getattr(request, "version", None) or version_in_header(request)
        if version in VERSIONS:
            set_headers(response, {HEADER: version})
        if rate_limit := getattr(request, "rate_limit", None):
            rate_limit.set_headers(response)
        return response


class NotFoundView(AdminApiView):
    """404 in JSON for every unknown path."""

    permission_classes = []
    authentication_classes = []
    schema = None

    def initial(self, request, *args, **kwargs):
        super().initial(request, *args, **kwargs)
        raise NotFound


class AdminApiViewSet(AdminApiView, viewsets.GenericViewSet):
    """A resource. The token needs the scope that `required_scopes` names for the action."""

    permission_classes = [TokenHasActionScope]
    throttle_classes = [TokenRateThrottle]
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    required_scopes: dict[str, Scope] = {}
    lookup_url_kwarg = "id"
    # See `filters.FilterBackend`.
    filter_parameters: type[SharedFieldsSerializer]
    filter_lookups: Mapping[str, str | Callable[[Any, Any], Any]] = {}
    # Whether the `id` of the path or of an answer is a customer's.
    is_about_customers = True
    # Whether the stored answers to POST are encrypted.
    has_secret_answers = False

    @property
    def required_scope(self):
        return self.required_scopes.get(self.action) if self.action else None

    @property
    def actor(self) -> Actor:
        bearer = cast(tokens.Bearer, self.request.auth)
        return Actor(user_id=bearer.user_id, app_id=bearer.app_id, ip=client_ip(self.request.META))

    def customer_in(self, answer: Any) -> int | None:
        """The id of the customer in the answer to a POST. Stored answers are erased with their customer."""
        return (self.kwargs.get("id") or answer.get("id")) if self.is_about_customers else None

    @property
    def app_id(self) -> int:
        """The app that the token was issued to."""
        return cast(tokens.Bearer, self.request.auth).app_id

    def validated(self, **options) -> dict:
        """The request's body, validated by the serializer of the action. Raises ValidationError."""
        return self.validated_with(self.get_serializer_class(), **options)

    def validated_with(self, serializer_class: type[BaseSerializer], **options) -> dict:
        if issubclass(serializer_class, SharedFieldsSerializer) and self.request.data is not None:
            return serializer_class.shared(**options).run_validation(self.request.data)
        # Also the body `null`: DRF's message for it comes from `is_valid`.
        serializer = serializer_class(data=self.request.data, context=self.get_serializer_context(), **options)
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data

    def represent(self, id: int) -> dict:
        """The representation of a stored object. Raises ObjectDoesNotExist."""
        return self.get_serializer(self.get_queryset().get(pk=id)).data

    def precondition(self, id: int) -> Callable[[Any], None] | None:
        """A check of `If-Match`, or None without that header. A service calls it with the object that it has locked."""
        if "HTTP_IF_MATCH" not in self.request.META:
            return None
        return lambda locked: require_match(self.request, self.represent(id))

    def paginated(self, queryset) -> Response:
        page = self.paginate_queryset(queryset)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class UserNestedViewSet(AdminApiViewSet):
    """Objects that belong to the user in the path. They are not found under another user."""

    def get_queryset(self):
        return super().get_queryset().filter(user_id=self.kwargs["id"])

    def list(self, request, id):
        page = self.paginated(self.get_queryset())
        if not page.data["results"] and not User.objects.filter(pk=id).exists():
            raise NotFound
        return page


class VersionedViewSet(AdminApiViewSet):
    """A resource whose serializers differ in the version 2023-02-10.

    `serializers` has one for each action, and `serializers_2023_02_10` those of that version.
    """

    serializers: Mapping[str, type[Serializer]]
    serializers_2023_02_10: Mapping[str, type[Serializer]]
    # The generator of the OpenAPI documents sets it. It has no request.
    api_version: str | None = None

    def get_serializer_class(self):
        is_oldest = (self.api_version or self.request.version) == ApiVersion.V2023_02_10
        return (self.serializers_2023_02_10 if is_oldest else self.serializers)[self.action]


class CustomerInlineViewSet(VersionedViewSet):
    """Objects that show their customer in `user`."""

    def customer_in(self, answer):
        user = answer.get("user")
        return user["id"] if isinstance(user, dict) and "id" in user else None


class UserBareListViewSet(VersionedViewSet):
    """Orders or subscriptions of the user in the path: all of them in a bare array, newest first.

    A subclass has one action, which is not named `list`: the document would publish a list of its entries otherwise.
    """

    DESCRIPTION = (
        "Newest first, all of them in a bare array. The published schema is that of an entry, as on the platform."
    )

    def bare_list(self, user_id: int) -> Response:
        documents: Any = self.get_queryset().filter(user_id=user_id)
        rows = list(documents.newest_first())
        if not rows and not User.objects.filter(pk=user_id).exists():
            raise NotFound
        return Response(self.get_serializer(rows, many=True).data)
