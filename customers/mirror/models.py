"""Live stores whose customers are kept here, too: what was copied, what they told, what is still to be read."""

from django.db import models
from django.utils import timezone

from oauth.fields import EncryptedTextField, has_secret


class FollowedStore(models.Model):
    """A live store. Its customers have the same ids here as there."""

    url = models.CharField("URL", max_length=255, unique=True, help_text="Its scheme and its domain.")
    secret_key = EncryptedTextField(
        editable=False, db_column="encrypted_secret_key", help_text="Signs the events that the store sends."
    )
    token = EncryptedTextField(
        editable=False, blank=True, default="", db_column="encrypted_token", help_text="Reads the store's customers."
    )
    webhook_id = models.BigIntegerField(null=True, editable=False, help_text="Of the webhook there that tells us.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self):
        return self.url

    @property
    def has_token(self) -> bool:
        return has_secret(self, "token")


class Copy(models.Model):
    """What is known of a customer of a followed store. Without `state_at` nothing of them is kept here (yet).

    `waiting_since` an event told of a change, they are to be read from the store, not before `due_at`."""

    customer_id = models.BigIntegerField(primary_key=True, help_text="There and here.")
    store = models.ForeignKey(FollowedStore, models.CASCADE, related_name="copies", db_index=False)
    state_at = models.DateTimeField(null=True, help_text="What is kept is how they were then, or later.")
    is_erased = models.BooleanField(default=False, help_text="They were forgotten there: nothing personal comes back.")
    waiting_since = models.DateTimeField(null=True)
    with_reports = models.BooleanField(default=False, help_text="Orders and subscriptions are to be read, too.")
    due_at = models.DateTimeField(null=True)
    failures = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name_plural = "copies"
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="copy_to_be_read"),
        ]

    def __str__(self):
        return str(self.customer_id)


class ReceivedEvent(models.Model):
    """An event that a store has told, and what came of it. Nothing personal: what it told is not kept."""

    class Outcome(models.TextChoices):
        APPLIED = "applied"
        SAME = "same", "nothing new"
        TO_BE_READ = "to be read"
        OUTDATED = "outdated"
        IGNORED = "ignored"
        CONFLICT = "conflict"
        REFUSED = "refused"

    store = models.ForeignKey(FollowedStore, models.CASCADE, related_name="events", db_index=False)
    event_id = models.CharField(max_length=64)
    event_type = models.CharField(max_length=100)
    object_id = models.CharField(max_length=128, blank=True, default="", help_text="An id, or an order's number.")
    outcome = models.CharField(max_length=16, choices=Outcome, default=Outcome.IGNORED)
    detail = models.CharField(max_length=255, blank=True, default="")
    received_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["store", "event_id"], name="received_event_once_a_store")]
        indexes = [models.Index(fields=["outcome", "id"], name="received_event_by_outcome")]

    def __str__(self):
        return f"{self.event_type} {self.object_id}"
