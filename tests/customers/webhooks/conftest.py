from threading import Event

import pytest

from customers.webhooks.delivery.worker import Worker
from customers.webhooks.models import Webhook
from oauth.scopes import Scope
from tests.support.clients import ADMIN_API
from tests.support.webhook_receiver import SECRET, served

WEBHOOKS = f"{ADMIN_API}webhooks/"


def webhook_url(webhook) -> str:
    """Of a webhook or an id."""
    return f"{WEBHOOKS}{getattr(webhook, 'pk', webhook)}/"


@pytest.fixture
def client(api):
    """A program with a personal token that may do everything with webhooks and customers."""
    return api(Scope.WEBHOOKS_READ, Scope.WEBHOOKS_WRITE, Scope.USERS_READ, Scope.USERS_WRITE)


@pytest.fixture
def receiver():
    with served() as server:
        yield server


@pytest.fixture
def subscribe(client, receiver):
    """`subscribe("customer.created", path="500")`: a webhook for these events, made through the API."""

    def make(*events: str, path: str = "", **fields) -> Webhook:
        body = {"target": f"{receiver.url}/{path}", "events": events, "secret_key": SECRET, **fields}
        response = client.post(WEBHOOKS, body)
        assert response.status_code == 201, response.content
        return Webhook.objects.get(pk=response.json()["id"])

    return make


@pytest.fixture
def deliver():
    """Sends until nothing is due."""
    return lambda: Worker().run(Event(), until_empty=True)


@pytest.fixture
def without_waiting(settings):
    """Retries follow at once."""
    settings.WEBHOOKS_RETRY_SECONDS = 0
