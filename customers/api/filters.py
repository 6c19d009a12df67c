from typing import Any

from rest_framework import serializers
from rest_framework.filters import BaseFilterBackend

from customers.api.serializers import SharedFieldsSerializer
from customers.criteria import narrowed
from customers.models import Language


class UserFilters(SharedFieldsSerializer):
    email = serializers.CharField(required=False, allow_blank=True, help_text="The whole address, ignoring case.")
    name = serializers.CharField(
        required=False, allow_blank=True, help_text="Part of first and last name together: `ada love`."
    )
    phone_number = serializers.CharField(
        required=False, allow_blank=True, help_text="Part of the number, whatever the punctuation."
    )
    language = serializers.ChoiceField(Language.values, required=False, allow_null=True)
    user_type = serializers.CharField(required=False, allow_blank=True, help_text="`lead`, `customer` or `dashboard`.")
    date_joined_from = serializers.DateField(required=False, help_text="First day, in the store's time zone.")
    date_joined_to = serializers.DateField(required=False, help_text="Last day, included.")
    is_blocked = serializers.BooleanField(required=False)
    accepts_marketing = serializers.BooleanField(required=False)


# Where a parameter is not named as what it means (see `criteria.narrowed`).
CRITERIA = {"date_joined_from": "joined_from", "date_joined_to": "joined_to"}


def criteria_of(request) -> dict[str, Any]:
    """What the query of a request narrows customers by. Empty and unknown parameters are ignored."""
    given = {name: value for name, value in request.query_params.items() if value.strip()}
    if given.keys().isdisjoint(UserFilters._declared_fields):
        return {}
    filters = UserFilters(data=given)
    filters.is_valid(raise_exception=True)
    return {CRITERIA.get(name, name): value for name, value in filters.validated_data.items()}


class UserFilterBackend(BaseFilterBackend):
    def filter_queryset(self, request, queryset, view):
        criteria = criteria_of(request)
        return narrowed(queryset, criteria) if criteria else queryset
