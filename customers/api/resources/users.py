"""Users: customers, leads and staff."""

from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from decimal import Decimal
from functools import cache, partial
from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound

from customers import services
from customers.api.base import AdminApiViewSet
from customers.api.conditional import respond_if_modified, respond_with_etag
from customers.api.fields import FalseByDefaultField, SharedFieldsSerializer, StringListField, format_datetime
from customers.api.filters import FilterBackend, query_params
from customers.api.idempotency import idempotent
from customers.api.pagination import KeysetPagination
from customers.api.parsers import FormData
from customers.api.renderers import JSONAnswer
from customers.api.resources.addresses import ADDRESS_COLUMNS, AddressSerializer
from customers.core.json_values import parse_json
from customers.core.postgres import custom_plan
from customers.core.prepared_query import PreparedQuery
from customers.filters import filter_customers
from customers.models import Language, User, UserType
from customers.querysets import UserQuerySet
from oauth.scopes import Scope

PARTIAL_FILTERS = frozenset({"name", "phone_number"})


class MetadataField(serializers.JSONField):
    """Any JSON. In a form, it is a text that contains JSON."""

    def get_value(self, dictionary):
        value = super().get_value(dictionary)
        if isinstance(dictionary, FormData) and isinstance(value, str):
            try:
                return parse_json(value) if value else None
            except (ValueError, RecursionError):
                return value
        return value

    def to_internal_value(self, data):
        return data  # it was parsed from JSON, so DRF need not try to write it as JSON


@extend_schema_field({"type": "string", "description": "An IPv4 or IPv6 address."})
class IPField(serializers.IPAddressField):
    """A blank string is null. An IPv4 address within IPv6 stays as it is. A zone is refused: it has a meaning on one
    machine only."""

    def __init__(self, **options):
        super().__init__(allow_blank=True, **options)
        self.unpack_ipv4 = False

    def run_validation(self, data=serializers.empty):
        return super().run_validation(None if isinstance(data, str) and not data.strip() else data)

    def to_internal_value(self, data):
        if isinstance(data, str) and "%" in data:
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


class UserSerializer(SharedFieldsSerializer):
    """Validates users and describes them for the document. Answers are made by UserRepresentation."""

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
    is_blocked = FalseByDefaultField(required=False, help_text="On the store's block list.")
    ip = IPField(required=False, allow_null=True)
    user_agent = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    tags = StringListField(required=False)
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


def user_rows(users: UserQuerySet) -> UserQuerySet:
    """The columns of USER_COLUMNS, and `address_list` with those of ADDRESS_COLUMNS."""
    return users.with_addresses(*ADDRESS_COLUMNS).values(*USER_COLUMNS, "address_list")


