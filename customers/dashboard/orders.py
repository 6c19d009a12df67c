"""Orders, subscriptions and carts, to read: other systems report them."""

from collections.abc import Callable
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.db.models.fields.json import KT
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join

from customers.core.postgres import custom_plan
from customers.dashboard.chips import chip
from customers.dashboard.ids import is_id
from customers.dashboard.list_filters import titled
from customers.dashboard.model_admin import DashboardList
from customers.dashboard.order_pages import Page, cart_page, order_page, state_of, subscription_page
from customers.dashboard.read_only import ReadOnlyAdmin
from customers.dashboard.replica_pages import may_be_stale
from customers.dashboard.templatetags.shop import NOTHING, money, no_value, when
from customers.models import User
from customers.orders.models import Cart, Order, Subscription

MAX_LISTED = 10_000  # rows, on all pages of a list together
MAX_FOUND = 500  # customers that a search takes into account, and rows that it finds by their own number


class CappedPaginator(Paginator):
    """Pages of the first `MAX_LISTED` rows, so that neither a count nor an offset reads a large table."""

    @cached_property
    def count(self):
        rows = cast(QuerySet, self.object_list)
        found = rows.order_by().values("pk")[: MAX_LISTED + 1].count()
        self.has_more = found > MAX_LISTED
        return min(found, MAX_LISTED)


class SalesList(DashboardList):
    def get_queryset(self, request, *args, **options):
        rows = super().get_queryset(request, *args, **options)
        return rows.select_related("user").defer("document", "user__metadata")


class SalesAdmin(ReadOnlyAdmin):
    """`page_of`: what the page of a row shows. `linked_view`: where its links lead."""

    page_of: Callable[[Any], Page]
    linked_view = ""
    fields = ()
    change_form_template = "dashboard/orders/page.html"
    paginator = CappedPaginator
    sortable_by = ()
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    empty_value_display = NOTHING

    @property
    def media(self):
        return forms.Media(css={"all": ["dashboard/orders.css"]})

    def get_changelist(self, request, **options):
        return SalesList

    @method_decorator(may_be_stale)
    def changelist_view(self, request, extra_context=None):
        return super().changelist_view(request, extra_context)

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        sees_customers = request.user.has_perm("customers.view_customer")
        more = {
            "page": type(self).page_of(obj),
            "customer_url": reverse("admin:customers_customer_change", args=[obj.user_id]) if sees_customers else "",
            "linked_view": self.linked_view,
        }
        return super().render_change_form(request, {**context, **more}, add, change, form_url, obj)

    def get_search_results(self, request, queryset, search_term):
        """By the row's own number, and by the customers that the dashboard's search finds.

        Their ids are read first. In one statement, the database would walk through all rows from the newest on.
        """
        if not (term := search_term.strip()):
            return queryset, False
        with custom_plan():
            rows = list(self.with_number(term).values_list("pk", flat=True)[:MAX_FOUND])
            people = list(User.objects.search(term).order_by().values_list("pk", flat=True)[: MAX_FOUND + 1])
        if len(people) > MAX_FOUND:
            text = f"More than {MAX_FOUND} customers match. Only the results of some are listed: search for more words."
            self.message_user(request, text, messages.WARNING)
        return queryset.filter(Q(pk__in=rows) | Q(user__in=people[:MAX_FOUND])), False

    def with_number(self, term: str):
        """The rows with this number. Each list has its own number, so each class says how it is found."""
        raise NotImplementedError

    @admin.display(description="customer")
    def customer(self, row):
        url = reverse("admin:customers_customer_change", args=[row.user_id])
        name, email = row.user.get_full_name(), row.user.email or ""
        return format_html(
            '<span class="two-lines"><a href="{}">{}</a><span>{}</span></span>',
            url,
            name or row.user,
            email if name else "",
        )


def with_chip(text: Any, is_test: bool):
    return format_html("{} {}", text, chip("Test")) if is_test else text


def state_chip(value: Any):
    state = state_of(value)
    return chip(state.label, state.tone) if state else no_value()


class OfCustomerFilter(admin.SimpleListFilter):
    """The page of a customer links here. There is nothing to choose without a customer."""

    title, parameter_name = "customer", "user__id__exact"

    def lookups(self, request, model_admin):
        value = self.value()
        person = User.objects.filter(pk=int(value)).defer("metadata").first() if value and is_id(value) else None
        return [(value, str(person))] if person else []

    def queryset(self, request, queryset):
        if not (value := self.value()):
            return queryset
        return queryset.filter(user=int(value)) if is_id(value) else queryset.none()


