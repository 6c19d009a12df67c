"""The stores that are mirrored here, and how far each of their customers is in sync."""

from django.db import models
from django.utils import timezone

from oauth.fields import EncryptedTextField, has_secret


class MirroredStore(models.Model):
    """A live store. Its customers have the same ids here as there."""

    url = models.CharField("URL", max_length=255, unique=True, help_text="Scheme and domain.")
    secret_key = EncryptedTextField(
        editable=False, db_column="encrypted_secret_key", help_text="Signs the events that the store sends."
    )
    token = EncryptedTextField(
        editable=False, blank=True, default="", db_column="encrypted_token", help_text="Reads the store's customers."
    )
    webhook_id = models.BigIntegerField(
        null=True, editable=False, help_text="The store's webhook that sends events here."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self):
        return self.url

    @property
    def has_token(self) -> bool:
        return has_secret(self, "token")


class MirroredCustomerQuerySet(models.QuerySet["MirroredCustomer"]):
    def synced(self):
        """Customers with data here."""
        return self.exclude(synced_as_of=None)

    def due(self):
        """Customers that must be read from the store, now or later."""
        return self.filter(refresh_due_at__isnull=False)


class MirroredCustomer(models.Model):
    """The sync state of a customer of a mirrored store; the data itself is in `User`.

    An event sets `stale_since` when it says that the customer has changed; the worker then reads them from the store,
    at `refresh_due_at` or later.
    """

    customer_id = models.BigIntegerField(primary_key=True, help_text="The same in the store and here.")
    store = models.ForeignKey(MirroredStore, models.CASCADE, related_name="customers", db_index=False)
    synced_as_of = models.DateTimeField(
        null=True, help_text="The data here is the store's at this time or later. None: there is no data here (yet)."
    )
    is_erased = models.BooleanField(
        default=False, help_text="The store has erased them. Personal data is not kept again."
    )
    stale_since = models.DateTimeField(null=True)
    refetch_orders = models.BooleanField(default=False, help_text="Read orders and subscriptions, too.")
    refresh_due_at = models.DateTimeField(null=True)
    failures = models.PositiveSmallIntegerField(default=0, help_text="Failed reads since the last one that succeeded.")

    objects = MirroredCustomerQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["refresh_due_at"],
                condition=models.Q(refresh_due_at__isnull=False),
                name="mirrored_customer_refresh_due",
            ),
        ]

    def __str__(self):
        return str(self.customer_id)


class ReceivedEvent(models.Model):
    """A webhook event of a mirrored store, and its outcome. The event's payload is not stored."""

    class Outcome(models.TextChoices):
        APPLIED = "applied"
        UNCHANGED = "unchanged"
        QUEUED = "queued", "refresh queued"
        OUTDATED = "outdated"
        IGNORED = "ignored"
        CONFLICT = "conflict"
        REJECTED = "rejected"

    store = models.ForeignKey(MirroredStore, models.CASCADE, related_name="events", db_index=False)
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
