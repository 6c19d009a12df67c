"""Followed stores in the dashboard, and what they have told."""

from django.contrib import admin
from django.db.models import Max
from django.utils import timezone

from customers.dashboard.read_only import ReadOnlyAdmin
from customers.mirror.models import FollowedStore, ReceivedEvent

Outcome = ReceivedEvent.Outcome


class MirrorAdmin(ReadOnlyAdmin):
    list_per_page = 50
    ordering = ("-id",)
    empty_value_display = "—"


@admin.register(FollowedStore)
class FollowedStoreAdmin(MirrorAdmin):
    list_display = ("url", "last_event", "copied", "waiting", "conflicts")
    fields = ("url", "created_at", "webhook_id", "is_read", "last_event", "copied", "waiting", "conflicts")
    readonly_fields = fields

    def get_queryset(self, request):
        return super().get_queryset(request).annotate(told_at=Max("events__received_at"))

    @admin.display
    def last_event(self, store):
        return f"{timezone.localtime(store.told_at):%Y-%m-%d %H:%M:%S}" if store.told_at else None

    @admin.display(description="customers")
    def copied(self, store):
        return f"{store.copies.exclude(state_at=None).count():,}"

    @admin.display(description="to be read")
    def waiting(self, store):
        return f"{store.copies.filter(due_at__isnull=False).count():,}"

    @admin.display(description="events not taken")
    def conflicts(self, store):
        return f"{store.events.filter(outcome__in=(Outcome.CONFLICT, Outcome.REFUSED)).count():,}"

    @admin.display(description="token kept", boolean=True)
    def is_read(self, store):
        return store.has_token


@admin.register(ReceivedEvent)
class ReceivedEventAdmin(MirrorAdmin):
    list_display = ("event_type", "object_id", "store", "time", "outcome", "detail")
    fields = readonly_fields = (
        "store", "event_type", "object_id", "event_id", "received_at", "outcome", "detail"
    )  # fmt: skip
    list_filter = ("outcome", ("store", admin.RelatedOnlyFieldListFilter))
    search_fields = ("object_id__exact",)
    search_help_text = "The id of a customer or a subscription, or the number of an order"
    list_select_related = ("store",)
    show_full_result_count = False

    @admin.display(ordering="received_at")
    def time(self, event):
        return f"{timezone.localtime(event.received_at):%Y-%m-%d %H:%M:%S}"
