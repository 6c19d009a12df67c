"""The payloads of webhooks: `data` is what a GET of the object answers, in the API version of the webhook.

Customers, apps and exports look the same in all versions.
"""

from collections.abc import Collection
from typing import Any

from customers.api import serializers
from customers.api.app_views import PublicAppSerializer
from customers.api.export_views import ExportSerializer
from customers.jobs.exports.services import asked_for
from customers.models import User
from customers.webhooks.events import EXAMPLE_ID, renders
from oauth.models import App

EXAMPLE = {
    "pk": EXAMPLE_ID, "email": "ada@example.com", "first_name": "Ada", "last_name": "Lovelace", "tags": ["example"]
}  # fmt: skip


@renders("customer")
def customers(ids: Collection[int], api_version: str) -> dict[int, Any]:
    rows = serializers.with_addresses(serializers.users_with_ids(*ids))
    if EXAMPLE_ID in ids:
        user = User(**EXAMPLE)
        user._prefetched_objects_cache = {"addresses": User.objects.none()}  # type: ignore[attr-defined]  # as in storage
        rows.append(serializers.row_of(user))
    return {row["id"]: serializers.shown(row) for row in rows}


@renders("app")
def apps(ids: Collection[int], api_version: str) -> dict[int, Any]:
    return {app.pk: dict(PublicAppSerializer(app).data) for app in App.objects.filter(pk__in=ids)}


@renders("export")
def exports(ids: Collection[int], api_version: str) -> dict[int, Any]:
    return {job.pk: dict(ExportSerializer(job).data) for job in asked_for().filter(pk__in=ids)}
