"""Create or update a customer in one request, or many of them."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers, status
from rest_framework.exceptions import APIException
from rest_framework.response import Response

from customers import upserts
from customers.api.base import AdminApiViewSet
from customers.api.conditional import respond_with_etag
from customers.api.errors import from_service_error
from customers.api.fields import SharedFieldsSerializer, check_list_length
from customers.api.idempotency import idempotent
from customers.api.resources.users import UserRepresentation, UserSerializer
from customers.upserts import Conditions, Outcome, Upserted
from oauth.errors import ServiceError
from oauth.scopes import Scope

IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match", str, OpenApiParameter.HEADER, description="`*` only creates: 412 if the customer exists."
)
DESCRIPTION = (
    "201 if the customer is new, 200 if it existed. Fields that are left out stay unchanged. Addresses count for a new "
    "customer only. With `If-Match`, an update fails with 412 if somebody else has changed the customer, and nobody is "
    "created."
)


class UpsertUserSerializer(UserSerializer):
    email = serializers.EmailField(required=False, help_text="Unique, whatever its case.")

    class Meta:
        ref_name = "UpsertUser"


class BulkUpsertSerializer(SharedFieldsSerializer):
    users = UserSerializer(many=True, help_text="At most 1,000. Each needs an `email`.")


class BulkResultsSerializer(serializers.Serializer):
    results = inline_serializer(
        "BulkResult",
        {
            "status": serializers.ChoiceField(
                [200, 201, 400, 403, 503], help_text="What a request for this one would answer."
            ),
            "id": serializers.IntegerField(allow_null=True),
            "errors": serializers.JSONField(allow_null=True, help_text="As the body of an error."),
        },
        many=True,
        help_text="In the order of the request.",
    )


class _UpsertViewSet(AdminApiViewSet):
    required_scopes = {"upsert": Scope.USERS_WRITE}
    serializer_class = UpsertUserSerializer

    def upsert_with(self, function: Callable[..., Upserted], email_or_number: str) -> Response:
        """Calls `function` with the body and the conditions of the headers `If-None-Match` and `If-Match`."""
        conditions = Conditions(
            only_create=self.request.META.get("HTTP_IF_NONE_MATCH", "").strip() == "*",
            only_update="HTTP_IF_MATCH" in self.request.META,
            precondition=self.precondition,
        )
        upserted = function(email_or_number, self.validated(), by=self.actor, conditions=conditions)
        response = respond_with_etag(self.represent(upserted.user_id))
        response.status_code = status.HTTP_201_CREATED if upserted.is_new else status.HTTP_200_OK
        return response

    def represent(self, id: int) -> dict:
        return UserRepresentation.from_id(id)


@extend_schema(tags=["customers"])
class UpsertByEmailViewSet(_UpsertViewSet):
    @extend_schema(
        summary="Create or update the customer of an email address",
        description=f"{DESCRIPTION} An `email` in the body is another spelling of the same mailbox.",
        parameters=[IF_NONE_MATCH],
        responses={200: UserSerializer, 201: UserSerializer},
    )
    def upsert(self, request, email):
        return self.upsert_with(upserts.upsert_by_email, email)


@extend_schema(tags=["customers"])
class UpsertByPhoneViewSet(_UpsertViewSet):
    @extend_schema(
        summary="Create or update the customer of a phone number",
        description=f"{DESCRIPTION} A new customer needs an `email`. 409 if several customers have the number.",
        parameters=[IF_NONE_MATCH],
        responses={200: UserSerializer, 201: UserSerializer},
    )
    def upsert(self, request, number):
        return self.upsert_with(upserts.upsert_by_phone, number)


@extend_schema(tags=["customers"])
class BulkUpsertViewSet(AdminApiViewSet):
    required_scopes = {"upsert": Scope.USERS_WRITE}
    serializer_class = BulkUpsertSerializer
    is_about_customers = False  # an answer has ids and messages only

    @extend_schema(
        summary="Create or update many customers",
        description=(
            "Each is found by its `email`, and written or refused on its own. Sending the same customers again changes "
            "nothing."
        ),
        responses=BulkResultsSerializer,
    )
    @idempotent
    def upsert(self, request):
        users = request.data.get("users") if isinstance(request.data, dict) else None
        if not isinstance(users, list):
            raise serializers.ValidationError({"users": ["Expected a list of customers."]})
        try:
            check_list_length(users)
        except serializers.ValidationError as error:
            raise serializers.ValidationError({"users": error.detail}) from None
        validator = UserSerializer()
        valid: dict[int, dict[str, Any]] = {}
        results: dict[int, dict[str, Any]] = {}
        for position, user in enumerate(users):
            try:
                valid[position] = validator.run_validation(user)
            except serializers.ValidationError as error:
                results[position] = refused(error, "non_field_errors")
        outcomes = upserts.upsert_users(list(valid.values()), by=self.actor)
        results |= dict(zip(valid, map(result, outcomes), strict=True))
        return Response({"results": [results[position] for position in range(len(users))]})


def result(outcome: Outcome) -> dict[str, Any]:
    if isinstance(outcome.error, ServiceError):
        return refused(from_service_error(outcome.error), "detail")
    return {"status": 201 if outcome.is_new else 200, "id": outcome.user_id, "errors": None}


def refused(error: APIException, name: str) -> dict[str, Any]:
    """`name`: of an error that is about no field."""
    errors = error.detail if isinstance(error.detail, dict) else {name: error.detail}
    return {"status": error.status_code, "id": None, "errors": errors}
