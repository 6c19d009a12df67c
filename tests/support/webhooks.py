"""Webhooks of the Admin API, partner apps that use them, and the outbox."""

from customers.webhooks.models import Delivery, Webhook
from customers.webhooks.services import create_webhook
from oauth.actor import SYSTEM
from oauth.models import AccessToken, App
from oauth.scopes import Scope
from oauth.tokens import NEVER, generate_access_token
from tests.support.clients import ADMIN_API, ApiClient
from tests.support.partner import register_partner

WEBHOOKS = f"{ADMIN_API}webhooks/"
EVENT_NAMES = ("customer.created", "customer.updated", "customer.deleted", "customer.redacted", "app.uninstalled")


def webhook_url(webhook) -> str:
    """Of a webhook or an id."""
    return f"{WEBHOOKS}{getattr(webhook, 'pk', webhook)}/"


def make_webhook(**fields) -> Webhook:
    """A webhook of the store, for created customers unless other `events` are given."""
    defaults = {"target": "https://receiver.example/", "events": ["customer.created"], "api_version": "unstable"}
    return create_webhook(**{"store": "testserver", "by": SYSTEM, **defaults, **fields})


def installed_partner(owner, *scopes: Scope) -> tuple[App, ApiClient]:
    """A new partner app, and a client with its token."""
    app = register_partner(owner, rate_limit=0).app
    token = generate_access_token()
    AccessToken.objects.create(user=owner, application=app, token=token, scope=" ".join(scopes), expires=NEVER)
    return app, ApiClient(token)


def enqueued() -> list[str]:
    """The event types of all deliveries in the outbox, oldest first."""
    return list(Delivery.objects.order_by("id").values_list("event_type", flat=True))
