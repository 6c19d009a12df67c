"""The list of customers: search, filters and order, made for a million customers."""

import json
from typing import Any, cast
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import BadRequest
from django.core.paginator import Paginator
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from django.db.models import F, OrderBy, Prefetch, Value
from django.db.models.functions import Coalesce, NullIf
from django.utils.functional import cached_property
from django.utils.timezone import localdate

from customers.core.postgres import custom_plan
from customers.dashboard.customers.filters import FILTERS, ChoiceFilter, FormFilter, defined_filters
from customers.dashboard.ids import is_id
from customers.models import Address, User

MAX_LISTED = 2_000  # customers, on all pages of a list together
# Leads have bought nothing, so ordering by type first changes nothing that a person sees; and one index then serves the
# list both with and without a filter by type.
COUNTERS = ("orders_count", "total_spent")
DEFAULT_ADDRESSES = Prefetch(
    "addresses",
    Address.objects.filter(is_default_for_shipping=True).only("user_id", "country"),
    to_attr="default_addresses",
)


class CappedPaginator(Paginator):
    """Pages of the first `MAX_LISTED` rows. Rows beyond are neither counted nor skipped, however many there are.

    If all rows fit, their ids are read first and put in order afterwards. Otherwise the database might walk through the
    whole table in that order, expecting to meet matching rows soon.
    """

    def __init__(self, object_list, *args, **options):
        ids = list(object_list.order_by().values_list("pk", flat=True)[: MAX_LISTED + 1])
        self.has_more = len(ids) > MAX_LISTED
        if not self.has_more:
            first, *rest = object_list.query.order_by
            object_list = object_list.model.objects.filter(pk__in=ids).order_by(without_index(first), *rest)
        super().__init__(object_list, *args, **options)
        self.count = min(len(ids), MAX_LISTED)


def without_index(by: OrderBy) -> OrderBy:
    """The same order, as an expression that has no index."""
    by = by.copy()
    by.expression = Coalesce(by.expression, by.expression)
    return by


class CustomerList(ChangeList):
    def __init__(self, *args):
        super().__init__(*args)
        self.title = "Customers"

    def get_ordering(self, request, queryset):
        """By one column, then by id in the same direction, so that an index can be read in both directions."""
        by, name = super().get_ordering(request, queryset)[0], ""
        if not isinstance(by, OrderBy):
            name = str(by).removeprefix("-")
            by = OrderBy(F(name), descending=str(by).startswith("-"))
        ordering = [by, OrderBy(F("id"), descending=by.descending)]
        if name in COUNTERS:
            ordering.insert(0, OrderBy(F("user_type"), descending=not by.descending))
        return ordering

    def get_ordering_field_columns(self):
        return dict(list(super().get_ordering_field_columns().items())[:1])

    def get_results(self, request):
        """Reads the page that was asked for, or the last one if there are fewer."""
        with custom_plan():
            self.paginator = self.model_admin.get_paginator(request, self.queryset, self.list_per_page)
            page = self.paginator.get_page(self.page_num)
            self.result_list = list(page.object_list.defer("metadata").prefetch_related(DEFAULT_ADDRESSES))
        self.page_num = page.number
        self.result_count = self.paginator.count
        self.full_result_count, self.show_full_result_count = None, False
        self.multi_page, self.can_show_all = self.paginator.num_pages > 1, False
        self.show_admin_actions = True

    def customer_filters(self) -> dict[str, Any]:
        """The search and the filters of this list, for `filter_customers`. They select all pages together."""
        given: dict[str, Any] = {"search": self.query.strip()}
        for each in self.filter_specs:
            given |= cast(ChoiceFilter | FormFilter, each).given()
        return given

    @property
    def filters_query(self) -> str:
        """The search and the filters as a query string for the page that saves a segment; empty if there are none."""
        given = {name: value for name, value in self.customer_filters().items() if value not in (None, "")}
        return urlencode({"filters": json.dumps(given, cls=DjangoJSONEncoder)}) if given else ""

    @cached_property
    def how_many(self) -> str:
        """The number of customers, in words: exact up to `MAX_LISTED`, estimated beyond where the database can."""
        if not self.paginator.has_more:
            return f"{self.result_count:,} {'customer' if self.result_count == 1 else 'customers'}"
        is_filtered = self.query or self.has_active_filters
        about = 0 if is_filtered else estimated_number_of_people()
        return f"about {round(about, -3):,} customers" if about > MAX_LISTED else f"more than {MAX_LISTED:,} customers"


def estimated_number_of_people() -> int:
    """The planner's estimate on PostgreSQL; 0 on a database that keeps none."""
    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = %s::text::regclass", [User._meta.db_table])
        return cursor.fetchone()[0]


class CustomerListAdmin(admin.ModelAdmin):
    list_display = ("name", "mail", "phone", "type", "country", "order_count", "spent", "blocked", "joined")
    list_display_links = ("name", "mail")
    sortable_by = ("name", "mail", "order_count", "spent", "joined")
    list_per_page = 50
    paginator = CappedPaginator
    ordering = ("-date_joined", "-id")
    show_facets = admin.ShowFacets.NEVER  # each is a count of the whole table
    empty_value_display = "—"
    search_fields = ("search_text",)
    search_help_text = "Search by name, email or phone"

    @property
    def media(self):
        return super().media + forms.Media(css={"all": ["dashboard/customers.css"]})

    def response_action(self, request, *args, **options):
        """Raises BadRequest for what is no id: nobody has chosen it on the page."""
        selected = request.POST.getlist(ACTION_CHECKBOX_NAME)
        if not all(map(is_id, selected)):
            raise BadRequest("These are no customers.")
        return super().response_action(request, *args, **options)

    @admin.display(ordering=NullIf("full_name", Value("")).asc(nulls_last=True))
    def name(self, customer):
        return customer.get_full_name()

    @admin.display(description="email", ordering=F("email_key").asc(nulls_last=True))
    def mail(self, customer):
        return customer.email

    @admin.display
    def phone(self, customer):
        return customer.phone_number

    @admin.display
    def type(self, customer):
        return customer.get_user_type_display()

    @admin.display
    def country(self, customer):
        return next((address.country for address in customer.default_addresses), None)

    @admin.display(description="orders", ordering="orders_count")
    def order_count(self, customer):
        return customer.orders_count

    @admin.display(ordering="total_spent")
    def spent(self, customer):
        return customer.total_spent

    @admin.display(empty_value="")
    def blocked(self, customer):
        return "Blocked" if customer.is_blocked else None

    @admin.display(ordering="date_joined")
    def joined(self, customer):
        return localdate(customer.date_joined)

    def get_list_filter(self, request):
        """Including the filters of custom fields, which are read once per request."""
        if not hasattr(request, "list_filter"):
            request.list_filter = (*FILTERS, *defined_filters())
        return request.list_filter

    def get_changelist(self, request, **options):
        return CustomerList

    def get_search_results(self, request, queryset, search_term):
        return (queryset.search(search_term) if search_term.strip() else queryset), False

    def lookup_allowed(self, lookup, value, request=None):
        """Only the parameters of the filters: any other lookup could scan the table, or reveal what is not shown."""
        return any(lookup in each.parameters() for each in self.get_list_filter(request))
