from threading import Event

import pytest

from customers.api import webhook_payloads  # noqa: F401  imported to register the payloads, as run_worker does
from customers.webhooks.delivery.worker import Worker
from customers.webhooks.models import Webhook
from oauth.scopes import Scope
from tests.support.webhook_receiver import SECRET, served
from tests.support.webhooks import WEBHOOKS


@pytest.fixture
def admin_client(api):
    """A client of the Admin API whose personal token may do everything with webhooks and customers."""
    return api(Scope.WEBHOOKS_READ, Scope.WEBHOOKS_WRITE, Scope.USERS_READ, Scope.USERS_WRITE)


@pytest.fixture
def receiver():
    """A server that receives webhooks: see `tests.support.webhook_receiver`."""
    with served() as server:
        yield server


@pytest.fixture
def subscribe(admin_client, receiver):
    """`subscribe("customer.created", path="500")`: creates a webhook for these events through the API."""

    def make(*events: str, path: str = "", **fields) -> Webhook:
        body = {"target": f"{receiver.url}/{path}", "events": events, "secret_key": SECRET, **fields}
        response = admin_client.post(WEBHOOKS, body)
        assert response.status_code == 201, response.content
        return Webhook.objects.get(pk=response.json()["id"])

    return make


@pytest.fixture
def deliver():
    """`deliver()` runs a worker until nothing is due."""
    return lambda: Worker().run(Event(), until_empty=True)


@pytest.fixture
def immediate_retries(settings):
    settings.WEBHOOKS_RETRY_SECONDS = 0
