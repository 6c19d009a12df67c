"""Orders and subscriptions: the documents that an order system reported, to look at and to correct; and carts."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError

from customers.dashboard.customers.forms import IndentedEncoder, JSONField
from customers.dashboard.list_filters import titled
from customers.dashboard.read_only import NoDeleteAdmin, ReadOnlyAdmin
from customers.dashboard.service_errors import message_of
from customers.orders import services
from customers.orders.models import Cart, Order, Subscription
from oauth.actor import Actor
from oauth.errors import ServiceError


class DocumentForm(forms.ModelForm):
    """A customer and a document. `columns_of` validates a document and returns its columns; `key` never changes."""

    columns_of: Callable[[Any], dict[str, Any]]
    key: str

    document = JSONField(
        encoder=IndentedEncoder,
        widget=forms.Textarea(attrs={"rows": 30, "cols": 100}),
        help_text="JSON, in the shape of the Admin API. A document with a known number or ID replaces the earlier one.",
    )

    def clean_document(self):
        document = self.cleaned_data["document"]
        try:
            columns = type(self).columns_of(document)
        except ServiceError as error:
            place = ".".join(map(str, error.path))
            raise ValidationError(f"{place}: {message_of(error)}", error.code) from None
        if self.instance.pk and columns[self.key] != getattr(self.instance, self.key):
            raise ValidationError("This document has another number or ID. Add it as a new one instead.")
        return document


class OrderForm(DocumentForm):
    columns_of = staticmethod(services.order_columns)
    key = "number"

    class Meta:
        model = Order
        fields = ("user", "document")


class SubscriptionForm(DocumentForm):
    columns_of = staticmethod(services.subscription_columns)
    key = "external_id"

    class Meta:
        model = Subscription
        fields = ("user", "document")


class DocumentAdmin(NoDeleteAdmin):
    """Saves by recording the document. Nothing is deleted here: an order system voids or cancels."""

    record: Callable[..., Order | Subscription]

    raw_id_fields = ("user",)
    list_select_related = ("user",)
    list_per_page = 50
    show_full_result_count = False

    def save_model(self, request, obj, form, change):
        by = Actor.from_request(request)
        obj.pk = type(self).record(user_id=obj.user_id, document=obj.document, by=by).pk
        obj.refresh_from_db()


@admin.register(Order)
class OrderAdmin(DocumentAdmin):
    form = OrderForm
    record = staticmethod(services.record_order)
    list_display = ("number", "user", "date_placed", "payment_status", "total", "refunded", "currency", "is_test")
    list_filter = ("payment_status", ("is_test", titled("test order")))
    search_fields = ("number__startswith",)
    search_help_text = "Search by the start of the order number"
    ordering = ("-id",)


@admin.register(Subscription)
class SubscriptionAdmin(DocumentAdmin):
    form = SubscriptionForm
    record = staticmethod(services.record_subscription)
    list_display = ("external_id", "user", "date_created", "status", "is_test")
    list_filter = ("status", ("is_test", titled("test order")))
    search_fields = ("external_id",)
    search_help_text = "Search by ID"
    ordering = ("-id",)

    def get_search_results(self, request, queryset, search_term):
        if not (term := search_term.strip()):
            return queryset, False
        is_an_id = term.isdecimal() and len(term) < 20
        return (queryset.filter(external_id=int(term)) if is_an_id else queryset.none()), False


@admin.register(Cart)
class CartAdmin(ReadOnlyAdmin):
    """Carts that apps made, and those kept from declined orders."""

    list_display = ("id", "user", "created_at", "total", "currency")
    list_select_related = ("user",)
    list_per_page = 50
    show_full_result_count = False
    ordering = ("-id",)
