"""Groups of customers: `/admin/customer-groups` and the paths below it."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from customers.core.http.json_response import to_json
from customers.groups import services
from customers.groups.models import MAX_NAME_LENGTH, CustomerGroup
from customers.medusa import customers, query_string, serializers
from customers.medusa.base import AdminView
from customers.medusa.class_validator import (
    IS_ARRAY,
    IS_OBJECT,
    IS_SHORT_ARRAY,
    IS_STRING,
    Property,
    is_at_most,
    optional,
    validated,
)
from customers.medusa.errors import Duplicate, NotFound
from oauth.scopes import Scope

DEFAULT_LIMIT = 10
NAME = (IS_STRING, is_at_most(MAX_NAME_LENGTH))
NEW_GROUP = {"name": Property(NAME), "metadata": optional(IS_OBJECT)}
CHANGES = {"name": optional(*NAME), "metadata": optional(IS_OBJECT)}
BATCH = {"customer_ids": Property((IS_ARRAY, IS_SHORT_ARRAY), each={"id": Property((IS_STRING,))})}
RELATIONS = ("customers",)


class Groups(AdminView):
    scopes = {"GET": Scope.USERS_READ, "POST": Scope.USERS_WRITE}

    def get(self, request: HttpRequest) -> dict[str, Any]:
        params = validated(query_string.read(request), query_string.GROUPS_PARAMS)
        page, relations = query_string.page(params, DEFAULT_LIMIT), query_string.relations(params, RELATIONS)
        matching = query_string.customer_groups(params)
        groups = page.slice(matching.order_by(*query_string.order(params, query_string.GROUP_ORDER)))
        return {
            "count": matching.count(),
            "customer_groups": [render(group, relations, of=len(groups)) for group in groups],
            "offset": page.offset,
            "limit": page.limit,
        }

    def post(self, request: HttpRequest) -> dict[str, Any]:
        fields = self.body(NEW_GROUP)
        try:
            group = services.create_group(**fields)
        except services.NameTaken:
            raise Duplicate(f"Key (name)=({fields['name']}) already exists.") from None
        return {"customer_group": render(group)}


class Group(AdminView):
    scopes = {"GET": Scope.USERS_READ, "POST": Scope.USERS_WRITE, "DELETE": Scope.USERS_WRITE}

    def get(self, request: HttpRequest, id: str) -> dict[str, Any]:
        relations = self.relations(request)
        return {"customer_group": render(get_or_404(id), relations)}

    def post(self, request: HttpRequest, id: str) -> dict[str, Any]:
        relations = self.relations(request)
        fields = self.body(CHANGES)
        try:
            group = services.update_group(
                get_or_404(id).pk, name=fields.get("name"), metadata_changes=fields.get("metadata")
            )
        except services.NameTaken:
            raise Duplicate(f"Customer_group with name {fields['name']} already exists.") from None
        return {"customer_group": render(group, relations)}

    def delete(self, request: HttpRequest, id: str) -> dict[str, Any]:
        """Deleting a group that does not exist gives 200, too."""
        if group := serializers.group_with_id(id):
            services.delete_group(group.pk, by=self.caller.actor)
        return {"id": id, "object": "customer_group", "deleted": True}

    def relations(self, request: HttpRequest) -> list[str]:
        return query_string.relations(validated(query_string.read(request), query_string.RETRIEVE_PARAMS), RELATIONS)


class CustomersOfGroup(AdminView):
    scopes = {"GET": Scope.USERS_READ}

    def get(self, request: HttpRequest, id: str) -> dict[str, Any]:
        """A group that does not exist has no customers."""
        params = validated(query_string.read(request), query_string.GROUP_MEMBERS_PARAMS)
        return customers.list_customers(params, serializers.groups_with_ids([id]))


class Batch(AdminView):
    scopes = {"POST": Scope.USERS_WRITE, "DELETE": Scope.USERS_WRITE}

    def post(self, request: HttpRequest, id: str) -> dict[str, Any]:
        wanted = self.wanted()
        group = get_or_404(id)
        known = serializers.customers_with_ids(wanted)
        if unknown := [text for text in wanted if text not in known]:
            listed = ", ".join(unknown)
            raise NotFound(f"The following customer ids do not exist: {to_json(listed).decode()}")
        group = services.add_customers(group.pk, list(known.values()), by=self.caller.actor)
        return {"customer_group": render(group)}

    def delete(self, request: HttpRequest, id: str) -> dict[str, Any]:
        wanted = self.wanted()
        group = services.remove_customers(
            get_or_404(id).pk, list(serializers.customers_with_ids(wanted).values()), by=self.caller.actor
        )
        return {"customer_group": render(group)}

    def wanted(self) -> list[str]:
        return list(dict.fromkeys(customer["id"] for customer in self.body(BATCH)["customer_ids"]))


def get_or_404(id: str) -> CustomerGroup:
    """Raises NotFound."""
    group = serializers.group_with_id(id)
    if group is None:
        raise NotFound(f"CustomerGroup with id {id} was not found")
    return group


def render(group: CustomerGroup, relations: list[str] | tuple[str, ...] = (), *, of: int = 1) -> serializers.Row:
    """One group `of` several in an answer. All groups of an answer have at most MEDUSA_MAX_LIMIT customers, in equal
    shares: the newest of each group, and one at least."""
    row = serializers.group({name: getattr(group, name) for name in serializers.GROUP_COLUMNS})
    if "customers" in relations:
        people = serializers.customer_rows().filter(customer_groups=group).newest_first()
        row["customers"] = serializers.customers(list(people[: max(settings.MEDUSA_MAX_LIMIT // of, 1)]), ())
    return row
