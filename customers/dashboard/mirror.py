"""Mirrored stores and their events in the dashboard."""

from django.contrib import admin
from django.db.models import Max

from customers.dashboard.chips import chip
from customers.dashboard.read_only import ReadOnlyAdmin
from customers.dashboard.templatetags.shop import NOTHING, when
from customers.mirror.models import MirroredStore, ReceivedEvent

Outcome = ReceivedEvent.Outcome

SHOWN_ON_PAGE = 20
TONES = {Outcome.CONFLICT: "warning", Outcome.REJECTED: "danger"}


class MirrorAdmin(ReadOnlyAdmin):
    list_per_page = 50
    ordering = ("-id",)
    empty_value_display = NOTHING
    show_facets = admin.ShowFacets.NEVER


@admin.register(MirroredStore)
class MirroredStoreAdmin(MirrorAdmin):
    list_display = ("url", "last_event", "synced", "stale", "conflicts")
    fields = ("url", "created_at", "webhook_id", "has_token", "last_event", "synced", "stale", "conflicts")
    readonly_fields = fields
    change_form_template = "dashboard/mirror/store.html"

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        if obj:
            context["newest_events"] = obj.events.order_by("-id")[:SHOWN_ON_PAGE]
        return super().render_change_form(request, context, add, change, form_url, obj)

    def get_queryset(self, request):
        return super().get_queryset(request).annotate(last_event_at=Max("events__received_at"))

    @admin.display
    def last_event(self, store):
        return when(store.last_event_at) if store.last_event_at else "Never"

    @admin.display(description="customers")
    def synced(self, store):
        return f"{store.customers.synced().count():,}"

    @admin.display(description="waiting for a refresh")
    def stale(self, store):
        return f"{store.customers.due().count():,}"

    @admin.display(description="conflicts and rejected events")
    def conflicts(self, store):
        return f"{store.events.filter(outcome__in=(Outcome.CONFLICT, Outcome.REJECTED)).count():,}"

    @admin.display(description="token")
    def has_token(self, store):
        return "Kept, encrypted" if store.has_token else "Not kept"


@admin.register(ReceivedEvent)
class ReceivedEventAdmin(MirrorAdmin):
    list_display = ("event_type", "object_id", "store", "time", "result", "detail")
    fields = readonly_fields = (
        "store", "event_type", "object_id", "event_id", "received_at", "outcome", "detail"
    )  # fmt: skip
    list_filter = ("outcome", ("store", admin.RelatedOnlyFieldListFilter))
    search_fields = ("object_id__exact",)
    search_help_text = "Search by customer ID, subscription ID or order number"
    list_select_related = ("store",)
    show_full_result_count = False

    @admin.display(ordering="received_at")
    def time(self, event):
        return when(event.received_at)

    @admin.display(ordering="outcome", description="outcome")
    def result(self, event):
        return chip(event.get_outcome_display(), TONES.get(Outcome(event.outcome), "neutral"))
