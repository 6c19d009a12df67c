"""The addresses of a customer."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response

from customers import services
from customers.api.base import UserNestedViewSet
from customers.api.conditional import respond_if_modified, respond_with_etag
from customers.api.fields import BoundedListSerializer, LongTextField, SharedFieldsSerializer
from customers.api.idempotency import idempotent
from customers.api.pagination import KeysetPagination
from customers.limits import MAX_ADDRESS_NOTES_LENGTH
from customers.models import Address
from oauth.scopes import Scope


class AddressSerializer(SharedFieldsSerializer):
    id = serializers.IntegerField(read_only=True)
    is_default_for_shipping = serializers.BooleanField(required=False)
    is_default_for_billing = serializers.BooleanField(required=False)
    first_name = serializers.CharField(required=False, allow_blank=True, max_length=255)
    last_name = serializers.CharField(required=False, allow_blank=True, max_length=255)
    line1 = serializers.CharField(max_length=255, help_text="Street and number.")
    line2 = serializers.CharField(required=False, allow_blank=True, max_length=255)
    line3 = serializers.CharField(required=False, allow_blank=True, max_length=255)
    line4 = serializers.CharField(max_length=255, help_text="City.")
    state = serializers.CharField(required=False, allow_blank=True, max_length=255)
    postcode = serializers.CharField(required=False, allow_blank=True, max_length=64)
    phone_number = serializers.CharField(
        required=False, allow_blank=True, max_length=128, help_text="A local number is read as one of `country`."
    )
    notes = LongTextField(
        required=False, allow_blank=True, longest=MAX_ADDRESS_NOTES_LENGTH, help_text="For the courier."
    )
    country = serializers.CharField(help_text="A two-letter code of ISO 3166-1.")

    class Meta:
        ref_name = "UserAddress"
        list_serializer_class = BoundedListSerializer

    def to_representation(self, address: Address) -> dict[str, Any]:
        """The values of ADDRESS_COLUMNS need no conversion. A test compares them with DRF's representation."""
        return {name: getattr(address, name) for name in ADDRESS_COLUMNS}


ADDRESS_COLUMNS = tuple(AddressSerializer._declared_fields)


@extend_schema(tags=["customers"])
class AddressViewSet(UserNestedViewSet):
    """Delivery and billing addresses of a customer."""

    required_scopes = {
        "list": Scope.USERS_READ,
        "create": Scope.USERS_WRITE,
        "retrieve": Scope.USERS_READ,
        "update": Scope.USERS_WRITE,
        "destroy": Scope.USERS_WRITE,
    }
    queryset = Address.objects.all()
    serializer_class = AddressSerializer
    pagination_class = KeysetPagination
    lookup_url_kwarg = "addressId"

    @extend_schema(summary="List a customer's addresses", description="Newest first.")
    def list(self, request, id):
        return super().list(request, id)

    @extend_schema(summary="Add an address", description="A new default replaces the former one.")
    @idempotent
    def create(self, request, id):
        address = services.add_address(id, by=self.actor, **self.validated())
        return Response(self.get_serializer(address).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Retrieve an address")
    def retrieve(self, request, id, addressId):
        return respond_if_modified(request, self.represent(addressId))

    @extend_schema(
        summary="Update an address", description="With `If-Match`, only if nobody has changed it in the meantime."
    )
    def update(self, request, id, addressId):
        changes = self.validated()
        services.update_address(id, addressId, by=self.actor, precondition=self.precondition(addressId), **changes)
        return respond_with_etag(self.represent(addressId))

    @extend_schema(summary="Delete an address")
    def destroy(self, request, id, addressId):
        services.delete_address(id, addressId, by=self.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)
