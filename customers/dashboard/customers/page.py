"""The page of one customer: a summary, the form, orders and subscriptions, notes and the timeline."""

from typing import cast

from django.contrib import admin
from django.core.paginator import Paginator
from django.http import Http404, HttpResponseRedirect
from django.urls import reverse

from customers import services, timeline
from customers.dashboard.customers.actions import actor
from customers.dashboard.customers.forms import (
    ADDRESSES_PER_PAGE,
    AddressForm,
    AddressFormSet,
    CustomerForm,
    NoteForm,
    save,
)
from customers.dashboard.service_errors import ServiceErrorsAdmin
from customers.groups import services as groups
from customers.groups.models import CustomerGroup
from customers.models import Address, User

MAX_ORDERS = 20
MAX_NEW_ADDRESSES = 50  # in one request
READ_ONLY = (
    "type", "order_count", "subscriptions_count", "total_spent", "ip_address", "user_agent", "date_joined",
    "updated_at",
)  # fmt: skip


class AddressInline(admin.StackedInline):
    """Addresses have no permissions of their own: the permissions for customers hold for them."""

    model = Address
    form = AddressForm
    formset = AddressFormSet
    extra = 0
    classes = ("collapse",)
    fields = (
        ("first_name", "last_name"),
        "line1",
        ("line2", "line3"),
        ("postcode", "line4"),
        ("state", "country"),
        "phone_number",
        "notes",
        ("is_default_for_shipping", "is_default_for_billing"),
    )

    def get_formset(self, request, obj=None, **options):
        rows = MAX_NEW_ADDRESSES + ADDRESSES_PER_PAGE
        options = {"max_num": rows, "absolute_max": rows, **options}
        formset = cast(type[AddressFormSet], super().get_formset(request, obj, **options))
        formset.service_error = getattr(request, "service_error", None)
        formset.page = request.GET.get("addresses", "1")
        return formset

    def has_view_permission(self, request, obj=None):
        return request.user.has_perm("customers.view_customer")

    def has_change_permission(self, request, obj=None):
        return request.user.has_perm("customers.change_customer" if obj else "customers.add_customer")

    has_add_permission = has_delete_permission = has_change_permission


class CustomerPageAdmin(ServiceErrorsAdmin):
    form = CustomerForm
    inlines = (AddressInline,)
    readonly_fields = (*READ_ONLY, "tags_as_text", "groups_as_text")
    change_form_template = "dashboard/customers/page.html"
    empty_value_display = "—"

    class Media:
        css = {"all": ["dashboard/customer.css"]}
        js = ["dashboard/customer.js"]

    def get_fieldsets(self, request, obj=None):
        may_change = obj is None or self.has_change_permission(request, obj)
        tags = "tags" if may_change else "tags_as_text"
        has_groups = bool(obj) and CustomerGroup.objects.exists()
        group_fields = ("customer_groups" if may_change else "groups_as_text",) if has_groups else ()
        fieldsets = [
            (
                None,
                {
                    "fields": (
                        "email",
                        ("first_name", "last_name"),
                        ("phone_number", "language"),
                        tags,
                        *group_fields,
                        "accepts_marketing",
                    )
                },
            ),
            ("Metadata", {"fields": ("metadata",), "classes": ["collapse"]}),
        ]
        return [*fieldsets, ("Activity", {"fields": READ_ONLY, "classes": ["collapse"]})] if obj else fieldsets

    def changeform_view(self, request, *args, **options):
        try:
            return super().changeform_view(request, *args, **options)
        except User.DoesNotExist:
            raise Http404 from None

    def save_model(self, request, obj, form, change):
        """`save_related` saves the customer together with the addresses."""

    def save_related(self, request, form, formsets, change):
        save(form, formsets[0], actor(request))
        form.instance.refresh_from_db()

    def construct_change_message(self, request, form, formsets, add=False):
        return []

    def log_addition(self, request, obj, message):
        """Nothing: the timeline has it, and is erased with the customer; the admin site's own log would not be."""

    log_change = log_addition

    def history_view(self, request, object_id, extra_context=None):
        return HttpResponseRedirect(reverse("admin:customers_customer_change", args=[object_id]) + "#timeline")

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        if obj:
            context.update(self.page_context(request, obj))
        return super().render_change_form(request, context, add, change, form_url, obj)

    def page_context(self, request, customer):
        hidden = [
            kind for kind in ("order", "subscription", "cart") if not request.user.has_perm(f"orders.view_{kind}")
        ]
        page = timeline.read(customer.pk, before=request.GET.get("before", ""), without=hidden)
        notes = [entry.row for entry in page.entries if entry.kind == "note"]
        may_change = self.has_change_permission(request, customer)
        return {
            "customer": customer,
            "orders": [
                (rows.model._meta, list(rows.newest_first().defer("document")[: MAX_ORDERS + 1]))
                for kind, rows in (("order", customer.orders), ("subscription", customer.subscriptions))
                if kind not in hidden
            ],
            "timeline": page,
            "consent": timeline.consents([customer.pk]).get(customer.pk),
            "addresses": Paginator(customer.addresses.order_by("pk"), ADDRESSES_PER_PAGE).get_page(
                request.GET.get("addresses", "1")
            ),
            "editable_notes": [
                note.pk for note in notes if may_change and services.may_edit_note(note, actor(request))
            ],
            "note_form": NoteForm() if may_change else None,
        }

    @admin.display(description="IP address")
    def ip_address(self, customer):
        return customer.ip or self.empty_value_display

    @admin.display(description="Groups")
    def groups_as_text(self, customer):
        return ", ".join(group.name for group in groups.groups_of(customer.pk)) or self.empty_value_display

    @admin.display(description="Tags")
    def tags_as_text(self, customer):
        return ", ".join(customer.tags)
