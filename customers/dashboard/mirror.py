"""Mirrored stores and their events in the dashboard."""

from django.contrib import admin
from django.db.models import Max
from django.utils import timezone

from customers.dashboard.read_only import ReadOnlyAdmin
from customers.mirror.models import MirroredStore, ReceivedEvent

Outcome = ReceivedEvent.Outcome


class MirrorAdmin(ReadOnlyAdmin):
    list_per_page = 50
    ordering = ("-id",)
    empty_value_display = "—"


@admin.register(MirroredStore)
class MirroredStoreAdmin(MirrorAdmin):
    list_display = ("url", "last_event", "synced", "stale", "conflicts")
    fields = ("url", "created_at", "webhook_id", "has_token", "last_event", "synced", "stale", "conflicts")
    readonly_fields = fields

    def get_queryset(self, request):
        return super().get_queryset(request).annotate(last_event_at=Max("events__received_at"))

    @admin.display
    def last_event(self, store):
        return f"{timezone.localtime(store.last_event_at):%Y-%m-%d %H:%M:%S}" if store.last_event_at else None

    @admin.display(description="customers")
    def synced(self, store):
        return f"{store.customers.synced().count():,}"

    @admin.display(description="waiting for a refresh")
    def stale(self, store):
        return f"{store.customers.due().count():,}"

    @admin.display(description="conflicts and rejected events")
    def conflicts(self, store):
        return f"{store.events.filter(outcome__in=(Outcome.CONFLICT, Outcome.REJECTED)).count():,}"

    @admin.display(description="has a token", boolean=True)
    def has_token(self, store):
        return store.has_token


@admin.register(ReceivedEvent)
class ReceivedEventAdmin(MirrorAdmin):
    list_display = ("event_type", "object_id", "store", "time", "outcome", "detail")
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
        return f"{timezone.localtime(event.received_at):%Y-%m-%d %H:%M:%S}"
