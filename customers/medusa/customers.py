"""Customers: `/admin/customers` and `/admin/customers/:id`."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from django.http import HttpRequest, HttpResponse

from customers import services
from customers.core.http.json_response import json_response, to_json
from customers.core.postgres import custom_plan
from customers.groups import services as groups
from customers.groups.models import CustomerGroup
from customers.medusa import counting, query_string, serializers
from customers.medusa.base import AdminView
from customers.medusa.class_validator import (
    IS_ARRAY,
    IS_EMAIL,
    IS_OBJECT,
    IS_SHORT_ARRAY,
    IS_STRING,
    Property,
    is_at_most,
    optional,
    validated,
)
from customers.medusa.errors import Duplicate, InvalidData, NotFound
from customers.models import User, UserType
from customers.validation import EmailTaken
from oauth.scopes import Scope

NAME = (IS_STRING, is_at_most(255))
NEW_CUSTOMER = {
    "email": Property((IS_EMAIL,)),
    "first_name": Property(NAME),
    "last_name": Property(NAME),
    "password": Property((IS_STRING,)),
    "phone": optional(IS_STRING),
    "metadata": optional(IS_OBJECT),
}
CHANGES = {
    "email": optional(IS_EMAIL),
    "first_name": optional(*NAME),
    "last_name": optional(*NAME),
    "password": optional(IS_STRING),
    "phone": optional(IS_STRING),
    "metadata": optional(IS_OBJECT),
    "groups": optional(IS_ARRAY, IS_SHORT_ARRAY, each={"id": Property((IS_STRING,))}),
}
DEFAULT_RELATIONS = ("orders", "shipping_addresses")  # of one customer, unless `expand` names others
PAGING_PARAMS = ("limit", "offset", "order", "expand", "fields")  # parameters that do not filter
EMAIL_FIXED = "Email cannot be changed when the user has registered their account"


class Customers(AdminView):
    scopes = {"GET": Scope.USERS_READ, "POST": Scope.USERS_WRITE}

    def get(self, request: HttpRequest) -> dict[str, Any]:
        return list_customers(validated(query_string.read(request), query_string.CUSTOMERS_PARAMS))

    def post(self, request: HttpRequest) -> HttpResponse:
        fields = to_core_fields(self.body(NEW_CUSTOMER))
        password = fields.pop("password")
        try:
            user = services.create_user(by=self.caller.actor, password=password, **fields)
        except EmailTaken:
            raise email_taken(fields["email"], has_account=bool(password)) from None
        self.subject_id = user.pk
        return json_response({"customer": serializers.new_customer(user, has_account=bool(password))}, 201)


class Customer(AdminView):
    scopes = {"GET": Scope.USERS_READ, "POST": Scope.USERS_WRITE}

    def get(self, request: HttpRequest, id: str) -> dict[str, Any]:
        relations = self.relations(request)
        return render(get_or_404(id), relations)

    def post(self, request: HttpRequest, id: str) -> dict[str, Any]:
        relations = self.relations(request)
        changes = to_core_fields(self.body(CHANGES))
        if "email" in changes and changes["email"] is None:
            raise InvalidData(IS_EMAIL.text.format("email"))  # optional, but not null
        self.subject_id = get_or_404(id)["id"]
        wanted = changes.pop("groups", None)
        update(
            self.subject_id,
            by=self.caller.actor,
            precondition=check_email_change(self.subject_id) if "email" in changes else None,
            group_ids=None if wanted is None else [group.pk for group in groups_or_404(wanted)],
            metadata_changes=changes.pop("metadata", None),
            **changes,
        )
        return render(get_or_404(id), relations)

    def relations(self, request: HttpRequest) -> list[str]:
        params = validated(query_string.read(request), query_string.RETRIEVE_PARAMS)
        return query_string.relations(params, serializers.RELATIONS, DEFAULT_RELATIONS)


def list_customers(params: dict[str, Any], in_groups: list[CustomerGroup] | None = None) -> dict[str, Any]:
    """`{customers, count, offset, limit}` for validated parameters; with `in_groups` only members of these groups."""
    page, relations = query_string.page(params), query_string.relations(params, serializers.RELATIONS)
    order = query_string.order(params, query_string.CUSTOMER_ORDER)
    in_groups = query_string.groups(params) if in_groups is None else in_groups
    people = query_string.customers(params, in_groups)
    filters = {name: params[name] for name in sorted(params) if name not in PAGING_PARAMS}
    with custom_plan() if filters else nullcontext():
        if (
            not filters
            and in_groups is None
            and page.offset == 0
            and isinstance(page.limit, int)
            and not params.get("order")
        ):
            page_rows = serializers.newest_customers(page.limit)()
        else:
            page_rows = list(page.slice(serializers.with_billing_address(people).order_by(*order)))
        kind = to_json([filters, in_groups and [group.pk for group in in_groups]]).decode()
        count = counting.cached_count(kind, people)
    with_groups = relations if in_groups is None or "groups" in relations else [*relations, "groups"]
    customers = serializers.customers(page_rows, with_groups)
    if in_groups is not None and "groups" not in relations:
        keep_groups(customers, {serializers.group_id(group) for group in in_groups})
    return {"customers": customers, "count": count, "offset": page.offset, "limit": page.limit}


def keep_groups(customers: list[serializers.Row], ids: set[str]) -> None:
    """A list of the members of groups shows these groups only."""
    for customer in customers:
        customer["groups"] = [group for group in customer["groups"] if group["id"] in ids]


def get_or_404(id: str) -> serializers.Row:
    """Raises NotFound, also for the id of a member of staff."""
    row = serializers.customer_with_id(id)
    if row is None:
        raise NotFound(f"Customer with id: {id} was not found")
    return row


def render(row: serializers.Row, relations: list[str]) -> dict[str, Any]:
    return {"customer": serializers.customers([row], relations)[0]}


def to_core_fields(body: dict[str, Any]) -> dict[str, Any]:
    fields = {"phone_number" if name == "phone" else name: value for name, value in body.items()}
    if fields.get("email"):
        fields["email"] = fields["email"].lower()
    return fields


def update(customer_id: int, **changes: Any) -> None:
    """`groups.update_customer` with Medusa's errors. Raises Duplicate and NotFound."""
    try:
        groups.update_customer(customer_id, **changes)
    except EmailTaken:
        account = "t" if changes.get("password") else "f"
        raise Duplicate(f"Customer with email, has_account {changes['email']}, {account} already exists.") from None


def check_email_change(customer_id: int) -> Callable[[], None]:
    def check() -> None:
        if User.objects.filter(pk=customer_id, has_account=True).exists():
            raise InvalidData(EMAIL_FIXED)

    return check


def groups_or_404(named: list[dict[str, str]]) -> list[CustomerGroup]:
    """Raises NotFound for the first group that does not exist."""
    known = serializers.groups_with_ids(group["id"] for group in named)
    ids = {serializers.group_id(group) for group in known}
    for group in named:
        if group["id"] not in ids:
            raise NotFound(f"Customer_group with customer_group_id {group['id']} does not exist.")
    return known


def email_taken(email: str, *, has_account: bool) -> Duplicate:
    holder = User.objects.with_email(email).values_list("has_account", "user_type").first()
    if holder is None:  # the holder has changed their email in the meantime
        return Duplicate(f"Customer with email, has_account {email}, {'t' if has_account else 'f'} already exists.")
    if holder[0] or holder[1] == UserType.DASHBOARD:
        return Duplicate("A customer with the given email already has an account. Log in instead")
    return Duplicate("Guest customer with email already exists")
