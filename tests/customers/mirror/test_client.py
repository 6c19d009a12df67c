"""The client of a store's API, on a socket, without a database."""

import logging

import pytest

from customers.mirror import client
from customers.mirror.client import StoreClient, StoreRefused, StoreUnavailable
from tests.support.remote_payloads import customer_json
from tests.support.remote_store import TOKEN, serve_remote_store

pytestmark = pytest.mark.once


@pytest.fixture
def remote_store(remote_store):
    remote_store.customers = [customer_json()]
    return remote_store


@pytest.fixture
def get(remote_store):
    """`get()`: a customer, through one client."""
    store_client = StoreClient(remote_store.url, TOKEN, rate=0)
    yield lambda path="users/5001/": store_client.get(path)
    store_client.close()


class TestRetries:
    def test_waits_as_long_as_retry_after_says(self, remote_store, get, waits):
        remote_store.failures, remote_store.headers = [429, 429], {"Retry-After": "3"}

        assert get() == customer_json()
        assert waits == [3, 3]

    def test_waits_for_a_minute_at_most(self, remote_store, get, waits):
        remote_store.failures, remote_store.headers = [503], {"Retry-After": "86400"}

        assert get() == customer_json()
        assert waits == [60]

    def test_doubles_the_wait_while_the_store_fails(self, remote_store, get, waits):
        remote_store.failures = [500, 502, "hang up", 503, 504]

        assert get() == customer_json()
        assert waits == [2, 4, 8, 16]  # the first attempt is repeated at once: the connection may have been an old one

    def test_gives_up_after_eight_attempts(self, remote_store, get, waits):
        remote_store.failures = [503] * 9

        with pytest.raises(StoreUnavailable, match="503 Service Unavailable"):
            get()
        assert len(remote_store.requests) == 8
        assert sum(waits) < 3 * 60

    def test_gives_up_on_a_store_that_does_not_listen(self, waits):
        with serve_remote_store() as closed:
            pass

        with pytest.raises(StoreUnavailable, match="Connection refused"):
            StoreClient(closed.url, TOKEN, rate=0, attempts=2).get("users/")


class TestPrivateAddresses:
    def test_client_does_not_connect_to_a_name_of_a_private_address(self, remote_store, waits, settings):
        settings.WEBHOOKS_ALLOW_PRIVATE = False

        for scheme, host in [("http", "127.0.0.1"), ("http", "localhost"), ("https", "localhost"), ("http", "[::1]")]:
            url = f"{scheme}://{host}:{remote_store.server_address[1]}"
            with pytest.raises(StoreUnavailable, match="private or blocked addresses"):
                StoreClient(url, TOKEN, rate=0, attempts=1).get("users/")
        assert remote_store.requests == []

    def test_client_does_not_connect_to_a_port_that_is_not_allowed(self, remote_store, waits, settings):
        settings.WEBHOOKS_PORTS = [(443, 443)]

        with pytest.raises(StoreUnavailable, match="is not allowed"):
            StoreClient(remote_store.url, TOKEN, rate=0, attempts=1).get("users/")
        assert remote_store.requests == []


class TestRefusals:
    def test_refused_request_is_not_repeated(self, remote_store, get):
        with pytest.raises(StoreRefused, match="404 Not Found to GET /api/admin/users/7/") as raised:
            get("users/7/")
        assert raised.value.status == 404
        assert len(remote_store.requests) == 1

    @pytest.mark.parametrize("status", [301, 302, 307, 308])
    def test_redirect_is_not_followed(self, remote_store, get, status):
        with serve_remote_store() as elsewhere:
            remote_store.failures, remote_store.headers = [status], {"Location": f"{elsewhere.url}/"}

            with pytest.raises(StoreRefused, match=str(status)):
                get()
        assert elsewhere.requests == []

    def test_link_to_another_host_is_requested_from_the_store(self, remote_store, get):
        with serve_remote_store() as elsewhere:
            assert get(f"{elsewhere.url}/api/admin/users/5001/?a=b") == customer_json()

        assert elsewhere.requests == []
        assert remote_store.requests == ["/api/admin/users/5001/?a=b"]

    def test_answer_that_is_too_long_is_refused(self, remote_store, get, monkeypatch):
        monkeypatch.setattr(client, "MAX_ANSWER", 100)

        with pytest.raises(StoreRefused, match="more than 100 bytes"):
            get()
        assert len(remote_store.requests) == 1

    def test_answer_that_is_not_json_is_refused(self, remote_store, get, monkeypatch):
        monkeypatch.setattr("tests.support.remote_store.json.dumps", lambda body: "<html>")

        with pytest.raises(StoreRefused, match="did not answer in JSON"):
            get()


class TestRate:
    def test_requests_keep_a_distance_of_the_rate_and_a_margin(self, remote_store, waits):
        store_client = StoreClient(remote_store.url, TOKEN, rate=0.25)
        remote_store.failures = [200, 503]

        for _ in range(2):
            store_client.get("users/5001/")

        # Three requests: one of them, a repetition.
        assert len(waits) == 2
        assert all(4 < wait <= 4 * client.RATE_MARGIN for wait in waits)


def test_token_is_never_logged(remote_store, get, waits, caplog):
    remote_store.failures = ["hang up", 503]

    with caplog.at_level(logging.DEBUG):
        get()

    assert TOKEN not in caplog.text
