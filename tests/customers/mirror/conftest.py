import pytest
from django.test import Client

from customers.mirror import services
from customers.mirror.models import MirroredStore
from oauth.scopes import Scope
from tests.support.clients import user_url
from tests.support.remote_payloads import event_json, sign, to_bytes
from tests.support.remote_store import serve_remote_store


@pytest.fixture(autouse=True)
def without_rate_limit(settings):
    settings.MIRRORED_STORE_RATE = 0


@pytest.fixture
def remote_store():
    with serve_remote_store() as served:
        yield served


@pytest.fixture
def waits(monkeypatch) -> list[float]:
    """The seconds for which the client sleeps; it does not really sleep."""
    seconds: list[float] = []
    monkeypatch.setattr("time.sleep", seconds.append)
    return seconds


@pytest.fixture
def mirrored_store(db) -> MirroredStore:
    """Without a token, so that events are applied as they come."""
    return services.get_or_create_store("https://live.example")


@pytest.fixture
def post_event(mirrored_store):
    """`post_event(body)`: to the endpoint, by default with the right signature."""

    def post(body: bytes, signature: str | None = None):
        signature = sign(body, mirrored_store.secret_key) if signature is None else signature
        client = Client(raise_request_exception=False, headers={"X-29Next-Signature": signature})
        return client.post(f"/webhooks/{mirrored_store.pk}/", body, "application/json")

    return post


@pytest.fixture
def send_event(post_event, mirrored_store):
    """`send_event("customer.updated", customer_json())`: the recorded outcome."""

    def send(event_type: str, data, event_id: str | None = None) -> str:
        event = event_json(event_type, data, event_id)
        response = post_event(to_bytes(event))
        assert response.status_code == 200, response.content
        return mirrored_store.events.get(event_id=event["event_id"]).outcome

    return send


@pytest.fixture
def shown(api):
    """`shown(5001)`: the customer as the Admin API shows them."""
    client = api(Scope.USERS_READ)
    return lambda id=5001: client.get(user_url(id)).json()
