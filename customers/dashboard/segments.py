"""Segments: searches and filters of the list of customers that are saved under a name."""

import json
from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import capfirst

from customers.dashboard.confirmed_actions import ConfirmedActionsAdmin, confirmed_action
from customers.dashboard.customers.fields import JSONField
from customers.dashboard.customers.filters import CustomerFilterForm, shown
from customers.dashboard.folded_search import FoldedSearchAdmin
from customers.dashboard.ids import is_id
from customers.dashboard.read_only import NoDeleteAdmin
from customers.dashboard.service_errors import ServiceErrorsAdmin, UnchangedInstanceForm
from customers.filters import METADATA
from customers.groups.models import CustomerGroup
from customers.segments import services
from customers.segments.models import Segment


def list_url(segment: Segment) -> str:
    return f"{reverse('admin:customers_customer_changelist')}?segment={segment.pk}"


def in_words(filters: Mapping[str, Any]) -> str:
    """`Spent from: 100; Tag: vip`, by name: PostgreSQL does not keep the order of a JSON object."""
    return "; ".join(f"{_label(name)}: {_value_in_words(name, value)}" for name, value in sorted(filters.items()))


def _label(name: str) -> str:
    """As the form of the filters calls it."""
    if name in CustomerFilterForm.base_fields:
        return str(CustomerFilterForm.base_fields[name].label)
    return name.removeprefix(METADATA) if name.startswith(METADATA) else capfirst(name.replace("_", " "))


def _value_in_words(name: str, value: Any) -> str:
    values = [str(each) for each in (value if isinstance(value, list) else [value])]
    field = CustomerFilterForm.base_fields.get(name)
    if name == "group":
        groups = CustomerGroup.objects.in_bulk([int(each) for each in values if is_id(each)])
        values = [str(groups.get(int(each), "(deleted group)")) if is_id(each) else each for each in values]
    elif field:
        values = [shown(field, each) for each in values]
    return ", ".join(values)


class FiltersInput(forms.HiddenInput):
    """A hidden input. The person sees the filters in words, so Django does not hide the row of the form."""

    is_hidden = False
    template_name = "dashboard/segments/filters.html"

    def get_context(self, name, value, attrs):
        try:
            words = in_words(json.loads(value or "{}"))
        except (ValueError, AttributeError, RecursionError):
            words = ""
        return {**super().get_context(name, value, attrs), "words": words}


class RenameForm(UnchangedInstanceForm):
    class Meta:
        model = Segment
        fields = ("name",)


class SegmentForm(RenameForm):
    filters = JSONField(widget=FiltersInput)


@admin.register(Segment)
class SegmentAdmin(ConfirmedActionsAdmin, FoldedSearchAdmin, ServiceErrorsAdmin, NoDeleteAdmin):
    about = (
        "A segment is a search of the list of customers, saved under a name. It always has the customers who match now."
    )
    list_display = ("name", "customers", "matching")
    search_fields = ("search_name__contains",)
    ordering = ("search_name", "name")
    sortable_by = ("name",)
    list_per_page = 50
    show_full_result_count = False
    readonly_fields = ("matching", "customers")

    def get_fields(self, request, obj=None):
        return ("name", "matching", "customers") if obj else ("name", "filters")

    def get_form(self, request, obj=None, change=False, **options):
        return super().get_form(request, obj, change, **{"form": RenameForm if obj else SegmentForm, **options})

    def get_changeform_initial_data(self, request):
        return {"filters": _given_filters(request)}

    def add_view(self, request, form_url="", extra_context=None):
        """The list of customers leads here with its filters."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        if request.method == "GET" and not _given_filters(request):
            self.message_user(request, "Search or filter the customers first, then save as a segment.", messages.INFO)
            return HttpResponseRedirect(reverse("admin:customers_customer_changelist"))
        return super().add_view(request, form_url, extra_context)

    def save_model(self, request, obj, form, change):
        if change:
            services.rename_segment(obj.pk, name=form.cleaned_data["name"])
        else:
            saved = services.create_segment(name=form.cleaned_data["name"], filters=form.cleaned_data["filters"])
            obj.pk = saved.pk
        obj.refresh_from_db()

    def response_add(self, request, obj, post_url_continue=None):
        self.message_user(request, f"The segment {obj.name} is saved.", messages.SUCCESS)
        return HttpResponseRedirect(list_url(obj))

    @admin.display(description="filters")
    def matching(self, segment):
        return in_words(segment.filters)

    @admin.display(ordering="customers_count")
    def customers(self, segment):
        number = "not counted yet" if segment.customers_count is None else f"{segment.customers_count:,}"
        return format_html('<a href="{}">{}</a>', list_url(segment), number)

    @confirmed_action("Delete", "The segment {object} is deleted. Its customers are kept.", is_permanent=True)
    def delete(self, request, segment):
        services.delete_segment(segment.pk)
        self.message_user(request, f"The segment {segment.name} is deleted.", messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:segments_segment_changelist"))


def _given_filters(request) -> dict[str, Any]:
    """The filters of the query string; empty if there are none."""
    try:
        given = json.loads(request.GET.get("filters", "{}"))
    except (ValueError, RecursionError):
        return {}
    return given if isinstance(given, dict) else {}
