"""Customers: `/admin/customers` and `/admin/customers/:id`."""

from collections.abc import Collection, Iterable
from contextlib import nullcontext
from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse

from customers import customer_places, services
from customers.core.http.json_response import json_response, to_json
from customers.core.postgres import custom_plan
from customers.groups import services as groups
from customers.groups.models import CustomerGroup
from customers.medusa import counting, ids, query_string, serializers, short_searches
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
from oauth.actor import Actor
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
            person = services.insert_user(by=self.caller.actor, password=password, **fields).person
        except EmailTaken:
            raise email_taken(fields["email"], has_account=bool(password)) from None
        self.subject_id = person["id"]
        return json_response({"customer": serializers.new_customer(person, has_account=bool(password))}, 201)


class Customer(AdminView):
    scopes = {"GET": Scope.USERS_READ, "POST": Scope.USERS_WRITE}

    def get(self, request: HttpRequest, id: str) -> dict[str, Any]:
        relations = self.relations(request)
        return render(get_or_404(id, relations), relations)

    def post(self, request: HttpRequest, id: str) -> dict[str, Any]:
        relations = self.relations(request)
        changes = to_core_fields(self.body(CHANGES))
        if "email" in changes and changes["email"] is None:
            raise InvalidData(IS_EMAIL.text.format("email"))  # optional, but not null
        update(id, by=self.caller.actor, named_groups=changes.pop("groups", None), **changes)
        row = get_or_404(id, relations)
        self.subject_id = row["id"]
        return render(row, relations)

    def relations(self, request: HttpRequest) -> list[str]:
        params = validated(query_string.read(request), query_string.RETRIEVE_PARAMS)
        return query_string.relations(params, serializers.RELATIONS, DEFAULT_RELATIONS)


def list_customers(params: dict[str, Any], in_groups: list[CustomerGroup] | None = None) -> dict[str, Any]:
    """`{customers, count, offset, limit}` for validated parameters; with `in_groups` only members of these groups."""
    page, relations = query_string.page(params), query_string.relations(params, serializers.RELATIONS)
    order = query_string.order(params, query_string.CUSTOMER_ORDER)
    in_groups = query_string.groups(params) if in_groups is None else in_groups
    find = partial(query_string.customers, params, in_groups)
    filters = {name: params[name] for name in sorted(params) if name not in PAGING_PARAMS}
    is_filtered = filters or in_groups is not None
    start = start_of_page(page, order, filters) if in_groups is None else None

    def count_found() -> int:
        number = kept_number(params, filters.keys()) if in_groups is None else None
        return find().count() if number is None else number

    with custom_plan() if filters else nullcontext():
        if page.size and not (is_filtered or page.start or params.get("order")):
            page_rows = serializers.newest_customers(page.size, frozenset(relations))()
        else:
            rows, skipped = (find().filter(start.condition), start.skipped) if start else (find(), 0)
            # First the ids, which an index may hold: so PostgreSQL does not read the rows that it skips.
            page_ids = page.slice(rows.order_by(*order).values("pk"), skipped)
            page_rows = list(serializers.customer_rows(frozenset(relations)).filter(pk__in=page_ids).order_by(*order))
        kind = to_json([filters, in_groups and [group.pk for group in in_groups]]).decode() if is_filtered else ""
        if is_filtered and page_rows and len(page_rows) < page.size:
            count = page.start + len(page_rows)  # the page is the last one
        else:
            count = counting.count_of_customers(kind, count_found)
    with_groups = relations if in_groups is None or "groups" in relations else [*relations, "groups"]
    customers = serializers.customers(page_rows, with_groups)
    if in_groups is not None and "groups" not in relations:
        keep_groups(customers, {serializers.group_id(group) for group in in_groups})
    return {"customers": customers, "count": count, "offset": page.offset, "limit": page.limit}


def kept_number(params: dict[str, Any], filters: Collection[str]) -> int | None:
    """The number of customers that some filters match, if a worker keeps it or a part of it."""
    if filters == {"created_at"}:
        return query_string.number_joined(params)
    return short_searches.kept_number(params["q"]) if filters == {"q"} else None


def start_of_page(page: query_string.Page, order: list[Any], filters: dict[str, Any]) -> customer_places.Start | None:
    """Where to begin on the way to a page far down the list of all customers, or of all guests."""
    joined = query_string.CUSTOMER_ORDER["created_at"]
    newest_first = order == [f"-{column}" for column in joined]
    only_guests = filters == {"has_account": "false"}
    if (filters and not only_guests) or not (newest_first or order == joined):
        return None
    return customer_places.start_of_page(page.start, newest_first=newest_first, only_guests=only_guests)


def keep_groups(customers: list[serializers.Row], group_ids: set[str]) -> None:
    """A list of the members of groups shows these groups only."""
    for customer in customers:
        customer["groups"] = [group for group in customer["groups"] if group["id"] in group_ids]


def get_or_404(id: str, relations: Iterable[str] = ()) -> serializers.Row:
    """Raises NotFound, also for the id of a member of staff."""
    row = serializers.customer_with_id(id, relations)
    if row is None:
        raise not_found(id)
    return row


def not_found(id: str) -> NotFound:
    return NotFound(f"Customer with id: {id} was not found")


def render(row: serializers.Row, relations: list[str]) -> dict[str, Any]:
    return {"customer": serializers.customers([row], relations)[0]}


def to_core_fields(body: dict[str, Any]) -> dict[str, Any]:
    fields = {"phone_number" if name == "phone" else name: value for name, value in body.items()}
    if fields.get("email"):
        fields["email"] = fields["email"].lower()
    return fields


def update(id: str, *, by: Actor, named_groups: list[dict[str, str]] | None, **changes: Any) -> None:
    """`groups.update_customer` with Medusa's errors. Raises NotFound, InvalidData, Duplicate, ServiceError."""
    number = ids.decoded(ids.CUSTOMER, id)
    if number is None:
        raise not_found(id)
    group_ids = None
    if named_groups is not None:
        get_or_404(id)  # an unknown customer is an earlier error than an unknown group
        group_ids = [group.pk for group in groups_or_404(named_groups)]

    def check(user: User) -> None:
        if user.is_staff or serializers.customer_id(vars(user)) != id:
            raise not_found(id)
        if "email" in changes and user.has_account:
            raise InvalidData(EMAIL_FIXED)

    metadata_changes = changes.pop("metadata", None)
    try:
        groups.update_customer(
            number, by=by, precondition=check, group_ids=group_ids, metadata_changes=metadata_changes, **changes
        )
    except User.DoesNotExist:
        raise not_found(id) from None
    except EmailTaken:
        account = "t" if changes.get("password") else "f"
        raise Duplicate(f"Customer with email, has_account {changes['email']}, {account} already exists.") from None


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
