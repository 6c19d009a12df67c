"""The log of deliveries in the dashboard: a list, and a page to read for each, with its outcome."""

import json
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from customers.dashboard.chips import chip
from customers.dashboard.confirmed_actions import ConfirmedActionsAdmin, confirmed_action
from customers.dashboard.ids import is_id
from customers.dashboard.object_pages import url_of
from customers.dashboard.read_only import ReadOnlyAdmin
from customers.dashboard.templatetags.shop import NOTHING, when
from customers.models import Customer
from customers.orders.models import Order, Subscription
from customers.webhooks import services
from customers.webhooks.events import EVENT_TYPES, EXAMPLE_ID
from customers.webhooks.models import Delivery, Webhook

SHOWN_ON_PAGE = 10
LOOKED_THROUGH = 10_000  # of the newest deliveries: no index has them by webhook
# The objects of events that have a page. Others, such as exports, have none.
MODELS: dict[str, type[Model]] = {"customer": Customer, "order": Order, "subscription": Subscription}
STATES = {
    Delivery.Status.DELIVERED: ("Delivered", "good"),
    Delivery.Status.FAILED: ("Failed", "danger"),
    Delivery.Status.WAITING: ("Waiting", "neutral"),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is known of a delivery. `answer`: as in "200 OK in 34 ms"; empty before the first attempt."""

    delivery: Delivery

    @property
    def is_pending(self) -> bool:
        """Whether a worker is about to send it."""
        return self.delivery.status == Delivery.Status.WAITING and self.delivery.due_at <= timezone.now()

    @property
    def state(self) -> SafeString:
        delivery = self.delivery
        if delivery.status == Delivery.Status.WAITING and delivery.attempts and not self.is_pending:
            return chip(format_html("Failing, {}", next_try(delivery.due_at)), "warning")
        return chip(*STATES[Delivery.Status(delivery.status)])

    @property
    def answer(self) -> str:
        code, took = self.delivery.response_code, self.delivery.response_ms
        if code is None:
            return "No answer" if self.delivery.attempts else ""
        phrase = HTTPStatus(code).phrase if code in set(HTTPStatus) else ""
        return f"{code} {phrase}".strip() + (f" in {took} ms" if took is not None else "")

    @property
    def about(self) -> str:
        if self.delivery.object_id == EXAMPLE_ID:
            return "An example customer"
        return f"{self.object_name.capitalize()} {self.delivery.object_id}"

    @property
    def object_name(self) -> str:
        return EVENT_TYPES[self.delivery.event_type].object_name

    @property
    def object_url(self) -> str:
        model = MODELS.get(self.object_name)
        return url_of(model, self.delivery.object_id) if model and self.delivery.object_id != EXAMPLE_ID else ""

    @property
    def body(self) -> str:
        """Laid out to be read; empty where it is not written yet or no longer stored."""
        return json.dumps(json.loads(self.delivery.body), indent=2, ensure_ascii=False) if self.delivery.body else ""


def next_try(due_at: datetime) -> SafeString:
    return format_html("next try {}", when(due_at) if due_at > timezone.now() else "now")


def newest_of(webhook: Webhook) -> list[Outcome]:
    """Of the newest deliveries of all webhooks."""
    ids = Delivery.objects.order_by("-pk").values_list("pk", flat=True)
    oldest = ids[LOOKED_THROUGH : LOOKED_THROUGH + 1].first() or 0
    newest = Delivery.objects.filter(webhook=webhook, pk__gt=oldest).order_by("-pk").defer("body", "snapshot")
    return [Outcome(delivery) for delivery in newest[:SHOWN_ON_PAGE]]


class EventFilter(admin.SimpleListFilter):
    title = parameter_name = "event"

    def lookups(self, request, model_admin):
        return [(name, name) for name in EVENT_TYPES]

    def queryset(self, request, queryset):
        return queryset.filter(event_type=self.value()) if self.value() else queryset


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin, ConfirmedActionsAdmin):
    class Media:
        css = {"all": ["dashboard/events.css"]}

    change_form_template = "dashboard/webhooks/delivery.html"
    list_display = ("event", "about", "webhook", "time", "state", "answer", "attempts")
    fields = ()
    list_filter = ("status", EventFilter, ("webhook", admin.RelatedOnlyFieldListFilter))
    search_fields = ("object_id",)
    search_help_text = "Search by the ID of a customer or an order"
    list_select_related = ("webhook",)
    ordering = ("-id",)
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    def get_queryset(self, request):
        return super().get_queryset(request).defer("body", "snapshot")

    def get_search_results(self, request, queryset, search_term):
        if not (term := search_term.strip()):
            return queryset, False
        return (queryset.filter(object_id=int(term)) if is_id(term) else queryset.none()), False

    def get_urls(self):
        outcome = self.admin_site.admin_view(self.outcome_view)
        return [path("<int:delivery_id>/outcome/", outcome, name="webhooks_delivery_outcome"), *super().get_urls()]

    def outcome_view(self, request: HttpRequest, delivery_id: int) -> HttpResponse:
        """The outcome alone, for a page that waits for it."""
        delivery = self.object_or_404(request, delivery_id, is_allowed=self.has_view_permission(request))
        return render(request, "dashboard/webhooks/outcome.html", {"outcome": Outcome(delivery)})

    @confirmed_action(
        "Send again",
        "Sends the same bytes to the webhook's address once more, now.",
        permission="webhooks.change_delivery",
    )
    def send_again(self, request, delivery):
        services.send_again(delivery.pk)
        return "The delivery is sent again."

    @admin.display(ordering="created_at", description="when")
    def time(self, delivery):
        return when(delivery.created_at)

    @admin.display
    def about(self, delivery):
        outcome = Outcome(delivery)
        return format_html('<a href="{}">{}</a>', url, outcome.about) if (url := outcome.object_url) else outcome.about

    @admin.display(description="outcome", ordering="status")
    def state(self, delivery):
        return Outcome(delivery).state

    @admin.display(ordering="response_ms")
    def answer(self, delivery):
        return Outcome(delivery).answer or NOTHING

    @admin.display(ordering="event_type")
    def event(self, delivery):
        return format_html("{} {}", delivery.event_type, chip("Test")) if delivery.is_test else delivery.event_type

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        context["outcome"] = obj and Outcome(obj)
        return super().render_change_form(request, context, add, change, form_url, obj)
