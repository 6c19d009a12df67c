from rest_framework import serializers
from rest_framework.filters import BaseFilterBackend

from customers.api.serializers import SharedFieldsSerializer
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


class UserFilterBackend(BaseFilterBackend):
    """Empty and unknown parameters are ignored."""

    def filter_queryset(self, request, queryset, view):
        given = {name: value for name, value in request.query_params.items() if value.strip()}
        if given.keys().isdisjoint(UserFilters._declared_fields):
            return queryset
        filters = UserFilters(data=given)
        filters.is_valid(raise_exception=True)
        asked = filters.validated_data
        if email := asked.get("email"):
            queryset = queryset.filter(email__lower=email.lower())
        if name := asked.get("name"):
            queryset = queryset.named(name)
        if phone_number := asked.get("phone_number"):
            queryset = queryset.with_phone_like(phone_number)
        exact = {
            name: asked[name] for name in ("language", "user_type", "is_blocked", "accepts_marketing") if name in asked
        }
        return queryset.filter(**exact).joined_between(asked.get("date_joined_from"), asked.get("date_joined_to"))
