"""What a change is told as. The rows are written in the transaction of the change: both are kept, or neither."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Q

from customers.models import Event, User
from customers.webhooks.models import Delivery, Webhook

CREATED = "customer.created"
UPDATED = "customer.updated"
REDACTED = "customer.redacted"
APP_UNINSTALLED = "app.uninstalled"
EXPORT_CREATED = "export.created"
# Customers are forgotten, never deleted: that one does not fire.
KNOWN = (CREATED, UPDATED, "customer.deleted", REDACTED, APP_UNINSTALLED, EXPORT_CREATED)
# Of the timeline's events, those that webhooks are told of. A password and what staff look at change nothing that
# the API shows.
TOLD_AS = {
    Event.Kind.CREATED: CREATED,
    **dict.fromkeys(
        (
            Event.Kind.CHANGED,
            Event.Kind.BLOCKED,
            Event.Kind.UNBLOCKED,
            Event.Kind.ADDRESS_ADDED,
            Event.Kind.ADDRESS_CHANGED,
            Event.Kind.ADDRESS_DELETED,
        ),
        UPDATED,
    ),
}


def enqueue(events: Iterable[Event]) -> None:
    """For whoever subscribed, what the timeline was told: once a person, however much was changed."""
    told = {(TOLD_AS[kind], event.user_id): None for event in events if (kind := Event.Kind(event.kind)) in TOLD_AS}
    if told:
        webhooks = list(Webhook.objects.filter(active=True).values_list("pk", "events"))
        Delivery.objects.bulk_create(
            Delivery(webhook_id=webhook, event_type=event_type, object_id=user_id)
            for event_type, user_id in told
            for webhook, wanted in webhooks
            if event_type in wanted
        )


def enqueue_created_sql(people: str) -> str:
    """The same within a statement of PostgreSQL that creates customers: `people` has their ids."""
    return f"""
        INSERT INTO {Delivery._meta.db_table} (webhook_id, event_id, event_type, object_id)
        SELECT webhook.id, gen_random_uuid(), '{CREATED}', {people}.id
        FROM {people} JOIN {Webhook._meta.db_table} webhook ON webhook.active AND webhook.events @> '["{CREATED}"]'
        ORDER BY {people}.id
    """  # noqa: S608  only names are put in


def put_redacted(user: User) -> None:
    """Before `user` is forgotten: who it is that others should forget, too. What was to be told of them, and was told,
    goes."""
    about(user.pk).delete()
    snapshot = {
        "id": user.pk,
        "email": user.email,
        "phone_number": user.phone_number,
        "orders": list(user.orders.order_by("id").values_list("number", flat=True)),
        "subscriptions": list(user.subscriptions.order_by("id").values_list("external_id", flat=True)),
    }
    for webhook in Webhook.objects.filter(active=True):
        if REDACTED in webhook.events:
            put_for(webhook, REDACTED, user.pk, snapshot=snapshot)


def put_export(job_id: int, app_id: int | None) -> None:
    """For the store's own webhooks and those of the app that asked for it: an export is ready."""
    for webhook in Webhook.objects.filter(Q(app=None) | Q(app=app_id), active=True):
        if EXPORT_CREATED in webhook.events:
            put_for(webhook, EXPORT_CREATED, job_id)


def put_for(webhook: Webhook, event_type: str, object_id: int, **fields: Any) -> Delivery:
    return Delivery.objects.create(webhook=webhook, event_type=event_type, object_id=object_id, **fields)


def about(user_id: int):
    """The deliveries about a customer."""
    return Delivery.objects.filter(object_id=user_id, event_type__startswith="customer.")
