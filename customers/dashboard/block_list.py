"""The block list: who is blocked, who did it, when, why and until when. A row leads to the customer's page."""

from django.contrib import admin
from django.db.models import Q
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html

from customers.dashboard.list_filters import YesOrNoFilter
from customers.dashboard.read_only import ReadOnlyAdmin
from customers.dashboard.templatetags.shop import when
from customers.models import BlockedCustomer


class EndFilter(YesOrNoFilter):
    title, parameter_name = "end", "ends"
    yes, no = "With an end", "Without an end"

    def condition(self, is_yes):
        return Q(blocked_until__isnull=not is_yes)


@admin.register(BlockedCustomer)
class BlockListAdmin(ReadOnlyAdmin):
    list_display = ("customer", "email", "reason", "since", "by", "until")
    list_display_links = None
    list_filter = (EndFilter,)
    list_select_related = ("blocked_by",)
    list_per_page = 50
    ordering = ("-blocked_at", "-id")
    sortable_by = ("since", "until")
    search_fields = ("search_text",)
    search_help_text = "Search by name, email or phone"
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # each is a count of the whole list
    empty_value_display = "—"

    class Media:
        css = {"all": ["dashboard/customers.css"]}

    def get_search_results(self, request, queryset, search_term):
        return (queryset.search(search_term) if search_term.strip() else queryset), False

    def change_view(self, request, object_id, form_url="", extra_context=None):
        return HttpResponseRedirect(reverse("admin:customers_customer_change", args=[object_id]))

    def history_view(self, request, object_id, extra_context=None):
        return self.change_view(request, object_id)

    @admin.display
    def customer(self, person):
        return format_html('<a href="{}">{}</a>', reverse("admin:customers_customer_change", args=[person.pk]), person)

    @admin.display
    def reason(self, person):
        return person.block_reason or None

    @admin.display(ordering="blocked_at")
    def since(self, person):
        return when(person.blocked_at)

    @admin.display
    def by(self, person):
        return person.blocked_by

    @admin.display(ordering="blocked_until")
    def until(self, person):
        return when(person.blocked_until)

    def has_view_permission(self, request, obj=None):
        return request.user.has_perm("customers.view_customer")

    has_module_permission = has_view_permission
