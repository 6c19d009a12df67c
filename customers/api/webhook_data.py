"""What an event tells of its object: what a GET of it answers, in the version that the webhook speaks."""

from typing import Any

from customers.api import serializers
from customers.api.app_views import PublicAppSerializer
from customers.models import User
from customers.webhooks import outbox
from oauth.models import App

EXAMPLE = {"pk": 0, "email": "ada@example.com", "first_name": "Ada", "last_name": "Lovelace", "tags": ["example"]}


def data_of(event_type: str, object_id: int, version: str) -> Any:
    """None where there is nothing of this id; 0 is the id of an example. Customers are the same in all versions."""
    if event_type == outbox.APP_UNINSTALLED:
        app = App.objects.filter(pk=object_id).first()
        return app and dict(PublicAppSerializer(app).data)
    if object_id == 0:
        user = User(**EXAMPLE)
        user._prefetched_objects_cache = {"addresses": User.objects.none()}  # type: ignore[attr-defined]  # as in storage
        return serializers.shown(serializers.row_of(user))
    rows = serializers.user_with_id(object_id)
    return serializers.shown(serializers.with_addresses(rows)[0]) if rows else None
