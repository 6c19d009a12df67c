"""The list of customers: search, filters, order and pages, made for a million customers."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, cast
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ORDER_VAR, SEARCH_VAR
from django.core.exceptions import BadRequest, PermissionDenied
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, QueryDict
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from customers import filters
from customers.core.postgres import custom_plan
from customers.customer_count import number_of_customers
from customers.dashboard.customers import columns, counting, paging
from customers.dashboard.customers.filters import Chip, CustomerFilter, CustomerFilterForm, parameters
from customers.dashboard.ids import is_id
from customers.dashboard.model_admin import DashboardAdmin, DashboardList
from customers.dashboard.replica_pages import may_be_stale
from customers.dashboard.templatetags.shop import in_words
from customers.models import Address
from customers.orders import buyers
from customers.querysets import UserQuerySet
from customers.segments.models import Segment
from customers.store.services import get_details

SHOWN_SEGMENTS = 6  # as tabs; the others are in a menu
DEFAULT_ADDRESSES = Prefetch(
    "addresses",
    Address.objects.filter(is_default_for_shipping=True).only("user_id", "country"),
    to_attr="default_addresses",
)


class CustomerList(DashboardList):
    def __init__(self, request, *args):
        self.request = request
        super().__init__(request, *args)
        self.title = "Customers"

    def get_filters_params(self, params=None):
        given = super().get_filters_params(params)
        return {name: value for name, value in given.items() if name not in paging.PARAMETERS}

    def is_refused(self, value):
        return False  # the form of the filters marks it

    def get_ordering(self, request, queryset):
        """By a column's name; an unknown one is ignored."""
        given = request.GET.get(ORDER_VAR, "")
        self.order_name = given if paging.is_order(given) else paging.DEFAULT
        self.order = paging.order_of(self.order_name)
        return [term.order() for term in self.order]

    def get_queryset(self, request, exclude_parameters=None):
        people = cast(UserQuerySet, super().get_queryset(request, exclude_parameters))
        return people.not_erased()

    def get_results(self, request):
        """Reads the page. Up to MAX_COUNTED customers of a search or filter are found first and put in order then: the
        database might walk through the whole table in that order, expecting to meet matching customers soon."""
        people, order, given = self.queryset, self.order, self.customer_filters()
        with custom_plan():
            if not given:
                self.number = counting.Number(number_of_customers())
            else:
                some = filters.any_of(people, given).values_list("pk", flat=True)
                ids = list(some[: counting.MAX_COUNTED + 1])
                self.number = counting.Number(len(ids))
                if len(ids) > counting.MAX_COUNTED:
                    self.number = counting.kept_number(given)
                    order = paging.of_buyers(order) if given.keys() & buyers.COLUMNS.keys() else order
                else:
                    people, order = paging.among(ids, order)
            people = people.defer("metadata").prefetch_related(DEFAULT_ADDRESSES)
            self.page = paging.read_page(people, order, request.GET, self.list_per_page)
        self.result_list = self.page.rows
        self.result_count = self.number.number
        self.multi_page = self.page.has_previous or self.page.has_next
        # What Django's own template would read.
        self.paginator = self.full_result_count = None
        self.can_show_all = self.show_full_result_count = self.show_admin_actions = False

    @property
    def form(self) -> CustomerFilterForm:
        (only,) = self.filter_specs
        return cast(CustomerFilter, only).form

    def customer_filters(self) -> dict[str, Any]:
        """The search and the filters of this list, for `filter_customers`. They select all pages together."""
        search = {"search": self.query.strip()} if self.query.strip() else {}
        return search | self.form.given()

    @property
    def filters_query(self) -> str:
        """The search and the filters as a query string for the page that saves a segment; empty if there are none."""
        given = self.customer_filters()
        return urlencode({"filters": json.dumps(given, cls=DjangoJSONEncoder)}) if given else ""

    @cached_property
    def columns(self) -> list[columns.Column]:
        return columns.chosen(self.request)

    @cached_property
    def column_names(self) -> set[str]:
        return {column.name for column in self.columns}

    @cached_property
    def last_orders(self) -> dict[int, datetime]:
        """Of the customers on this page. Read only if the column is shown."""
        return columns.last_orders(self.result_list)

    @cached_property
    def segment_id(self) -> int | None:
        return self.form.given().get("segment")

    @cached_property
    def segments(self) -> list[Segment]:
        """The chosen one is among the first, which are tabs."""
        found = list(Segment.objects.order_by("search_name").only("name", "customers_count"))
        chosen = [segment for segment in found[SHOWN_SEGMENTS:] if segment.pk == self.segment_id]
        return [*chosen, *(segment for segment in found if segment not in chosen)]

    @property
    def tabs(self) -> list[Segment]:
        return self.segments[:SHOWN_SEGMENTS]

    @property
    def more_segments(self) -> list[Segment]:
        return self.segments[SHOWN_SEGMENTS:]

    def url(self, changes: Mapping[str, Any], *, keep_page: bool = False) -> str:
        """Of this list with other parameters; None removes one. Without `keep_page`, of its first page."""
        query = self.request.GET.copy()
        for name in () if keep_page else paging.PARAMETERS:
            query.pop(name, None)
        for name, value in changes.items():
            query.setlist(name, [] if value is None else value if isinstance(value, list) else [value])
        return f"?{query.urlencode()}"

    @property
    def chips(self) -> list[tuple[Chip, str]]:
        """What is chosen, each with the link that takes it away."""

        def without(chip: Chip) -> list[str]:
            return [] if chip.value is None else [v for v in self.request.GET.getlist(chip.name) if v != chip.value]

        return [(chip, self.url({chip.name: without(chip)})) for chip in self.form.chips()]

    @property
    def without_search_url(self) -> str:
        return self.url({SEARCH_VAR: None})

    @property
    def other_parameters(self) -> list[tuple[str, str]]:
        """Those that a new search keeps."""
        left_out = (SEARCH_VAR, *paging.PARAMETERS)
        return [(name, each) for name, values in self.request.GET.lists() if name not in left_out for each in values]

    @property
    def clear_url(self) -> str:
        """Without a search and filters; within the segment."""
        keep = QueryDict(mutable=True)
        for name in (ORDER_VAR, "segment"):
            if name in self.request.GET:
                keep[name] = self.request.GET[name]
        return f"?{keep.urlencode()}"

    @property
    def headers(self) -> Iterator[dict[str, Any]]:
        """Name first. The first click sorts names upwards and the other columns downwards; the next one turns it."""
        for column in [columns.Column("name", "Customer"), *self.columns]:
            upwards, downwards = column.name, f"-{column.name}"
            order, sort = (upwards if column.name == "name" else downwards), ""
            if self.order_name == upwards:
                order, sort = downwards, "ascending"
            elif self.order_name == downwards:
                order, sort = upwards, "descending"
            yield {"column": column, "url": self.url({ORDER_VAR: order}), "sort": sort}

    @property
    def orders(self) -> list[tuple[str, str]]:
        """For the menu of a phone."""
        return [
            (f"{sign}{name}", f"{title}, {direction}")
            for name, (title, _) in paging.ORDERS.items()
            for sign, direction in (("", "ascending"), ("-", "descending"))
        ]

    @property
    def previous_url(self) -> str:
        return self.url({paging.BEFORE: self.result_list[0].pk}) if self.page.has_previous else ""

    @property
    def next_url(self) -> str:
        return self.url({paging.AFTER: self.result_list[-1].pk}) if self.page.has_next else ""

    @property
    def first_url(self) -> str:
        return self.url({})

    @property
    def last_url(self) -> str:
        return self.url({paging.LAST: "1"})

    @property
    def count_url(self) -> str:
        """Of the exact number, if the page does not have it."""
        return f"{reverse('admin:customers_customer_count')}{self.url({})}" if self.number.is_more else ""

    @property
    def hints(self) -> list[tuple[str, str]]:
        """Other filters that the search could be meant for."""
        return [
            (name, self.url({SEARCH_VAR: None, name: self.query.strip()})) for name in ("street", "city", "postcode")
        ]

    @cached_property
    def currency(self) -> str:
        return get_details().currencies[0]


