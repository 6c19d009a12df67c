"""How far the workers are behind. Both numbers are read from small indexes, however many deliveries the log holds."""

from django.db.models import Min, OuterRef, Subquery

from customers.webhooks.models import Delivery, Webhook
from oauth.clock import database_now


def length() -> int:
    """Deliveries that wait, also for a retry or for their webhook to be switched on."""
    return Delivery.objects.filter(status=Delivery.Status.WAITING).count()


def seconds_behind() -> float:
    """For how long the oldest delivery is due that could be sent now; 0 if nothing is due.

    Looks at the first due delivery of each webhook.
    """
    now = database_now()
    first = Delivery.objects.due(now).filter(webhook=OuterRef("pk")).order_by("pk").values("due_at")[:1]
    oldest = Webhook.objects.annotate(due_since=Subquery(first)).aggregate(oldest=Min("due_since"))["oldest"]
    return max((now - oldest).total_seconds(), 0) if oldest else 0
