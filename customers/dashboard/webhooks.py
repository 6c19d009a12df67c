"""Webhooks and the log of their deliveries in the dashboard."""

import json
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from customers.dashboard.confirmed_actions import ConfirmedActionsAdmin, confirmed_action
from customers.dashboard.customers.forms import PlainSelect
from customers.dashboard.event_choices import EventsField
from customers.dashboard.folded_search import FoldedSearchAdmin
from customers.dashboard.ids import is_id
from customers.dashboard.list_filters import titled
from customers.dashboard.read_only import NoDeleteAdmin
from customers.dashboard.service_errors import ServiceErrorsAdmin, ServiceErrorsForm, to_validation_error
from customers.segments import services as segments
from customers.segments.models import Segment
from customers.webhooks import services
from customers.webhooks.events import EVENT_TYPES, PUBLISHED_NAMES
from customers.webhooks.models import Delivery, Webhook
from oauth.actor import Actor
from oauth.encryption import UnreadableSecret
from oauth.errors import ServiceError
from oauth.models import DEFAULT_API_VERSION
from oauth.store import store_domain


class WebhookForm(ServiceErrorsForm):
    events = EventsField()
    secret_key = forms.CharField(
        required=False,
        max_length=services.MAX_SECRET_LENGTH,
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false", "class": "vTextField"}),
        help_text="Signs each delivery (X-29Next-Signature). Leave empty to generate or keep one.",
    )

    class Meta:
        model = Webhook
        fields = ("name", "target", "events", "secret_key", "api_version", "active")
        labels = {"target": "Address", "secret_key": "Signing secret"}
        help_texts = {
            "target": "The URL that events are posted to.",
            "api_version": "Of the data in events.",
            "active": "When off, nothing is sent or queued.",
        }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            try:
                self.initial["secret_key"] = self.instance.secret_key
            except UnreadableSecret:
                self.initial["secret_key"] = ""
        else:
            self.initial["api_version"] = DEFAULT_API_VERSION
        if "events" in self.fields:  # a viewer's form has no fields
            events: Any = self.fields["events"]
            self.initial["events"] = events.offer(self.instance.events, of_app=self.instance.app is not None)

    def clean(self):
        try:
            services.checked(self.cleaned_data)
        except ServiceError as error:
            self.add_error(str(error.path[0]), to_validation_error(error))
        return super().clean()


class SendTestForm(forms.Form):
    segment = forms.ModelChoiceField(
        Segment.objects.order_by("search_name"),
        required=False,
        empty_label="An example customer",
        widget=PlainSelect,
        help_text="Sends the newest customer of a segment instead of an example.",
    )


def newest_customer_id(segment: Segment) -> int:
    """Raises ServiceError for a segment without customers."""
    newest = segments.customers_of(segment).newest_first().values_list("pk", flat=True).first()
    if newest is None:
        raise ServiceError("The segment has no customers.", "segment")
    return newest


