"""The store itself."""

# mypy: disable-error-code="assignment"
# A field may be named like an attribute of serializers, such as `label`.

from babel.numbers import get_currency_name
from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from customers.api.base import AdminApiViewSet
from customers.models import Language
from customers.store import services
from oauth.scopes import Scope
from oauth.store import store_domain


class CurrencySerializer(serializers.Serializer):
    code = serializers.CharField(max_length=5)
    label = serializers.CharField(read_only=True)

    class Meta:
        ref_name = "Currency"


class AvailableLanguagesSerializer(serializers.Serializer):
    code = serializers.CharField()
    label = serializers.CharField(read_only=True)

    class Meta:
        ref_name = "AvailableLanguages"


class ContactAddressSerializer(serializers.Serializer):
    city = serializers.CharField(read_only=True)
    company_name = serializers.CharField(read_only=True)
    country = serializers.CharField(read_only=True, help_text="The country of local phone numbers without an address.")
    line1 = serializers.CharField(read_only=True)
    line2 = serializers.CharField(read_only=True)
    phone_number = serializers.CharField(read_only=True)
    postcode = serializers.CharField(read_only=True)
    state = serializers.CharField(read_only=True)

    class Meta:
        ref_name = "ContactAddress"


class PaymentMethodSerializer(serializers.Serializer):
    code = serializers.CharField()
    label = serializers.CharField()

    class Meta:
        ref_name = "PaymentMethod"


class PaymentMethodSupportCurrenciesSerializer(PaymentMethodSerializer):
    supported_currencies = serializers.ListField(read_only=True)

    class Meta:
        ref_name = "PaymentMethodSupportCurrencies"


class PaymentSerializer(serializers.Serializer):
    available_express_payment_methods = PaymentMethodSerializer(many=True, read_only=True)
    available_payment_methods = PaymentMethodSupportCurrenciesSerializer(many=True, read_only=True)
    certificate_token = serializers.CharField(read_only=True)
    environment_key = serializers.CharField()

    class Meta:
        ref_name = "Payment"


class StoreSerializer(serializers.Serializer):
    available_currencies = CurrencySerializer(many=True, read_only=True)
    available_languages = AvailableLanguagesSerializer(many=True, read_only=True)
    contact_address = ContactAddressSerializer(read_only=True)
    name = serializers.CharField(read_only=True)
    payments = PaymentSerializer(read_only=True, help_text="This store takes no payments, so it has no methods.")
    primary_domain = serializers.CharField(read_only=True)
    tagline = serializers.CharField(read_only=True)
    tax_id = serializers.CharField(read_only=True)
    timezone = serializers.CharField(read_only=True)

    class Meta:
        ref_name = "Store"


NO_PAYMENTS = {
    "available_express_payment_methods": [],
    "available_payment_methods": [],
    "certificate_token": "",
    "environment_key": "",
}


@extend_schema(tags=["store"])
class StoreViewSet(AdminApiViewSet):
    required_scopes = {"retrieve": Scope.STORE_READ}
    serializer_class = StoreSerializer
    is_about_customers = False

    @extend_schema(operation_id="storeDetail", summary="Retrieve the store", description="One object.")
    def retrieve(self, request):
        details = services.get_details()
        store = {
            "available_currencies": [
                {"code": code, "label": get_currency_name(code, locale="en")} for code in details.currencies
            ],
            "available_languages": [{"code": code, "label": label} for code, label in Language.choices],
            "contact_address": {**vars(details), "country": settings.STORE_COUNTRY},
            "name": details.name,
            "payments": NO_PAYMENTS,
            "primary_domain": store_domain(request),
            "tagline": details.tagline,
            "tax_id": details.tax_id,
            "timezone": settings.TIME_ZONE,
        }
        return Response(self.get_serializer(store).data)
