"""Query parameters that the lists of orders and of subscriptions share."""

from django.core.validators import ProhibitNullCharactersValidator
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from customers.api.fields import BoundedListField, SharedFieldsSerializer


def list_of(child: serializers.Field) -> BoundedListField:
    """A parameter that may be repeated: rows with one of the values."""
    return BoundedListField(child=child, required=False)


@extend_schema_field({"type": "array", "items": {"type": "array", "items": {"type": "integer"}}})
class ProductsFilter(BoundedListField):
    """Published as a list of lists, and sent as a repeated integer."""

    def __init__(self, **options):
        super().__init__(child=serializers.IntegerField(), required=False, **options)


@extend_schema_field({"type": ["string", "null"], "format": "email"})
class AgentField(serializers.Field):
    """An email. It is only compared."""

    default_validators = [ProhibitNullCharactersValidator()]

    def to_internal_value(self, data):
        return data


class AttributionFilters(SharedFieldsSerializer):
    funnels = list_of(serializers.CharField(allow_null=True, allow_blank=True))
    agents = list_of(AgentField())
    utm_source = serializers.CharField(required=False, allow_blank=True)
    utm_campaign = serializers.CharField(required=False, allow_blank=True)
    utm_term = serializers.CharField(required=False, allow_blank=True)
    utm_content = serializers.CharField(required=False, allow_blank=True)
    affiliate = serializers.CharField(required=False, allow_blank=True)
    subaffiliate1 = serializers.CharField(required=False, allow_blank=True)
    subaffiliate2 = serializers.CharField(required=False, allow_blank=True)
    subaffiliate3 = serializers.CharField(required=False, allow_blank=True)
    subaffiliate4 = serializers.CharField(required=False, allow_blank=True)
    subaffiliate5 = serializers.CharField(required=False, allow_blank=True)
    is_test = serializers.BooleanField(required=False)
