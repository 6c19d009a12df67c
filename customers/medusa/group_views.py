"""Groups of customers: `/admin/customer-groups` and what is below it."""

from typing import Any

from django.http import HttpRequest

from customers.core.http.json_response import to_json
from customers.groups import services
from customers.groups.models import CustomerGroup
from customers.medusa import queries, rows, views
from customers.medusa.base import AdminView
from customers.medusa.errors import Duplicate, NotFound
from customers.medusa.validation import IS_ARRAY, IS_OBJECT, IS_STRING, Property, is_at_most, optional, validated
from customers.models import Customer
from oauth.scopes import Scope

DEFAULT_LIMIT = 10
NAME = (IS_STRING, is_at_most(services.MAX_NAME_LENGTH))
NEW_GROUP = {"name": Property(NAME), "metadata": optional(IS_OBJECT)}
CHANGES = {"name": optional(*NAME), "metadata": optional(IS_OBJECT)}
BATCH = {"customer_ids": Property((IS_ARRAY,), each={"id": Property((IS_STRING,))})}
RELATIONS = ("customers",)


class Groups(AdminView):
    scopes = {"GET": Scope.USERS_READ, "POST": Scope.USERS_WRITE}

    def get(self, request: HttpRequest) -> dict[str, Any]:
        asked = validated(queries.read(request), queries.OF_GROUPS)
        page, relations = queries.page(asked, DEFAULT_LIMIT), queries.relations(asked, RELATIONS)
        found = queries.customer_groups(asked)
        groups = page.of(found.order_by(*queries.order(asked, queries.GROUP_ORDER)))
        return {
            "count": found.count(),
            "customer_groups": [shown(group, relations) for group in groups],
            "offset": page.offset,
            "limit": page.limit,
        }

    def post(self, request: HttpRequest) -> dict[str, Any]:
        fields = self.body(NEW_GROUP)
        try:
            group = services.create_group(**fields)
        except services.NameTaken:
            raise Duplicate(f"Key (name)=({fields['name']}) already exists.") from None
        return {"customer_group": shown(group)}


class Group(AdminView):
    scopes = {"GET": Scope.USERS_READ, "POST": Scope.USERS_WRITE, "DELETE": Scope.USERS_WRITE}

    def get(self, request: HttpRequest, id: str) -> dict[str, Any]:
        relations = self.relations(request)
        return {"customer_group": shown(found(id), relations)}

    def post(self, request: HttpRequest, id: str) -> dict[str, Any]:
        relations = self.relations(request)
        fields = self.body(CHANGES)
        try:
            group = services.update_group(
                found(id).pk, name=fields.get("name"), metadata_changes=fields.get("metadata")
            )
        except services.NameTaken:
            raise Duplicate(f"Customer_group with name {fields['name']} already exists.") from None
        return {"customer_group": shown(group, relations)}

    def delete(self, request: HttpRequest, id: str) -> dict[str, Any]:
        """Of one that is not there, too."""
        if group := rows.group_with_id(id):
            services.delete_group(group.pk, by=self.caller.actor)
        return {"id": id, "object": "customer_group", "deleted": True}

    def relations(self, request: HttpRequest) -> list[str]:
        return queries.relations(validated(queries.read(request), queries.OF_ONE), RELATIONS)


class CustomersOfGroup(AdminView):
    scopes = {"GET": Scope.USERS_READ}

    def get(self, request: HttpRequest, id: str) -> dict[str, Any]:
        """Of a group that is not there, nobody."""
        asked = validated(queries.read(request), queries.OF_CUSTOMERS_IN_GROUP)
        return views.listed(asked, rows.groups_with_ids([id]))


class Batch(AdminView):
    scopes = {"POST": Scope.USERS_WRITE, "DELETE": Scope.USERS_WRITE}

    def post(self, request: HttpRequest, id: str) -> dict[str, Any]:
        wanted = self.wanted()
        group = found(id)
        known = rows.customers_with_ids(wanted)
        if unknown := [text for text in wanted if text not in known]:
            listed = ", ".join(unknown)
            raise NotFound(f"The following customer ids do not exist: {to_json(listed).decode()}")
        group = services.add_customers(group.pk, list(known.values()), by=self.caller.actor)
        return {"customer_group": shown(group)}

    def delete(self, request: HttpRequest, id: str) -> dict[str, Any]:
        wanted = self.wanted()
        group = services.remove_customers(
            found(id).pk, list(rows.customers_with_ids(wanted).values()), by=self.caller.actor
        )
        return {"customer_group": shown(group)}

    def wanted(self) -> list[str]:
        return list(dict.fromkeys(customer["id"] for customer in self.body(BATCH)["customer_ids"]))


def found(id: str) -> CustomerGroup:
    """Raises NotFound."""
    group = rows.group_with_id(id)
    if group is None:
        raise NotFound(f"CustomerGroup with id {id} was not found")
    return group


def shown(group: CustomerGroup, relations: list[str] | tuple[str, ...] = ()) -> rows.Row:
    row = rows.group({name: getattr(group, name) for name in rows.GROUP_COLUMNS})
    if "customers" in relations:
        people = rows.with_billing_address(Customer.objects.filter(customer_groups=group).newest_first())
        row["customers"] = rows.customers(list(people), ())
    return row
