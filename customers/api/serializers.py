"""The customers section on the wire: what may come in, what goes out, and with it the OpenAPI document.

Output is written by hand where a page is full of it (users and addresses); a test holds it to what the declared fields
would give.
"""

import json
import threading
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.functional import cached_property
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from customers.api.parsers import FormData
from customers.core.prepared_query import PreparedQuery
from customers.models import Address, Language, User, UserType


class _BoundFields(threading.local):
    def __init__(self):
        self.of: dict[tuple[type, bool], Any] = {}


_bound_fields = _BoundFields()


class SharedFieldsSerializer(serializers.Serializer):
    """Binds the fields of a serializer class once per thread. DRF copies every field for every request, which takes
    longer than the validation; once bound, a field only reads."""

    @cached_property
    def fields(self):
        key = (type(self), self.partial)
        if key not in _bound_fields.of:
            _bound_fields.of[key] = dict(super(SharedFieldsSerializer, type(self)(partial=self.partial)).fields)
        return _bound_fields.of[key]


class TagsField(serializers.ListField):
    child = serializers.CharField(allow_null=True, allow_blank=True)

    def get_value(self, dictionary):
        value = super().get_value(dictionary)
        return [value] if isinstance(dictionary, FormData) and isinstance(value, str) else value


class MetadataField(serializers.JSONField):
    def get_value(self, dictionary):
        value = super().get_value(dictionary)
        if isinstance(dictionary, FormData) and isinstance(value, str):
            try:
                return json.loads(value) if value else None
            except (ValueError, RecursionError):
                return value
        return value


@extend_schema_field({"type": "string", "description": "An IPv4 or IPv6 address."})
class IPField(serializers.IPAddressField):
    """An empty one is none. An IPv4 address within IPv6 stays as it is; a zone belongs to another machine."""

    def __init__(self, **options):
        super().__init__(**options)
        self.unpack_ipv4 = False

    def run_validation(self, data=serializers.empty):
        return super().run_validation(None if data == "" else data)

    def to_internal_value(self, data):
        if isinstance(data, str) and "%" in data:
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


@extend_schema_field({"type": "boolean", "default": False, "description": "On the store's block list."})
class IsBlockedField(serializers.BooleanField):
    """The default is that of a new person; an update that leaves it out changes nothing."""


def moment(value: datetime) -> str:
    """As DRF writes it: ISO 8601 in the store's time zone, `Z` for UTC."""
    text = value.astimezone(timezone.get_default_timezone()).isoformat()
    return f"{text[:-6]}Z" if text.endswith("+00:00") else text


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
    notes = serializers.CharField(required=False, allow_blank=True, help_text="For the courier.")
    country = serializers.CharField(help_text="A two-letter code of ISO 3166-1.")

    class Meta:
        ref_name = "UserAddress"

    def to_representation(self, instance):
        """`instance` is an Address or a row of `ADDRESS_COLUMNS`."""
        if isinstance(instance, Address):
            return {name: getattr(instance, name) for name in ADDRESS_COLUMNS}
        return instance


class UserSerializer(SharedFieldsSerializer):
    id = serializers.IntegerField(read_only=True)
    email = serializers.EmailField(help_text="Unique, whatever its case.")
    first_name = serializers.CharField(required=False, allow_blank=True, max_length=255)
    last_name = serializers.CharField(required=False, allow_blank=True, max_length=255)
    phone_number = serializers.CharField(
        required=False,
        allow_null=True,
        allow_blank=True,
        help_text="Kept in E.164. A local number is read as one of the first address's country.",
    )
    language = serializers.ChoiceField(Language.values, required=False, allow_null=True, allow_blank=True)
    user_type = serializers.ChoiceField(
        UserType.values, read_only=True, help_text="`lead` until a first successful order, then `customer`."
    )
    accepts_marketing = serializers.BooleanField(required=False)
    is_blocked = IsBlockedField(required=False)
    ip = IPField(required=False, allow_null=True)
    user_agent = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    tags = TagsField(required=False)
    metadata = MetadataField(required=False, allow_null=True)
    orders_count = serializers.IntegerField(read_only=True, default=0)
    subscriptions_count = serializers.IntegerField(read_only=True)
    total_spent = serializers.DecimalField(max_digits=12, decimal_places=2, read_only=True, default=Decimal("0.00"))
    date_joined = serializers.DateTimeField(read_only=True)
    addresses = AddressSerializer(many=True, required=False)

    class Meta:
        ref_name = "User"


class UpdateUserSerializer(UserSerializer):
    email = serializers.EmailField(required=False, help_text="Unique, whatever its case.")
    addresses = AddressSerializer(many=True, read_only=True)

    class Meta:
        ref_name = "UpdateUser"


USER_COLUMNS = tuple(name for name in UserSerializer._declared_fields if name != "addresses")
ADDRESS_COLUMNS = tuple(AddressSerializer._declared_fields)


users_with_ids = PreparedQuery(lambda *ids: User.objects.filter(pk__in=ids).values(*USER_COLUMNS))
_addresses_of = PreparedQuery(
    lambda *user_ids: Address.objects.filter(user_id__in=user_ids).order_by("id").values("user_id", *ADDRESS_COLUMNS)
)


def with_addresses(rows: list[dict]) -> list[dict]:
    """Puts the addresses of all these users into their rows, oldest first, in one query."""
    books: dict[int, list[dict]] = {row["id"]: [] for row in rows}
    if books:
        for address in _addresses_of(*books):
            books[address.pop("user_id")].append(address)
    for row in rows:
        row["addresses"] = books[row["id"]]
    return rows


def row_of(user: User) -> dict[str, Any]:
    """As `users_with_ids` and `with_addresses` read it; `addresses` have to be loaded."""
    row = {name: getattr(user, name) for name in USER_COLUMNS}
    row["addresses"] = [{name: getattr(address, name) for name in ADDRESS_COLUMNS} for address in user.addresses.all()]
    return row


def shown(row: dict[str, Any]) -> dict[str, Any]:
    """A row of `USER_COLUMNS` and `addresses`, on the wire."""
    for name in ("first_name", "last_name"):
        if row[name] is None:
            row[name] = ""
    row["date_joined"] = moment(row["date_joined"])
    row["total_spent"] = str(row["total_spent"])
    return row


class NoteAppSerializer(serializers.Serializer):
    name = serializers.CharField(max_length=255, required=False)
    client_id = serializers.CharField(max_length=100, required=False)

    class Meta:
        ref_name = "OAuthApp"

    def to_representation(self, instance):
        return {"name": instance.name, "client_id": instance.client_id}


class AuthorSerializer(serializers.Serializer):
    id = serializers.IntegerField(read_only=True)
    email = serializers.EmailField(allow_null=True, required=False)
    first_name = serializers.CharField(max_length=255, required=False)
    last_name = serializers.CharField(max_length=255, required=False)

    class Meta:
        ref_name = "Author"


class NoteSerializer(serializers.Serializer):
    id = serializers.IntegerField(read_only=True)
    message = serializers.CharField()
    app = NoteAppSerializer(help_text="Empty for a note that was written in the dashboard.")
    author = AuthorSerializer()
    created_at = serializers.DateTimeField(read_only=True)
    updated_at = serializers.DateTimeField(read_only=True)

    class Meta:
        ref_name = "UserNote"

    def to_representation(self, instance):
        representation = super().to_representation(instance)
        return {**representation, "app": representation["app"] or {}}


class CreateNoteSerializer(serializers.Serializer):
    message = serializers.CharField()

    class Meta:
        ref_name = "CreateUserNote"