@admin.register(Webhook)
class WebhookAdmin(FoldedSearchAdmin, ServiceErrorsAdmin, ConfirmedActionsAdmin):
    form = WebhookForm
    change_form_template = "dashboard/webhooks/change_webhook.html"
    list_display = ("__str__", "target", "event_types", "belongs_to", "health")
    list_filter = (("active", titled("status")),)
    search_fields = ("search_name__contains", "target")
    search_help_text = "Search by name or target"
    list_select_related = ("app",)
    ordering = ("-id",)
    list_per_page = 50
    readonly_fields = ("belongs_to", "health", "warning_count", "created_at", "updated_at")

    def get_fields(self, request, obj=None):
        return (*WebhookForm.Meta.fields, *(self.readonly_fields if obj else ()))

    def get_readonly_fields(self, request, obj=None):
        return self.readonly_fields if obj else ()

    def save_model(self, request, obj, form, change):
        if change:
            changed = {name: form.cleaned_data[name] for name in form.changed_data}
            services.update_webhook(obj.pk, by=Actor.from_request(request), **changed)
        else:
            by = Actor.from_request(request)
            obj.pk = services.create_webhook(store=store_domain(request), by=by, **form.cleaned_data).pk
        obj.refresh_from_db()

    def delete_model(self, request, obj):
        services.delete_webhook(obj.pk, by=Actor.from_request(request))

    def delete_queryset(self, request, queryset):
        for webhook in queryset:
            self.delete_model(request, webhook)

    def get_deleted_objects(self, objs, request):
        """Without the deliveries, which are deleted with the webhook: listing them would take long."""
        return [str(obj) for obj in objs], {}, set(), []

    @confirmed_action(
        "Send a test", "Sends one example event to {object.target}.", form=lambda data, webhook: SendTestForm(data)
    )
    def send_test(self, request, webhook, segment):
        delivery = services.send_test(webhook.pk, customer_id=newest_customer_id(segment) if segment else None)
        return HttpResponseRedirect(reverse("admin:webhooks_delivery_change", args=[delivery.pk]))

    @admin.display(description="events")
    def event_types(self, webhook):
        return "All events" if set(PUBLISHED_NAMES) <= set(webhook.events) else ", ".join(webhook.events)

    @admin.display(description="state")
    def health(self, webhook):
        """Whether its target answers, and when the next attempt is made."""
        if not webhook.active:
            return "Switched off"
        if not webhook.failing_since:
            return "Working"
        text = f"Failing since {_shown(webhook.failing_since)}"
        return f"{text}, next attempt {_shown(webhook.next_check_date)}" if webhook.next_check_date else text

    @admin.display
    def belongs_to(self, webhook):
        return webhook.app.name if webhook.app else "the store"


def _shown(moment: datetime) -> str:
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M}"


class EventFilter(admin.SimpleListFilter):
    title = parameter_name = "event"

    def lookups(self, request, model_admin):
        return [(name, name) for name in EVENT_TYPES]

    def queryset(self, request, queryset):
        return queryset.filter(event_type=self.value()) if self.value() else queryset


@admin.register(Delivery)
class DeliveryAdmin(NoDeleteAdmin, ConfirmedActionsAdmin):
    class Media:
        css = {"all": ["dashboard/events.css"]}

    change_form_template = "dashboard/webhooks/delivery.html"
    list_display = (
        "event_type", "object_id", "webhook", "time", "status", "response_code", "response_ms", "attempts", "test"
    )  # fmt: skip
    fields = readonly_fields = (
        "webhook", "event_type", "object_id", "event_id", "test", "status", "response_code", "response_ms", "error",
        "attempts", "created_at", "last_sent_at", "due_at", "event",
    )  # fmt: skip
    list_filter = ("status", EventFilter, ("webhook", admin.RelatedOnlyFieldListFilter))
    search_fields = ("object_id",)
    search_help_text = "Search by customer ID"
    list_select_related = ("webhook",)
    ordering = ("-id",)
    list_per_page = 50
    show_full_result_count = False

    def get_queryset(self, request):
        return super().get_queryset(request).defer("body", "snapshot")

    def get_search_results(self, request, queryset, search_term):
        if not (term := search_term.strip()):
            return queryset, False
        return (queryset.filter(object_id=int(term)) if is_id(term) else queryset.none()), False

    @confirmed_action("Send again", "Sends the same bytes to the webhook's address once more, now.")
    def send_again(self, request, delivery):
        services.send_again(delivery.pk)
        return "The delivery is sent again."

    @admin.display(ordering="created_at")
    def time(self, delivery):
        return f"{timezone.localtime(delivery.created_at):%Y-%m-%d %H:%M:%S}"

    @admin.display
    def test(self, delivery):
        return "yes" if delivery.is_test else ""

    @admin.display
    def event(self, delivery):
        """The body, laid out to be read."""
        if not delivery.body:
            return "–"
        return format_html('<pre class="delivery-body">{}</pre>', json.dumps(json.loads(delivery.body), indent=2))

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        """A record: there is nothing to save."""
        context |= {"show_save": False, "show_save_and_continue": False, "show_save_and_add_another": False}
        context["is_pending"] = obj and obj.status == Delivery.Status.WAITING and obj.due_at <= timezone.now()
        return super().render_change_form(request, context, add, change, form_url, obj)

    def has_add_permission(self, request):
        return False
