"""The outbox: a row for each event and webhook, written in the transaction of the change, so that both are kept or
neither is."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Q, QuerySet

from customers import history
from customers.models import Event, User
from customers.webhooks.events import (
    BY_TIMELINE_KIND,
    CUSTOMER_DELETED,
    CUSTOMER_REDACTED,
    EVENT_TYPES,
    EXPORT_CREATED,
    EventType,
)
from customers.webhooks.models import Delivery, Webhook
from oauth.models import App


def enqueue(events: Iterable[Event]) -> None:
    """Enqueues timeline entries that have an event type: one event per customer and type, however many entries.

    A merge also causes `customer.deleted` of the customer who is gone.
    """
    caused: dict[tuple[str, int], dict[str, Any]] = {}
    for event in events:
        if event_type := BY_TIMELINE_KIND.get(Event.Kind(event.kind)):
            columns = caused.setdefault((event_type.name, event.user_id), {})
            if event.kind == Event.Kind.MERGED:
                columns["merge"] = merge = _merge_of(event)
                deleted = {"id": merge["merged_id"], "merged_into": merge["kept_id"]}
                caused[CUSTOMER_DELETED.name, merge["merged_id"]] = {"snapshot": deleted, "merge": merge}
    if caused:
        webhooks = list(Webhook.objects.filter(active=True).values_list("pk", "events"))
        Delivery.objects.bulk_create(
            Delivery(webhook_id=webhook_id, event_type=name, object_id=object_id, **columns)
            for (name, object_id), columns in caused.items()
            for webhook_id, subscribed in webhooks
            if name in subscribed
        )


def _merge_of(event: Event) -> dict[str, Any]:
    merged_id, kept_id = event.changes[history.MERGED_CUSTOMER]
    client_id = event.app_id and App.objects.values_list("client_id", flat=True).get(pk=event.app_id)
    return {"kept_id": kept_id, "merged_id": merged_id, "by": {"user_id": event.actor_id, "client_id": client_id}}


def enqueue_sql(people: str, kinds: Iterable[Event.Kind]) -> str:
    """`enqueue` as a part of a PostgreSQL statement; empty if these kinds cause no event. `people`: a table with the
    ids of the customers. Each of them has events of these kinds."""
    names = sorted({BY_TIMELINE_KIND[kind].name for kind in kinds if kind in BY_TIMELINE_KIND})
    if not names:
        return ""
    return f"""
        INSERT INTO {Delivery._meta.db_table} (webhook_id, event_id, event_type, object_id)
        SELECT webhook.id, gen_random_uuid(), caused.name, {people}.id
        FROM {people}, (VALUES {", ".join(f"('{name}')" for name in names)}) AS caused (name),
            {Webhook._meta.db_table} webhook
        WHERE webhook.active AND webhook.events @> to_jsonb(caused.name)
        ORDER BY {people}.id
    """  # noqa: S608  only names of tables and of event types are put in


def enqueue_redacted(user: User) -> None:
    """Call it before the customer is erased: the payload names the customer. Deletes all deliveries about them."""
    deliveries_about(user.pk).delete()
    _enqueue(CUSTOMER_REDACTED, [user.pk], Webhook.objects.all(), snapshot=CUSTOMER_REDACTED.snapshot(user))


def enqueue_export(job_id: int, app_id: int | None) -> None:
    """The export is ready. `app_id`: the app that requested it; its webhooks and the store's own are notified."""
    _enqueue(EXPORT_CREATED, [job_id], Webhook.objects.filter(Q(app=None) | Q(app=app_id)))


def enqueue_objects(event_type: EventType, object_ids: Iterable[int]) -> None:
    """One event for each object, for changes that are not in the timeline, such as those of orders.

    `object_ids` may be a queryset: it is read only if a webhook subscribes.
    """
    _enqueue(event_type, object_ids, Webhook.objects.all())


def _enqueue(event_type: EventType, object_ids: Iterable[int], webhooks: QuerySet[Webhook], **fields: Any) -> None:
    subscribed = [webhook for webhook in webhooks.filter(active=True) if event_type.name in webhook.events]
    if subscribed:
        Delivery.objects.bulk_create(
            Delivery(webhook=webhook, event_type=event_type.name, object_id=object_id, **fields)
            for object_id in object_ids
            for webhook in subscribed
        )


def deliveries_about(*user_ids: int) -> QuerySet[Delivery]:
    """About the customers, and about their orders and subscriptions, whose payloads show the customer, too."""
    matching = Q(object_id__in=user_ids, event_type__in=_names_of("customer"))
    for object_name, relation in (("order", "orders"), ("subscription", "subscriptions")):
        ids = User.objects.filter(pk__in=user_ids, **{f"{relation}__isnull": False}).values(f"{relation}__pk")
        matching |= Q(object_id__in=ids, event_type__in=_names_of(object_name))
    return Delivery.objects.filter(matching)


def _names_of(object_name: str) -> list[str]:
    return [name for name, event_type in EVENT_TYPES.items() if event_type.object_name == object_name]
