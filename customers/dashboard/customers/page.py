"""The page of one customer: the facts first, each card with a link that edits it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Max
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from customers import services, timeline
from customers.dashboard.customers.actions import WHAT_A_BLOCK_MEANS, actor
from customers.dashboard.customers.editing import EditingAdmin
from customers.dashboard.customers.forms import PARTS, CustomerForm, NoteForm
from customers.dashboard.customers.merging import hints_about
from customers.groups import services as groups
from customers.metadata import services as definitions
from customers.metadata import values
from customers.models import Customer, Event
from oauth.errors import ServiceError

MAX_ORDERS = 5
MAX_APPS = 10
ADDRESSES_PER_PAGE = 20
DANGEROUS = ("block", "erase", "undo_merge")  # beside the merge, which needs a second customer
ERASE = "erase"


@dataclass(frozen=True, slots=True)
class CustomField:
    """A value of the metadata. `type`: empty for a key without a definition, whose value is shown as JSON."""

    name: str
    type: str
    value: Any


class CustomerPageAdmin(EditingAdmin):
    def change_view(self, request, object_id, form_url="", extra_context=None) -> HttpResponse:
        """Only to read: each form has a URL of its own."""
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        if not self.has_view_permission(request):
            raise PermissionDenied
        customer = self.get_object(request, object_id)
        if customer is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined]  # not in the stubs
        context = self.page_context(request, customer)
        return render(request, "dashboard/customers/page.html", {**self.admin_site.each_context(request), **context})

    def history_view(self, request, object_id, extra_context=None):
        return HttpResponseRedirect(reverse("admin:customers_customer_change", args=[object_id]) + "#timeline")

    def log_change(self, request, obj, message):
        """Nothing: the timeline has it, and is erased with the customer; the admin site's own log would not be."""

    def confirm(self, action, request, object_id):
        """An erased customer has one action left: to erase what was stored since then."""
        customer = self.get_object(request, object_id)
        if customer and customer.is_erased and action is not self.confirmed_actions()[ERASE]:
            raise PermissionDenied
        return super().confirm(action, request, object_id)

    def page_context(self, request: HttpRequest, customer: Customer) -> dict[str, Any]:
        hidden = [
            kind for kind in ("order", "subscription", "cart") if not request.user.has_perm(f"orders.view_{kind}")
        ]
        may_change = self.has_change_permission(request) and not customer.is_erased
        page = timeline.read(customer.pk, before=request.GET.get("before", ""), without=hidden)
        notes = [entry.row for entry in page.entries if entry.kind == "note"]
        context = {
            "opts": self.opts,
            "original": customer,
            "customer": customer,
            "title": str(customer),
            "may_change": may_change,
            "orders": [
                (rows.model._meta, list(rows.newest_first().defer("document")[: MAX_ORDERS + 1]))
                for kind, rows in (("order", customer.orders), ("subscription", customer.subscriptions))
                if kind not in hidden
            ],
            "max_orders": MAX_ORDERS,
            "timeline": page,
            "editable_notes": [
                note.pk for note in notes if may_change and services.may_edit_note(note, actor(request))
            ],
            "note_form": NoteForm() if may_change else None,
        }
        if customer.is_erased:
            return {**context, "erased": customer.events.filter(kind=Event.Kind.ERASED).order_by("-at").first()}
        actions = self.offered_actions(request, customer)
        return {
            **context,
            "hints": hints_about(customer),
            "actions": [(name, action) for name, action in actions if name not in DANGEROUS],
            "dangerous_actions": [(name, action) for name, action in actions if name in DANGEROUS],
            "block_meaning": WHAT_A_BLOCK_MEANS,
            "consent": timeline.consents([customer.pk]).get(customer.pk),
            "addresses": addresses_of(customer, request.GET.get("addresses", "1")),
            "tags_form": CustomerForm(instance=customer, part=PARTS["tags"]) if may_change else None,
            "groups": groups.groups_of(customer.pk),
            "custom_fields": custom_fields_of(customer),
            "apps": apps_of(customer),
        }


def addresses_of(customer: Customer, page: str):
    """The default addresses come first."""
    book = customer.addresses.order_by("-is_default_for_shipping", "-is_default_for_billing", "pk")
    return Paginator(book, ADDRESSES_PER_PAGE).get_page(page)


def custom_fields_of(customer: Customer) -> list[CustomField]:
    """The defined ones in the order of their names, then the others. Fields without a value are left out."""
    metadata = {key: value for key, value in (customer.metadata or {}).items() if value not in (None, "", [])}
    if not metadata:
        return []
    shown = [
        CustomField(each.name, each.type, metadata.pop(each.key))
        if has_type(metadata[each.key], each.type)
        else CustomField(each.name, "", as_json(metadata.pop(each.key)))
        for each in definitions.customer_definitions()
        if each.key in metadata
    ]
    return [*shown, *(CustomField(key, "", as_json(value)) for key, value in metadata.items())]


def has_type(value: Any, type: str) -> bool:
    """Not if the value is older than the definition. A link to a file, for one, is shown only if it is one."""
    try:
        values.clean(value, type, [])
    except ServiceError:
        return False
    return True


def as_json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def apps_of(customer: Customer) -> Sequence[Mapping[str, Any]]:
    """The apps that changed the customer, the latest first."""
    events = customer.events.filter(app__isnull=False).values("app_id", "app__name", "app__kind")
    return list(events.annotate(at=Max("at")).order_by("-at")[:MAX_APPS])