class CustomerListAdmin(DashboardAdmin):
    change_list_template = "dashboard/customers/list/page.html"
    list_per_page = 50
    ordering = ("-date_joined", "-id")
    show_facets = admin.ShowFacets.NEVER  # each is a count of the whole table
    search_fields = ("search_text",)
    search_help_text = "Search by name, email, phone, id, order number or tag"

    @property
    def media(self):
        return super().media + forms.Media(css={"all": ["dashboard/customers.css"]})

    def get_urls(self):
        wrap = self.admin_site.admin_view
        return [
            path("count/", wrap(require_safe(self.count)), name="customers_customer_count"),
            path("columns/", wrap(require_POST(self.choose_columns)), name="customers_customer_columns"),
            *super().get_urls(),
        ]

    def count(self, request: HttpRequest) -> HttpResponse:
        """The exact number of customers of a search or filter: as JSON for the page's script, or back to the list."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = requested_list(self, request)
        number = counting.count(found.queryset, found.customer_filters())
        if request.accepts("text/html"):
            return HttpResponseRedirect(f"{reverse('admin:customers_customer_changelist')}?{request.GET.urlencode()}")
        return JsonResponse({"number": str(number), "counted_at": counted_at(number)})

    def choose_columns(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        target = request.POST.get("next", "")
        if not url_has_allowed_host_and_scheme(target, allowed_hosts=None):
            target = reverse("admin:customers_customer_changelist")
        response = HttpResponseRedirect(target)
        columns.keep(request, response, [] if "default" in request.POST else request.POST.getlist("column"))
        return response

    @method_decorator(may_be_stale)
    def changelist_view(self, request, extra_context=None):
        context = {"column_choices": columns.CHOICES, "actions": self.get_actions(request)}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def response_action(self, request, *args, **options):
        """Raises BadRequest for what is no id: nobody has chosen it on the page."""
        selected = request.POST.getlist(ACTION_CHECKBOX_NAME)
        if not all(map(is_id, selected)):
            raise BadRequest("These are no customers.")
        return super().response_action(request, *args, **options)

    def get_list_filter(self, request):
        return (CustomerFilter,)

    def get_changelist(self, request, **options):
        return CustomerList

    def get_search_results(self, request, queryset, search_term):
        return (filters.search(queryset, search_term) if search_term.strip() else queryset), False

    def lookup_allowed(self, lookup, value, request=None):
        """Only the parameters of the filters: any other lookup could scan the table, or reveal what is not shown."""
        return lookup in parameters(request)


def counted_at(number: counting.Number) -> str:
    return f"counted {in_words(number.counted_at)}" if number.counted_at else ""


def requested_list(pages: DashboardAdmin, request: HttpRequest) -> CustomerList:
    """The list with the filters of the query string. Raises BadRequest."""
    try:
        return cast(CustomerList, pages.get_changelist_instance(request))
    except IncorrectLookupParameters:
        raise BadRequest("The list has no such filter.") from None
