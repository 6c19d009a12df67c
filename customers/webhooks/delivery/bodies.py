"""Writes the body of a request: the envelope around the payload of an event."""

import json
from collections import defaultdict
from typing import Any

from django.conf import settings

from customers.webhooks.events import EVENT_TYPES
from customers.webhooks.models import Delivery, Webhook


def write_bodies(webhook: Webhook, deliveries: list[Delivery]) -> None:
    """Stores the body of each delivery, and ends those whose object no longer exists.

    The bytes are those of Python's `json.dumps`, because the platform's documentation verifies a signature against
    `json.dumps` of the parsed body.
    """
    ids = defaultdict(set)
    for delivery in deliveries:
        if delivery.snapshot is None:
            ids[delivery.event_type].add(delivery.object_id)
    found = {name: EVENT_TYPES[name].payload(ids[name], webhook.api_version) for name in ids}
    gone = []
    for delivery in deliveries:
        data = delivery.snapshot
        if data is None:
            data = found[delivery.event_type].get(delivery.object_id)
        if data is None:
            gone.append(delivery.pk)
        else:
            delivery.body = json.dumps(envelope(webhook, delivery, data))
    unwritten = Delivery.objects.filter(status=Delivery.Status.WAITING, body="")
    unwritten.bulk_update([delivery for delivery in deliveries if delivery.body], ["body"])
    if gone:
        unwritten.filter(pk__in=gone).update(status=Delivery.Status.FAILED, error="The object no longer exists.")


def envelope(webhook: Webhook, delivery: Delivery, data: Any) -> dict[str, Any]:
    return {
        "object": EVENT_TYPES[delivery.event_type].object_name,
        "data": data,
        "event_id": str(delivery.event_id),
        "event_type": delivery.event_type,
        "webhook": {
            "id": webhook.pk,
            "store": (settings.STORE_DOMAIN or webhook.store).partition(".")[0],
            "events": webhook.events,
            "target": webhook.target,
        },
        "api_version": webhook.api_version,
        **({"merge": delivery.merge} if delivery.merge else {}),
    }
