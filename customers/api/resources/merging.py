"""Merging two customers into one, and the pairs who may be the same person."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from customers.api.base import AdminApiViewSet
from customers.api.fields import SharedFieldsSerializer, format_datetime
from customers.api.idempotency import idempotent
from customers.api.pagination import KeysetPagination
from customers.api.resources.users import UserRepresentation, UserSerializer
from customers.core.retention import kept_for
from customers.merging import duplicates, services
from customers.merging.models import Duplicate, Sign
from customers.merging.plan import CHOICES, KEPT, METADATA, OTHER, Decision, Plan
from oauth.scopes import Scope


class MergeSerializer(SharedFieldsSerializer):
    other = serializers.IntegerField(
        min_value=1, max_value=10**18 - 1, help_text="The id of the customer who is merged into this one."
    )
    choices = serializers.DictField(
        child=serializers.ChoiceField([KEPT, OTHER]),
        required=False,
        help_text=(
            f"Whose value stays, by field: {', '.join(CHOICES)}, or `{METADATA}` and a key. By default it is the kept "
            "customer's, and the other's where the kept customer has none."
        ),
    )

    class Meta:
        ref_name = "Merge"


class DecisionSerializer(serializers.Serializer):
    name = serializers.CharField()
    kept = serializers.JSONField(allow_null=True)
    other = serializers.JSONField(allow_null=True)
    choice = serializers.ChoiceField([KEPT, OTHER])
    is_conflict = serializers.BooleanField(help_text="Both customers have a value, and not the same.")

    class Meta:
        ref_name = "MergeDecision"


class PreviewSerializer(serializers.Serializer):
    decisions = DecisionSerializer(many=True, help_text="Every field, and each key of metadata with two values.")
    tags = serializers.ListField(child=serializers.CharField())
    metadata = serializers.JSONField(allow_null=True)
    orders_count = serializers.IntegerField()
    subscriptions_count = serializers.IntegerField()
    total_spent = serializers.DecimalField(max_digits=12, decimal_places=2)
    moved = serializers.DictField(child=serializers.IntegerField(), help_text="What the kept customer gets.")
    addresses_in_common = serializers.IntegerField(help_text="Addresses of the other that the kept customer has.")

    class Meta:
        ref_name = "MergePreview"


class UndoneSerializer(serializers.Serializer):
    kept = UserSerializer()
    restored = UserSerializer()

    class Meta:
        ref_name = "MergeUndone"


@extend_schema(tags=["merging"])
class MergeViewSet(AdminApiViewSet):
    """The customer in the path is kept."""

    required_scopes = dict.fromkeys(("merge", "preview", "undo"), Scope.USERS_WRITE)
    serializer_class = MergeSerializer

    @extend_schema(
        summary="Merge another customer into this one",
        description=(
            "Orders, subscriptions, addresses, notes, groups, tags, metadata and the timeline of both are this "
            "customer's from now on. A request for the other one is answered with 404 and `merged_into`. 409 for "
            f"staff, and for erased and mirrored customers. The merge can be undone for {kept_for('merges')}."
        ),
        responses=UserSerializer,
    )
    @idempotent
    def merge(self, request, id):
        fields = self.validated()
        services.merge(id, fields["other"], fields.get("choices"), by=self.actor)
        return Response(representation(id))

    @extend_schema(summary="Show what a merge would do", responses=PreviewSerializer)
    def preview(self, request, id):
        fields = self.validated()
        return Response(plan_representation(services.preview(id, fields["other"], fields.get("choices"))))

    @extend_schema(
        summary="Undo the last merge into this customer",
        description=(
            "Both customers are as they were; what was added since then stays with this one. "
            f"409 after {kept_for('merges')}, and if a value that the merge has decided was changed since then."
        ),
        request=None,
        responses=UndoneSerializer,
    )
    @idempotent
    def undo(self, request, id):
        restored = services.undo(id, by=self.actor)
        return Response({"kept": representation(id), "restored": representation(restored.pk)})


class DuplicateSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    users = serializers.ListField(child=serializers.IntegerField(), help_text="The ids of both customers.")
    score = serializers.IntegerField(help_text="From 0 to 100: how likely it is that they are one person.")
    signs = serializers.ListField(child=serializers.ChoiceField(Sign.choices), help_text="What they have in common.")
    found_at = serializers.DateTimeField()

    class Meta:
        ref_name = "Duplicate"


class DuplicatePagination(KeysetPagination):
    keys = ("found_at", "id")


@extend_schema(tags=["merging"])
class DuplicateViewSet(AdminApiViewSet):
    """Pairs of customers who may be the same person. The worker finds them."""

    required_scopes = {"list": Scope.USERS_READ, "dismiss": Scope.USERS_WRITE}
    queryset = duplicates.open_duplicates()
    serializer_class = DuplicateSerializer
    pagination_class = DuplicatePagination
    is_about_customers = False  # the `id` of the path is that of a pair

    @extend_schema(summary="List pairs of customers who may be the same person", description="Newest first.")
    def list(self, request):
        page: Any = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response([pair_representation(duplicate) for duplicate in page])

    @extend_schema(
        summary="Dismiss a pair: these customers are not the same person",
        description="The pair is not suggested again.",
        request=None,
    )
    def dismiss(self, request, id):
        return Response(pair_representation(duplicates.dismiss(id)))


def representation(user_id: int) -> dict[str, Any]:
    return UserRepresentation.from_ids(user_id)[0]


def pair_representation(duplicate: Duplicate) -> dict[str, Any]:
    return {
        "id": duplicate.pk,
        "users": [duplicate.first_id, duplicate.second_id],
        "score": duplicate.score,
        "signs": duplicate.signs,
        "found_at": format_datetime(duplicate.found_at),
    }


def plan_representation(plan: Plan) -> dict[str, Any]:
    values = plan.values
    return {
        "decisions": [decision_representation(each) for each in plan.decisions],
        **{name: values[name] for name in ("tags", "metadata", "orders_count", "subscriptions_count")},
        "total_spent": str(values["total_spent"]),
        "moved": plan.moved,
        "addresses_in_common": plan.addresses_in_common,
    }


def decision_representation(decision: Decision) -> dict[str, Any]:
    return {
        "name": decision.name,
        "kept": decision.kept,
        "other": decision.other,
        "choice": decision.choice,
        "is_conflict": decision.is_conflict,
    }
