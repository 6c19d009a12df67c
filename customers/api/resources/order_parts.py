"""Serializers of what orders and subscriptions have in common, one class per schema of the published document."""

# mypy: disable-error-code="assignment"
# A field may be named like an attribute of serializers.

from typing import Any

from django.db.models import Model

from customers.api.lenient_fields import (
    LenientBoolean,
    LenientChar,
    LenientEmail,
    LenientFloat,
    LenientInteger,
    LenientJSON,
    LenientMoney,
    LenientSerializer,
)
from customers.models import User


class UserInlineSerializer(LenientSerializer):
    accepts_marketing = LenientBoolean(required=False)
    email = LenientEmail(required=False, allow_null=True)
    first_name = LenientChar(required=False, max_length=255)
    id = LenientInteger(read_only=True)
    ip = LenientChar(required=False, allow_null=True)
    language = LenientChar(required=False, allow_null=True)
    last_name = LenientChar(required=False, max_length=255)
    phone_number = LenientChar(required=False, allow_null=True)
    user_agent = LenientChar(required=False, allow_null=True)


def user_inline(user: User) -> dict[str, Any]:
    return {name: getattr(user, name) for name in UserInlineSerializer._declared_fields}


def with_user(model: type[Model]) -> Any:
    """All objects of the model with their `user`. Of the user only what `user_inline` needs is read."""
    columns = [field.attname for field in model._meta.concrete_fields]
    of_user = [f"user__{name}" for name in UserInlineSerializer._declared_fields]
    return model._default_manager.select_related("user").only(*columns, *of_user)


class AgentSerializer(LenientSerializer):
    email = LenientEmail(required=False, allow_null=True)
    first_name = LenientChar(required=False, max_length=255)
    id = LenientInteger(read_only=True)
    last_name = LenientChar(required=False, max_length=255)


class LocationAddressSerializer(LenientSerializer):
    country = LenientChar()
    line1 = LenientChar(max_length=255)
    line2 = LenientChar(required=False, max_length=255)
    line3 = LenientChar(required=False, max_length=255)
    line4 = LenientChar(max_length=255)
    phone_number = LenientChar(required=False, max_length=128)
    postcode = LenientChar(required=False, max_length=64)
    state = LenientChar(required=False, max_length=255)


class BillingAddressSerializer(LocationAddressSerializer):
    first_name = LenientChar(max_length=255)
    id = LenientInteger(read_only=True)
    last_name = LenientChar(max_length=255)


class ShippingAddressSerializer(BillingAddressSerializer):
    notes = LenientChar(required=False)
    phone_number = LenientChar(max_length=128)


class TaxPriceBreakdownReportValueSerializer(LenientSerializer):
    amount = LenientMoney(read_only=True)
    currency = LenientChar(read_only=True)


class TaxPriceBreakdownSerializer(LenientSerializer):
    amount = LenientMoney(read_only=True)
    currency = LenientChar(read_only=True)
    rate = LenientFloat()
    report_values = TaxPriceBreakdownReportValueSerializer(read_only=True)
    source = LenientChar(read_only=True)
    tax_id = LenientInteger()
    tax_title = LenientChar(read_only=True)


class MarketingAttributionSerializer(LenientSerializer):
    affiliate = LenientChar(required=False, allow_null=True)
    agent = AgentSerializer()
    funnel = LenientChar(required=False, allow_null=True)
    gclid = LenientChar(required=False, allow_null=True)
    metadata = LenientJSON(required=False)
    subaffiliate1 = LenientChar(required=False, allow_null=True)
    subaffiliate2 = LenientChar(required=False, allow_null=True)
    subaffiliate3 = LenientChar(required=False, allow_null=True)
    subaffiliate4 = LenientChar(required=False, allow_null=True)
    subaffiliate5 = LenientChar(required=False, allow_null=True)
    utm_campaign = LenientChar(required=False, allow_null=True)
    utm_content = LenientChar(required=False, allow_null=True)
    utm_medium = LenientChar(required=False, allow_null=True)
    utm_source = LenientChar(required=False, allow_null=True)
    utm_term = LenientChar(required=False, allow_null=True)


class LineAttributeValue(LenientJSON):
    """Any JSON, null included."""

    def accepts(self, value):
        return True


class LineAttributeSerializer(LenientSerializer):
    """What the buyer chose for a line, such as an engraving."""

    key = LenientChar(read_only=True)
    value = LineAttributeValue()
