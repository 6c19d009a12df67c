"""The outbox: a row for each event and webhook, written in the transaction of the change, so that both are kept or
neither is."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Q, QuerySet

from customers.models import Event, User
from customers.webhooks.events import (
    BY_TIMELINE_KIND,
    CUSTOMER_CREATED,
    CUSTOMER_REDACTED,
    EVENT_TYPES,
    EXPORT_CREATED,
    EventType,
)
from customers.webhooks.models import Delivery, Webhook


def enqueue(events: Iterable[Event]) -> None:
    """Enqueues timeline entries that have an event type: one event per customer and type, however many entries."""
    caused = {
        (event_type.name, event.user_id): None
        for event in events
        if (event_type := BY_TIMELINE_KIND.get(Event.Kind(event.kind)))
    }
    if caused:
        webhooks = list(Webhook.objects.filter(active=True).values_list("pk", "events"))
        Delivery.objects.bulk_create(
            Delivery(webhook_id=webhook_id, event_type=name, object_id=user_id)
            for name, user_id in caused
            for webhook_id, subscribed in webhooks
            if name in subscribed
        )


def enqueue_created_sql(people: str) -> str:
    """`enqueue` as a part of a PostgreSQL statement that creates customers. `people`: a table with their ids."""
    name = CUSTOMER_CREATED.name
    return f"""
        INSERT INTO {Delivery._meta.db_table} (webhook_id, event_id, event_type, object_id)
        SELECT webhook.id, gen_random_uuid(), '{name}', {people}.id
        FROM {people} JOIN {Webhook._meta.db_table} webhook ON webhook.active AND webhook.events @> '["{name}"]'
        ORDER BY {people}.id
    """  # noqa: S608  only names are put in


def enqueue_redacted(user: User) -> None:
    """Call it before the customer is erased: the payload names the customer. Deletes all deliveries about them."""
    deliveries_about(user.pk).delete()
    _enqueue_object(CUSTOMER_REDACTED, user.pk, Webhook.objects.all(), snapshot=CUSTOMER_REDACTED.snapshot(user))


def enqueue_export(job_id: int, app_id: int | None) -> None:
    """The export is ready. `app_id`: the app that requested it; its webhooks and the store's own are notified."""
    _enqueue_object(EXPORT_CREATED, job_id, Webhook.objects.filter(Q(app=None) | Q(app=app_id)))


def _enqueue_object(event_type: EventType, object_id: int, webhooks: QuerySet[Webhook], **fields: Any) -> None:
    Delivery.objects.bulk_create(
        Delivery(webhook=webhook, event_type=event_type.name, object_id=object_id, **fields)
        for webhook in webhooks.filter(active=True)
        if event_type.name in webhook.events
    )


def deliveries_about(user_id: int) -> QuerySet[Delivery]:
    names = [name for name, event_type in EVENT_TYPES.items() if event_type.object_name == "customer"]
    return Delivery.objects.filter(object_id=user_id, event_type__in=names)
