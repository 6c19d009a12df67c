"""Orders, subscriptions and carts: a document in the shape of the Admin API, and columns for lists and counters."""

from django.db import connection, models
from django.utils import timezone

from customers.models import User


class PaymentStatus(models.TextChoices):
    PENDING = "pending"
    AUTHORIZED = "authorized"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    PAID = "paid"
    VOIDED = "voided"
    REFUNDED = "refunded"
    PARTIALLY_PAID = "partially_paid"
    PARTIALLY_REFUNDED = "partially_refunded"
    PARTIALLY_VOIDED = "partially_voided"


# Money was taken or is authorized. A later refund does not undo the order.
SUCCESSFUL_PAYMENT = (
    PaymentStatus.AUTHORIZED,
    PaymentStatus.EXPIRING,
    PaymentStatus.PAID,
    PaymentStatus.REFUNDED,
    PaymentStatus.PARTIALLY_PAID,
    PaymentStatus.PARTIALLY_REFUNDED,
    PaymentStatus.PARTIALLY_VOIDED,
)


class SubscriptionStatus(models.TextChoices):
    ACTIVE = "active"
    PAST_DUE = "past_due"
    CANCELED = "canceled"
    RETRYING = "retrying"
    PAUSED = "paused"


MAX_SOURCES = 20
# SELECT DISTINCT would read the whole index.
DISTINCT_SOURCES = """
    WITH RECURSIVE found(source) AS (
        SELECT min(source) FROM orders_order WHERE source > ''
        UNION ALL
        SELECT (SELECT min(source) FROM orders_order WHERE source > found.source) FROM found WHERE source IS NOT NULL
    )
    SELECT source FROM found WHERE source IS NOT NULL LIMIT %s
"""


class OrderQuerySet(models.QuerySet):
    def newest_first(self):
        return self.order_by("-date_placed", "-id")

    def successful(self):
        """The orders that count: paid or authorized, and not a test."""
        return self.filter(payment_status__in=SUCCESSFUL_PAYMENT, is_test=False)

    def sources(self) -> list[str]:
        """The first MAX_SOURCES sources that orders have, in order: one step of the index for each."""
        with connection.cursor() as cursor:
            cursor.execute(DISTINCT_SOURCES, [MAX_SOURCES])
            return [source for (source,) in cursor.fetchall()]


class SubscriptionQuerySet(models.QuerySet):
    def newest_first(self):
        return self.order_by("-date_created", "-id")

    def real(self):
        """The subscriptions that count: all except tests, including those that ended."""
        return self.filter(is_test=False)


class Order(models.Model):
    user = models.ForeignKey(User, models.CASCADE, related_name="orders", db_index=False)
    number = models.CharField(max_length=128, unique=True)
    date_placed = models.DateTimeField()
    payment_status = models.CharField(max_length=32, choices=PaymentStatus)
    is_test = models.BooleanField(default=False)
    source = models.CharField(max_length=64, blank=True, db_default="", help_text="Where it was placed, if known.")
    currency = models.CharField(max_length=12, blank=True, help_text="Of the total: the reporting currency, if known.")
    total = models.DecimalField(max_digits=12, decimal_places=2, help_text="Including tax, before refunds.")
    refunded = models.DecimalField(max_digits=12, decimal_places=2)
    document = models.JSONField(help_text="The order as the order system sent it.")

    objects = OrderQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(total__gte=0), name="order_total_not_negative"),
            models.CheckConstraint(condition=models.Q(refunded__gte=0), name="order_refunded_not_negative"),
        ]
        indexes = [
            models.Index(fields=["user", "date_placed", "id"], name="order_newest_of_user"),
            models.Index(fields=["date_placed", "id"], name="order_newest"),
            models.Index(fields=["payment_status", "date_placed", "id"], name="order_newest_of_status"),
            models.Index(fields=["source", "date_placed", "id"], name="order_newest_of_source"),
            models.Index(fields=["date_placed", "id"], condition=models.Q(is_test=True), name="order_newest_tests"),
            models.Index(
                fields=["date_placed", "user"],
                include=["total", "refunded", "currency"],  # for the home page's sums
                condition=models.Q(payment_status__in=SUCCESSFUL_PAYMENT, is_test=False),
                name="order_successful_by_date",
            ),
        ]

    def __str__(self):
        return self.number


class Buyer(models.Model):
    """When a customer ordered first and last: kept for the filters of lists, by `customers.orders.buyers`. Only
    successful orders count; somebody without one has no row.

    `date_joined`: a copy, which never changes. With it one index serves these filters in the order of joining.
    """

    user = models.OneToOneField(User, models.CASCADE, primary_key=True)
    first_order_at = models.DateTimeField(db_index=True)
    last_order_at = models.DateTimeField(db_index=True)
    date_joined = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(
                fields=["date_joined", "user"], include=["first_order_at", "last_order_at"], name="buyer_newest"
            )
        ]

    def __str__(self):
        return str(self.pk)


class Subscription(models.Model):
    user = models.ForeignKey(User, models.CASCADE, related_name="subscriptions", db_index=False)
    external_id = models.BigIntegerField(unique=True, help_text="Its id in the order system.")
    date_created = models.DateTimeField()
    status = models.CharField(max_length=16, choices=SubscriptionStatus)
    is_test = models.BooleanField(default=False)
    document = models.JSONField(help_text="The subscription as the order system sent it.")

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(external_id__gt=0), name="subscription_external_id_positive")
        ]
        indexes = [
            models.Index(fields=["user", "date_created", "id"], name="subscription_newest_of_user"),
            models.Index(fields=["date_created", "id"], name="subscription_newest"),
            models.Index(fields=["status", "date_created", "id"], name="subscription_newest_of_status"),
        ]

    def __str__(self):
        return str(self.external_id)


class Cart(models.Model):
    """What a person was about to buy: made by an app, or kept from an order whose payment was declined."""

    user = models.ForeignKey(User, models.CASCADE, related_name="carts", db_index=False)
    created_at = models.DateTimeField(default=timezone.now)
    currency = models.CharField(max_length=12)
    total = models.DecimalField(max_digits=12, decimal_places=2)
    document = models.JSONField(help_text="The lines, the attribution and the metadata.")

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(total__gte=0), name="cart_total_not_negative")]
        indexes = [models.Index(fields=["user", "created_at", "id"], name="cart_newest_of_user")]

    def __str__(self):
        return str(self.pk)