class SourceFilter(admin.SimpleListFilter):
    title = parameter_name = "source"

    def lookups(self, request, model_admin):
        return [(source, source.replace("_", " ").capitalize()) for source in Order.objects.sources()]

    def queryset(self, request, queryset):
        return queryset.filter(source=self.value()) if self.value() else queryset


@admin.register(Order)
class OrderAdmin(SalesAdmin):
    page_of = staticmethod(order_page)
    linked_view = "admin:orders_subscription_change"
    list_display = ("name", "customer", "placed", "payment", "fulfilment", "amount")
    list_filter = (
        "payment_status",
        SourceFilter,
        ("date_placed", titled("date placed", admin.DateFieldListFilter)),
        ("is_test", titled("test order")),
        OfCustomerFilter,
    )
    search_fields = ("number",)
    search_help_text = "Search by order number, customer name, email or phone"
    ordering = ("-date_placed", "-id")

    def get_queryset(self, request):
        document = {name: KT(f"document__{name}") for name in ("fulfillment_status", "total_incl_tax")}
        return super().get_queryset(request).annotate(**document, charged_in=KT("document__currency"))

    def with_number(self, term):
        return Order.objects.filter(number__startswith=term)

    @admin.display(description="number")
    def name(self, order):
        return with_chip(order.number, order.is_test)

    @admin.display(description="placed")
    def placed(self, order):
        return when(order.date_placed)

    @admin.display(description="payment")
    def payment(self, order):
        return state_chip(order.payment_status)

    @admin.display(description="fulfilment")
    def fulfilment(self, order):
        return state_chip(order.fulfillment_status)

    @admin.display(description="total")
    def amount(self, order):
        """In the currency of reports; below it, if that is another one, in the currency of the order."""
        total, more = money(order.total, order.currency), []
        if order.charged_in and order.charged_in != order.currency:
            more.append(f"{order.total_incl_tax} {order.charged_in} charged")
        if order.refunded:
            more.append(f"{money(order.refunded, order.currency)} refunded")
        below = format_html_join("", "<br>{}", ((text,) for text in more))
        return format_html('<span class="number">{}<span class="quiet small">{}</span></span>', total, below)


@admin.register(Subscription)
class SubscriptionAdmin(SalesAdmin):
    page_of = staticmethod(subscription_page)
    linked_view = "admin:orders_order_change"
    list_display = ("name", "customer", "created", "state", "frequency", "amount")
    list_filter = (
        "status",
        ("date_created", titled("date created", admin.DateFieldListFilter)),
        ("is_test", titled("test subscription")),
        OfCustomerFilter,
    )
    search_fields = ("external_id",)
    search_help_text = "Search by ID, customer name, email or phone"
    ordering = ("-date_created", "-id")

    def get_queryset(self, request):
        document = {"every": KT("document__frequency"), "total": KT("document__total")}
        return super().get_queryset(request).annotate(**document, charged_in=KT("document__currency"))

    def with_number(self, term):
        return Subscription.objects.filter(external_id=int(term)) if is_id(term) else Subscription.objects.none()

    @admin.display(description="ID")
    def name(self, subscription):
        return with_chip(subscription.external_id, subscription.is_test)

    @admin.display(description="created")
    def created(self, subscription):
        return when(subscription.date_created)

    @admin.display(description="status")
    def state(self, subscription):
        return state_chip(subscription.status)

    @admin.display(description="frequency")
    def frequency(self, subscription):
        return subscription.every

    @admin.display(description="total")
    def amount(self, subscription):
        text = f"{subscription.total or ''} {subscription.charged_in or ''}".strip()
        return format_html('<span class="number">{}</span>', text) if text else no_value()


@admin.register(Cart)
class CartAdmin(SalesAdmin):
    """Carts that apps made, and those kept from declined orders."""

    page_of = staticmethod(cart_page)
    list_display = ("name", "customer", "created", "amount")
    list_filter = (("created_at", titled("date created", admin.DateFieldListFilter)), OfCustomerFilter)
    ordering = ("-id",)

    @admin.display(description="cart")
    def name(self, cart):
        return f"Cart {cart.pk}"

    @admin.display(description="created")
    def created(self, cart):
        return when(cart.created_at)

    @admin.display(description="total")
    def amount(self, cart):
        return format_html('<span class="number">{}</span>', money(cart.total, cart.currency))
