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
from customers.medusa import counting, queries, rows
from customers.medusa.base import AdminView
from customers.medusa.errors import Duplicate, InvalidData, NotFound
from customers.medusa.validation import (
    IS_ARRAY,
    IS_EMAIL,
    IS_OBJECT,
    IS_STRING,
    Property,
    is_at_most,
    optional,
    validated,
)
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
    "groups": optional(IS_ARRAY, each={"id": Property((IS_STRING,))}),
}
EMBEDDED = ("orders", "shipping_addresses")  # of one customer, unless `expand` names others
OF_PAGES = ("limit", "offset", "order", "expand", "fields")  # what changes nothing about who is asked for
EMAIL_FIXED = "Email cannot be changed when the user has registered their account"


class Customers(AdminView):
    scopes = {"GET": Scope.USERS_READ, "POST": Scope.USERS_WRITE}

    def get(self, request: HttpRequest) -> dict[str, Any]:
        return listed(validated(queries.read(request), queries.OF_CUSTOMERS))

    def post(self, request: HttpRequest) -> HttpResponse:
        fields = in_our_words(self.body(NEW_CUSTOMER))
        password = fields.pop("password")
        try:
            user = services.create_user(by=self.caller.actor, password=password, **fields)
        except EmailTaken:
            raise taken(fields["email"], has_account=bool(password)) from None
        self.about = user.pk
        return json_response({"customer": rows.new_customer(user, has_account=bool(password))}, 201)


class Customer(AdminView):
    scopes = {"GET": Scope.USERS_READ, "POST": Scope.USERS_WRITE}

    def get(self, request: HttpRequest, id: str) -> dict[str, Any]:
        relations = self.relations(request)
        return shown(found(id), relations)

    def post(self, request: HttpRequest, id: str) -> dict[str, Any]:
        relations = self.relations(request)
        changes = in_our_words(self.body(CHANGES))
        if "email" in changes and changes["email"] is None:
            raise InvalidData(IS_EMAIL.text.format("email"))  # it may be left out, and that is all
        self.about = found(id)["id"]
        wanted = changes.pop("groups", None)
        update(
            self.about,
            by=self.caller.actor,
            precondition=may_change_email_of(self.about) if "email" in changes else None,
            group_ids=None if wanted is None else [group.pk for group in known_groups(wanted)],
            metadata_changes=changes.pop("metadata", None),
            **changes,
        )
        return shown(found(id), relations)

    def relations(self, request: HttpRequest) -> list[str]:
        asked = validated(queries.read(request), queries.OF_ONE)
        return queries.relations(asked, rows.RELATIONS, EMBEDDED)


def listed(asked: dict[str, Any], in_groups: list[CustomerGroup] | None = None) -> dict[str, Any]:
    """`{customers, count, offset, limit}` for a validated query; `in_groups`: of nobody else."""
    page, relations = queries.page(asked), queries.relations(asked, rows.RELATIONS)
    order = queries.order(asked, queries.CUSTOMER_ORDER)
    in_groups = queries.groups(asked) if in_groups is None else in_groups
    people = queries.customers(asked, in_groups)
    filters = {name: asked[name] for name in sorted(asked) if name not in OF_PAGES}
    with custom_plan() if filters else nullcontext():
        if not filters and in_groups is None and page.offset == 0 and not asked.get("order"):
            of_page = rows.newest_customers(page.limit)()
        else:
            of_page = list(page.of(rows.with_billing_address(people).order_by(*order)))
        kind = to_json([filters, in_groups and [group.pk for group in in_groups]]).decode()
        count = counting.count_of(kind, people)
    with_groups = relations if in_groups is None or "groups" in relations else [*relations, "groups"]
    customers = rows.customers(of_page, with_groups)
    if in_groups is not None and "groups" not in relations:
        keep_groups(customers, {rows.group_id(group) for group in in_groups})
    return {"customers": customers, "count": count, "offset": page.offset, "limit": page.limit}


def keep_groups(customers: list[rows.Row], ids: set[str]) -> None:
    """Who asks for the members of groups is shown these groups, and no others."""
    for customer in customers:
        customer["groups"] = [group for group in customer["groups"] if group["id"] in ids]


def found(id: str) -> rows.Row:
    """Raises NotFound, for staff too."""
    row = rows.customer_with_id(id)
    if row is None:
        raise NotFound(f"Customer with id: {id} was not found")
    return row


def shown(row: rows.Row, relations: list[str]) -> dict[str, Any]:
    return {"customer": rows.customers([row], relations)[0]}


def in_our_words(body: dict[str, Any]) -> dict[str, Any]:
    fields = {"phone_number" if name == "phone" else name: value for name, value in body.items()}
    if fields.get("email"):
        fields["email"] = fields["email"].lower()
    return fields


def update(customer_id: int, **changes: Any) -> None:
    """As `groups.update_customer`. Raises Duplicate and NotFound in Medusa's words."""
    try:
        groups.update_customer(customer_id, **changes)
    except EmailTaken:
        account = "t" if changes.get("password") else "f"
        raise Duplicate(f"Customer with email, has_account {changes['email']}, {account} already exists.") from None


def may_change_email_of(customer_id: int) -> Callable[[], None]:
    def check() -> None:
        if User.objects.filter(pk=customer_id, has_account=True).exists():
            raise InvalidData(EMAIL_FIXED)

    return check


def known_groups(named: list[dict[str, str]]) -> list[CustomerGroup]:
    """Raises NotFound for the first that is not there."""
    known = rows.groups_with_ids(group["id"] for group in named)
    ids = {rows.group_id(group) for group in known}
    for group in named:
        if group["id"] not in ids:
            raise NotFound(f"Customer_group with customer_group_id {group['id']} does not exist.")
    return known


def taken(email: str, *, has_account: bool) -> Duplicate:
    holder = User.objects.filter(email__lower=email.lower()).values_list("has_account", "user_type").first()
    if holder is None:  # whoever had it a moment ago has another one now
        return Duplicate(f"Customer with email, has_account {email}, {'t' if has_account else 'f'} already exists.")
    if holder[0] or holder[1] == UserType.DASHBOARD:
        return Duplicate("A customer with the given email already has an account. Log in instead")
    return Duplicate("Guest customer with email already exists")
