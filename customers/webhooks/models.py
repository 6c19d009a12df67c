"""Who wants to be told of what, and what they are to be told: the outbox, which is the log of deliveries, too."""

import uuid
from collections.abc import Iterable

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models.functions import Cast, Now
from django.utils import timezone

from oauth import encryption
from oauth.models import ApiVersion, App


class WebhookQuerySet(models.QuerySet):
    def visible_to(self, app_id: int):
        """An app sees its own; the private app of a personal token is the owner's, who sees all."""
        is_private = App.objects.filter(pk=app_id, kind=App.Kind.PRIVATE)
        return self.filter(models.Q(app_id=app_id) | models.Exists(is_private))

    def subscribed_to(self, names: Iterable[str]):
        """To one of these events."""
        matching = models.Q(pk__in=())
        for name in names:
            # As the text has it: names have no quotes, and SQLite's JSON knows no "contains".
            matching |= models.Q(text__contains=f'"{name}"')
        return self.annotate(text=Cast("events", models.TextField())).filter(matching)


class Webhook(models.Model):
    """Where events are sent. It belongs to the partner app whose token made it, else to the store.

    `failing_since` and `failures` in a row end with a success, and with them the warnings. Before `next_check_date`
    nothing is sent. `leased_by` is the worker that sends, until `leased_until`.
    """

    app = models.ForeignKey(App, models.CASCADE, null=True, blank=True, help_text="Empty: the store's own.")
    name = models.CharField(max_length=255, null=True, blank=True)
    target = models.CharField(max_length=255, help_text="Where events are posted to.")
    events = models.JSONField(default=list, blank=True, help_text="The names of the events.")
    encrypted_secret_key = models.TextField(editable=False)
    api_version = models.CharField("API version", max_length=16, choices=ApiVersion)
    active = models.BooleanField(default=True, help_text="Off: events do not wait for it, and nothing is sent.")
    warning_count = models.PositiveSmallIntegerField(default=0, editable=False)
    next_check_date = models.DateTimeField(null=True, editable=False)
    failing_since = models.DateTimeField(null=True, editable=False)
    failures = models.PositiveIntegerField(default=0, editable=False)
    leased_by = models.UUIDField(null=True, editable=False)
    leased_until = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = WebhookQuerySet.as_manager()

    def __str__(self):
        return self.name or self.target

    @property
    def secret_key(self) -> str:
        """Raises UnreadableSecret."""
        return encryption.decrypt(self.encrypted_secret_key)


class Delivery(models.Model):
    """An event for one webhook: put here with the change, sent by a worker, kept as the log of what came of it.

    `body` is written once, before it is first sent, and sent again byte by byte. ASCII, for the signature's sake.
    """

    class Status(models.TextChoices):
        WAITING = "waiting"
        DELIVERED = "delivered"
        FAILED = "failed"

    # No constraint: it would lock the webhook's row for each customer who is created.
    webhook = models.ForeignKey(Webhook, models.CASCADE, db_constraint=False, db_index=False, related_name="deliveries")
    event_id = models.UUIDField(default=uuid.uuid4)
    event_type = models.CharField(max_length=100)
    object_id = models.BigIntegerField(help_text="Of the customer, the app or the export; 0: an example.")
    snapshot = models.JSONField(
        null=True, encoder=DjangoJSONEncoder, help_text="What is told of an object that can't be read any more."
    )
    body = models.TextField(default="", db_default="")
    is_test = models.BooleanField(default=False, db_default=False)
    status = models.CharField(max_length=16, choices=Status, default=Status.WAITING, db_default=Status.WAITING.value)
    attempts = models.PositiveSmallIntegerField(default=0, db_default=0)
    response_code = models.PositiveSmallIntegerField(null=True)
    response_ms = models.PositiveIntegerField("response time in ms", null=True)
    error = models.CharField(max_length=255, default="", db_default="")
    created_at = models.DateTimeField(default=timezone.now, db_default=Now(), db_index=True)
    due_at = models.DateTimeField(default=timezone.now, db_default=Now())
    last_sent_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "deliveries"
        indexes = [
            models.Index(fields=["webhook", "id"], condition=models.Q(status="waiting"), name="delivery_waiting"),
            models.Index(
                fields=["webhook", "object_id", "id"],
                condition=models.Q(status="waiting", attempts__gt=0),
                name="delivery_again",
            ),
            models.Index(fields=["object_id", "id"], name="delivery_of_object"),
            models.Index(fields=["event_type", "id"], name="delivery_of_event"),
        ]

    def __str__(self):
        return f"{self.event_type} {self.object_id}"