class UserRepresentation:
    """A user in an answer: the fields of UserSerializer, made from rows, which is faster than DRF's fields.

    A test compares it with DRF's representation of the same fields.
    """

    _rows_with_ids = PreparedQuery(lambda *ids: user_rows(User.objects.filter(pk__in=ids)))

    @classmethod
    def from_ids(cls, *ids: int) -> list[dict[str, Any]]:
        """In any order. An id that no user has is left out. Takes one query for any number of ids."""
        return [cls.from_row(row) for row in cls._rows_with_ids(*ids)]

    @classmethod
    def from_id(cls, id: int) -> dict[str, Any]:
        """Raises NotFound."""
        representations = cls.from_ids(id)
        if not representations:
            raise NotFound
        return representations[0]

    @classmethod
    def from_columns(cls, user: Mapping[str, Any], addresses: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        row: dict[str, Any] = {name: user[name] for name in USER_COLUMNS}
        row["address_list"] = [{name: address[name] for name in ADDRESS_COLUMNS} for address in addresses]
        return cls.from_row(row)

    @staticmethod
    def from_row(row: dict[str, Any]) -> dict[str, Any]:
        """`row` as `user_rows` has it. It is changed and returned."""
        for name in ("first_name", "last_name"):
            if row[name] is None:
                row[name] = ""
        row["date_joined"] = format_datetime(row["date_joined"])
        row["total_spent"] = str(row["total_spent"])
        row["addresses"] = row.pop("address_list")
        return row


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


# The parameters that have another name in `customers.filters`.
CORE_NAMES = {"date_joined_from": "joined_from", "date_joined_to": "joined_to"}


def customer_filters(request) -> dict[str, Any]:
    """The filters of the request, by their names in `customers.filters`. Raises ValidationError."""
    return {CORE_NAMES.get(name, name): value for name, value in query_params(request, UserFilters).items()}


def _filter_by(core_name: str, queryset, value):
    return filter_customers(queryset, {core_name: value})


class UserPagination(KeysetPagination):
    """Pages of `user_rows`. The first page without filters is requested most: its query is prepared."""

    keys = ("date_joined", "id")

    def read(self, queryset, limit, backwards):
        if not queryset.query.where:
            return newest_users(limit)()
        has_partial_filter = not PARTIAL_FILTERS.isdisjoint(self.request.query_params)
        with custom_plan() if has_partial_filter else nullcontext():
            return super().read(queryset, limit, backwards)


@cache
def newest_users(limit: int) -> PreparedQuery:
    """The first page of all users, with JSON as the database writes it."""
    return PreparedQuery(lambda: user_rows(User.objects.newest_first())[:limit], keeps_json=True)


@extend_schema(tags=["customers"])
class UserViewSet(AdminApiViewSet):
    """Customers, leads and staff."""

    required_scopes = {
        "list": Scope.USERS_READ,
        "create": Scope.USERS_WRITE,
        "retrieve": Scope.USERS_READ,
        "update": Scope.USERS_WRITE,
        "partial_update": Scope.USERS_WRITE,
    }
    queryset = user_rows(User.objects.all())  # once: to build it took a sixth of the server's time of a filtered list
    serializer_class = UserSerializer
    filter_backends = [FilterBackend]
    filter_parameters = UserFilters
    filter_lookups = {name: partial(_filter_by, CORE_NAMES.get(name, name)) for name in UserFilters._declared_fields}
    pagination_class = UserPagination

    def get_serializer_class(self):
        is_update = self.action in ("update", "partial_update")
        return UpdateUserSerializer if is_update else UserSerializer

    @extend_schema(
        summary="List customers", description="Newest first. Unknown parameters are ignored.", parameters=[UserFilters]
    )
    def list(self, request):
        rows = self.paginate_queryset(self.filter_queryset(self.queryset)) or []
        return self.get_paginated_response(list(map(UserRepresentation.from_row, rows)))

    @extend_schema(
        summary="Create a customer",
        description=(
            "With any number of addresses. The first one becomes the default for shipping and billing unless another "
            "one is marked as default. It also provides an empty name or phone number."
        ),
    )
    @idempotent
    def create(self, request):
        inserted = services.insert_user(by=self.actor, **self.validated())
        return JSONAnswer(UserRepresentation.from_columns(*inserted), status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Retrieve a customer",
        description="The `ETag` of the answer can be sent as `If-None-Match` and `If-Match`.",
    )
    def retrieve(self, request, id):
        return respond_if_modified(request, self.represent(id))

    @extend_schema(
        summary="Update a customer",
        description=(
            "Fields that are left out stay unchanged. With `If-Match`, only if nobody has changed the customer in the "
            "meantime."
        ),
        responses=UserSerializer,
    )
    def update(self, request, id, partial=False):
        changes = self.validated(partial=partial)
        services.update_user(id, by=self.actor, precondition=self.precondition(id), **changes)
        return respond_with_etag(self.represent(id))

    @extend_schema(summary="Update parts of a customer", responses=UserSerializer)
    def partial_update(self, request, id):
        return self.update(request, id, partial=True)

    def represent(self, id: int) -> dict:
        return UserRepresentation.from_id(id)
