"""The payloads of webhooks: `data` is what a GET of the object answers, in the API version of the webhook.

Customers, apps and exports look the same in all versions.
"""

from collections.abc import Collection
from typing import Any

from customers.api.resources.apps import PublicAppSerializer
from customers.api.resources.exports import ExportSerializer
from customers.api.resources.users import UserRepresentation
from customers.jobs.exports.services import requested
from customers.models import User
from customers.webhooks.events import EXAMPLE_ID, renders
from oauth.models import App

EXAMPLE = {
    "pk": EXAMPLE_ID, "email": "ada@example.com", "first_name": "Ada", "last_name": "Lovelace", "tags": ["example"]
}  # fmt: skip


@renders("customer")
def customers(ids: Collection[int], api_version: str) -> dict[int, Any]:
    representations = UserRepresentation.from_ids(*ids)
    if EXAMPLE_ID in ids:
        representations.append(UserRepresentation.from_model(User(**EXAMPLE), addresses=[]))
    return {representation["id"]: representation for representation in representations}


@renders("app")
def apps(ids: Collection[int], api_version: str) -> dict[int, Any]:
    return {app.pk: dict(PublicAppSerializer(app).data) for app in App.objects.filter(pk__in=ids)}


@renders("export")
def exports(ids: Collection[int], api_version: str) -> dict[int, Any]:
    return {job.pk: dict(ExportSerializer(job).data) for job in requested().filter(pk__in=ids)}
