"""Webhooks, and their deliveries: the outbox, which is also the log."""

import uuid
from collections.abc import Iterable
from datetime import datetime

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models.functions import Cast, Now
from django.utils import timezone

from customers.core.computed import ComputedModel, ComputedQuerySet, FoldedField
from customers.webhooks.events import APP_UNINSTALLED
from oauth.fields import EncryptedTextField
from oauth.models import ApiVersion, App

MAX_NAME_LENGTH = 50  # as on the platform
# A failed delivery blocks later ones about the same object, until it has failed this often.
MAX_BLOCKING_ATTEMPTS = 5
# The columns of a webhook whose target has answered 200, or that was just switched on.
HEALTHY = {"failures": 0, "failing_since": None, "warning_count": 0, "next_check_date": None}


class WebhookQuerySet(ComputedQuerySet):
    def subscribed_to(self, names: Iterable[str]):
        """Webhooks that subscribe to one of these event types."""
        matching = models.Q(pk__in=())
        for name in names:
            # A search in the JSON text: names contain no quotes, and SQLite's JSON has no "contains" lookup.
            matching |= models.Q(text__contains=f'"{name}"')
        return self.annotate(text=Cast("events", models.TextField())).filter(matching)


class Webhook(ComputedModel):
    """A subscription. It belongs to the partner app whose token created it, else to the store.

    `failures` counts failed attempts in a row, since `failing_since`. A success resets both, and `warning_count`.
    Nothing is sent before `next_check_date`. The worker `leased_by` sends the events, until `leased_until`.
    """

    app = models.ForeignKey(App, models.CASCADE, null=True, blank=True, help_text="Empty: the store's own.")
    name = models.CharField(max_length=MAX_NAME_LENGTH, null=True, blank=True)
    search_name = FoldedField("name")
    target = models.CharField(max_length=255, help_text="The URL that events are posted to.")
    events = models.JSONField(default=list, blank=True, help_text="The names of the event types.")
    store = models.CharField(
        max_length=255, blank=True, editable=False, help_text="The domain that the webhook was created at."
    )
    secret_key = EncryptedTextField(db_column="encrypted_secret_key")
    api_version = models.CharField("API version", max_length=16, choices=ApiVersion)
    active = models.BooleanField(
        default=True, help_text="Off: nothing is sent, and events that happen meanwhile are not stored for later."
    )
    warning_count = models.PositiveSmallIntegerField(default=0, editable=False)
    next_check_date = models.DateTimeField(null=True, editable=False)
    failing_since = models.DateTimeField(null=True, editable=False)
    failures = models.PositiveIntegerField(default=0, editable=False)
    leased_by = models.UUIDField(null=True, editable=False)
    leased_until = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = WebhookQuerySet.as_manager()  # type: ignore[misc]  # Django lets a model have its own

    def __str__(self):
        return self.name or self.target


class DeliveryQuerySet(models.QuerySet):
    def sendable(self, now: datetime):
        """Waiting deliveries whose webhook is active and not paused, and whose app is not switched off. A pause does
        not hold up a test: somebody waits for its answer.

        `app.uninstalled` is the exception: its webhook was deactivated in the same transaction.
        """
        is_on = models.Q(webhook__active=True) & (models.Q(webhook__app=None) | models.Q(webhook__app__is_active=True))
        not_paused = models.Q(webhook__next_check_date=None) | models.Q(webhook__next_check_date__lte=now)
        not_paused |= models.Q(is_test=True)
        last_word = models.Q(event_type=APP_UNINSTALLED.name)
        return self.filter(is_on | last_word, not_paused, status=Delivery.Status.WAITING)

    def due(self, now: datetime):
        """Sendable deliveries that no earlier one about the same object blocks."""
        earlier_pending = Delivery.objects.filter(
            webhook=models.OuterRef("webhook"),
            object_id=models.OuterRef("object_id"),
            pk__lt=models.OuterRef("pk"),
            status=Delivery.Status.WAITING,
            attempts__gt=0,  # the condition of the index delivery_again, which is therefore small
            attempts__lt=MAX_BLOCKING_ATTEMPTS,
            due_at__gt=now,
        )
        return self.sendable(now).filter(~models.Exists(earlier_pending), due_at__lte=now)


class Delivery(models.Model):
    """An event for one webhook: written with the change, sent by a worker, then kept as a log entry.

    `body` is written once, before the first attempt; retries send the same bytes. It is ASCII, so that the signature
    of the bytes is also that of the text.
    """

    class Status(models.TextChoices):
        WAITING = "waiting"
        DELIVERED = "delivered"
        FAILED = "failed"

    # Without a constraint, which would lock the webhook's row whenever a customer is created.
    webhook = models.ForeignKey(Webhook, models.CASCADE, db_constraint=False, db_index=False, related_name="deliveries")
    event_id = models.UUIDField(default=uuid.uuid4)
    event_type = models.CharField(max_length=100)
    object_id = models.BigIntegerField(help_text="The id of the customer, app or export; 0 in a test event.")
    snapshot = models.JSONField(
        null=True, encoder=DjangoJSONEncoder, help_text="The payload of an object that no longer exists."
    )
    body = models.TextField(default="", db_default="")
    merge = models.JSONField(null=True, help_text="The merge that caused the event: both customers, and who did it.")
    is_test = models.BooleanField(default=False, db_default=False)
    status = models.CharField(max_length=16, choices=Status, default=Status.WAITING, db_default=Status.WAITING.value)
    attempts = models.PositiveSmallIntegerField(default=0, db_default=0)
    response_code = models.PositiveSmallIntegerField(null=True)
    response_ms = models.PositiveIntegerField("response time in ms", null=True)
    error = models.CharField(max_length=255, default="", db_default="")
    created_at = models.DateTimeField(default=timezone.now, db_default=Now(), db_index=True)
    due_at = models.DateTimeField(db_default=Now())
    last_sent_at = models.DateTimeField(null=True)

    objects = DeliveryQuerySet.as_manager()

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
