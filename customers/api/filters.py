from typing import Any

from rest_framework import serializers
from rest_framework.filters import BaseFilterBackend

from customers.api.serializers import SharedFieldsSerializer
from customers.filters import filter_customers
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


# Where a parameter is not named as what it means (see `customers.filters`).
CRITERIA = {"date_joined_from": "joined_from", "date_joined_to": "joined_to"}


def asked_of(request, filters: type[serializers.Serializer]) -> dict[str, Any]:
    """What the query of a request says of the fields of `filters`; of one that is given twice, but for a list, the last
    counts. Empty and unknown parameters are ignored. Raises ValidationError."""
    given = {
        name: values if isinstance(field, serializers.ListField) else values[-1]
        for name, field in filters._declared_fields.items()
        if (values := [value for value in request.query_params.getlist(name) if value.strip()])
    }
    if not given:
        return {}
    known = filters(data=given)
    known.is_valid(raise_exception=True)
    return known.validated_data


def criteria_of(request) -> dict[str, Any]:
    """What the query of a request narrows customers by."""
    return {CRITERIA.get(name, name): value for name, value in asked_of(request, UserFilters).items()}


class UserFilterBackend(BaseFilterBackend):
    def filter_queryset(self, request, queryset, view):
        criteria = criteria_of(request)
        return filter_customers(queryset, criteria) if criteria else queryset
