"""Webhooks and the log of their deliveries in the dashboard."""

from django import forms
from django.contrib import admin, messages
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from customers.dashboard.confirmed_actions import ConfirmedActionsAdmin, confirmed_action
from customers.dashboard.folded_search import FoldedSearchAdmin
from customers.dashboard.list_filters import titled
from customers.dashboard.read_only import NoDeleteAdmin
from customers.dashboard.service_errors import ServiceErrorsAdmin, ServiceErrorsForm, to_validation_error
from customers.webhooks import services
from customers.webhooks.events import EVENT_TYPES
from customers.webhooks.models import Delivery, Webhook
from oauth.actor import Actor
from oauth.encryption import UnreadableSecret
from oauth.errors import ServiceError
from oauth.models import DEFAULT_API_VERSION
from oauth.store import store_domain


class WebhookForm(ServiceErrorsForm):
    name = forms.CharField(required=False, max_length=255)
    events = forms.CharField(
        widget=forms.Textarea({"rows": 4, "class": "vLargeTextField"}),
        help_text=f"One per line: {', '.join(EVENT_TYPES)}.",
    )
    secret_key = forms.CharField(
        required=False,
        help_text="Signs each delivery (X-29Next-Signature). Leave empty to generate or keep one.",
    )

    class Meta:
        model = Webhook
        fields = ("name", "target", "events", "secret_key", "api_version", "active")
        help_texts = {"active": "When off, nothing is sent or queued."}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["events"] = "\n".join(self.instance.events)
            try:
                self.initial["secret_key"] = self.instance.secret_key
            except UnreadableSecret:
                self.initial["secret_key"] = ""
        else:
            self.initial["api_version"] = DEFAULT_API_VERSION

    def clean_events(self):
        return self.cleaned_data["events"].split()

    def clean(self):
        try:
            services.checked(self.cleaned_data)
        except ServiceError as error:
            self.add_error(str(error.path[0]), to_validation_error(error))
        return super().clean()


@admin.register(Webhook)
class WebhookAdmin(FoldedSearchAdmin, ServiceErrorsAdmin, ConfirmedActionsAdmin):
    form = WebhookForm
    change_form_template = "dashboard/webhooks/change_webhook.html"
    list_display = ("__str__", "target", "event_types", "belongs_to", "active", "warning_count")
    list_filter = (("active", titled("status")),)
    search_fields = ("search_name__contains", "target")
    search_help_text = "Search by name or target"
    list_select_related = ("app",)
    ordering = ("-id",)
    list_per_page = 50
    readonly_fields = ("belongs_to", "warning_count", "next_check_date", "created_at", "updated_at")

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

    @confirmed_action("Send a test", "Sends one example event to {object.target}.")
    def send_test(self, request, webhook):
        delivery = services.send_test(webhook.pk)
        self.message_user(request, "The test is being sent. Reload this page to see the response.", messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:webhooks_delivery_change", args=[delivery.pk]))

    @admin.display(description="events")
    def event_types(self, webhook):
        return ", ".join(webhook.events)

    @admin.display
    def belongs_to(self, webhook):
        return webhook.app.name if webhook.app else "the store"


class EventFilter(admin.SimpleListFilter):
    title = parameter_name = "event"

    def lookups(self, request, model_admin):
        return [(name, name) for name in EVENT_TYPES]

    def queryset(self, request, queryset):
        return queryset.filter(event_type=self.value()) if self.value() else queryset


@admin.register(Delivery)
class DeliveryAdmin(NoDeleteAdmin, ConfirmedActionsAdmin):
    list_display = (
        "event_type", "object_id", "webhook", "time", "status", "response_code", "response_ms", "attempts", "test"
    )  # fmt: skip
    fields = readonly_fields = (
        "webhook", "event_type", "object_id", "event_id", "is_test", "status", "response_code", "response_ms", "error",
        "attempts", "created_at", "last_sent_at", "due_at", "body",
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
        is_an_id = term.isdecimal() and len(term) < 19
        return (queryset.filter(object_id=int(term)) if is_an_id else queryset.none()), False

    @confirmed_action("Send again", "Sends the same bytes to the webhook's address once more, now.")
    def send_again(self, request, delivery):
        services.send_again(delivery.pk)
        return "The delivery is being sent again. Reload this page to see the response."

    @admin.display(ordering="created_at")
    def time(self, delivery):
        return f"{timezone.localtime(delivery.created_at):%Y-%m-%d %H:%M:%S}"

    @admin.display
    def test(self, delivery):
        return "yes" if delivery.is_test else ""

    def has_add_permission(self, request):
        return False
