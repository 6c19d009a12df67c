"""Webhooks in the dashboard."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from customers.dashboard.chips import chip
from customers.dashboard.confirmed_actions import ConfirmedActionsAdmin, confirmed_action
from customers.dashboard.customers.fields import PlainSelect
from customers.dashboard.deliveries import newest_of, next_try
from customers.dashboard.event_choices import EventsField
from customers.dashboard.folded_search import FoldedSearchAdmin
from customers.dashboard.list_filters import switch
from customers.dashboard.service_errors import ServiceErrorsAdmin, ServiceErrorsForm
from customers.dashboard.templatetags.shop import when
from customers.segments import services as segments
from customers.segments.models import Segment
from customers.webhooks import services
from customers.webhooks.events import PUBLISHED_NAMES
from customers.webhooks.models import Webhook
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
            self.add_service_error(error)
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
    about = "A webhook sends each change of a customer, an order or a subscription to another system."
    form = WebhookForm
    change_form_template = "dashboard/webhooks/change_webhook.html"
    list_display = ("__str__", "target", "event_types", "belongs_to", "health")
    list_filter = (switch("active"),)
    search_fields = ("search_name__contains", "target")
    search_help_text = "Search by name or address"
    list_select_related = ("app",)
    ordering = ("-id",)
    list_per_page = 50
    show_facets = admin.ShowFacets.NEVER

    def get_readonly_fields(self, request, obj=None):
        return ("event_types",) if obj and not self.has_change_permission(request, obj) else ()

    def get_fieldsets(self, request, obj=None):
        if obj and not self.has_change_permission(request, obj):
            return [(None, {"fields": ("name", "target", "event_types", "api_version")})]  # without the secret
        advanced = {"fields": ("secret_key", "api_version"), "classes": ["collapse"]}
        return [(None, {"fields": ("name", "target", "events", "active")}), ("Secret and version", advanced)]

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        if obj:
            context |= {
                "health": self.health(obj),
                "belongs_to": self.belongs_to(obj),
                "deliveries": newest_of(obj),
                "test_form": SendTestForm(auto_id="test_%s"),
            }
        return super().render_change_form(request, context, add, change, form_url, obj)

    def save_model(self, request, obj, form, change):
        if change:
            changed = {name: form.cleaned_data[name] for name in form.changed_data}
            services.update_webhook(obj.pk, by=Actor.from_request(request), **changed)
        else:
            by = Actor.from_request(request)
            obj.pk = services.create_webhook(store=store_domain(request), by=by, **form.cleaned_data).pk
        obj.refresh_from_db()

    def response_add(self, request, obj, post_url_continue=None):
        text = "The webhook is added. Send a test to see whether its address answers."
        self.message_user(request, text, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:webhooks_webhook_change", args=[obj.pk]))

    def delete_model(self, request, obj):
        services.delete_webhook(obj.pk, by=Actor.from_request(request))

    def get_deleted_objects(self, objs, request):
        """Without the deliveries, which are deleted with the webhook: listing them would take long."""
        return [str(obj) for obj in objs], {}, set(), []

    @confirmed_action(
        "Send a test",
        "Sends one example event to {object.target}.",
        is_available=lambda request, webhook: False,  # the page has a form of its own, which sends it in place
        form=lambda data, webhook: SendTestForm(data),
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
        if not webhook.active or (webhook.app and not webhook.app.is_active):
            return chip("Off")
        if not webhook.failing_since:
            return chip("Working", "good")
        return failing(webhook.failing_since, webhook.next_check_date)

    @admin.display
    def belongs_to(self, webhook):
        return webhook.app.name if webhook.app else "the store"


def failing(since: datetime, retry: datetime | None) -> SafeString:
    text = format_html("Failing: began {}", when(since))
    return chip(format_html("{}, {}", text, next_try(retry)) if retry else text, "danger")
