"""What an event tells of its object: what a GET of it answers, in the version that the webhook speaks."""

from collections.abc import Collection
from typing import Any

from customers.api import serializers
from customers.api.app_views import PublicAppSerializer
from customers.api.export_views import ExportSerializer
from customers.jobs.exports.services import asked_for
from customers.models import User
from customers.webhooks import outbox
from oauth.models import App

EXAMPLE = {"pk": 0, "email": "ada@example.com", "first_name": "Ada", "last_name": "Lovelace", "tags": ["example"]}


def data_of(event_type: str, ids: Collection[int], version: str) -> dict[int, Any]:
    """By the ids of objects, without those that are no more; 0 is the id of an example. All are the same in all
    versions."""
    if event_type == outbox.APP_UNINSTALLED:
        return {app.pk: dict(PublicAppSerializer(app).data) for app in App.objects.filter(pk__in=ids)}
    if event_type == outbox.EXPORT_CREATED:
        return {job.pk: dict(ExportSerializer(job).data) for job in asked_for().filter(pk__in=ids)}
    rows = serializers.with_addresses(serializers.users_with_ids(*ids))
    if 0 in ids:
        user = User(**EXAMPLE)
        user._prefetched_objects_cache = {"addresses": User.objects.none()}  # type: ignore[attr-defined]  # as in storage
        rows.append(serializers.row_of(user))
    return {row["id"]: serializers.shown(row) for row in rows}
