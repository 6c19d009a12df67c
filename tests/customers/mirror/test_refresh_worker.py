"""With a token of the store: events mark customers as stale, and the worker reads them from the store."""

import logging

import pytest
from django.core.management import call_command
from django.db import connection

from customers.mirror import client, refresh_worker, services
from customers.mirror.models import MirroredCustomer, MirroredStore
from customers.mirror.refresh_worker import RefreshWorker
from customers.models import User
from tests.support.concurrency import at_once
from tests.support.factories import make_user
from tests.support.order_documents import full, order
from tests.support.remote_payloads import customer_json
from tests.support.remote_store import TOKEN


@pytest.fixture
def remote_store(remote_store):
    remote_store.customers = [customer_json()]
    return remote_store


@pytest.fixture
def mirrored_store(remote_store, db) -> MirroredStore:
    store = services.get_or_create_store(remote_store.url)
    services.save_subscription(store.pk, webhook_id=1, token=TOKEN)
    store.refresh_from_db()
    return store


@pytest.fixture
def run_worker():
    return lambda: call_command("run_worker", "--until-empty")


@pytest.fixture
def known(send_event, run_worker, remote_store):
    """Ada is here, and nobody is stale."""
    send_event("customer.created", customer_json())
    run_worker()
    remote_store.requests.clear()


class TestEvents:
    def test_event_about_an_unknown_customer_is_applied_at_once(self, send_event, shown):
        assert send_event("customer.created", customer_json()) == "applied"
        assert shown() == customer_json()

    def test_event_about_a_known_customer_queues_a_refresh(self, send_event, known, run_worker, remote_store, shown):
        remote_store.customers = [customer_json(first_name="Grace", tags=["new"])]

        assert send_event("customer.updated", customer_json(first_name="Older")) == "queued"
        assert shown()["first_name"] == "Ada"
        run_worker()

        assert shown() == remote_store.customers[0]

    def test_events_in_any_order_lead_to_what_the_store_shows(self, send_event, known, run_worker, remote_store, shown):
        remote_store.customers = [customer_json(first_name="Third")]

        for name in ("Third", "First", "Second"):
            send_event("customer.updated", customer_json(first_name=name))
            run_worker()

        assert shown() == remote_store.customers[0]

    def test_events_about_one_customer_cause_one_refresh(self, send_event, known, run_worker, remote_store):
        for number in range(5):
            send_event("customer.updated", customer_json(tags=[str(number)]))
        run_worker()

        assert remote_store.requests == ["/api/admin/users/5001/"]

    def test_replayed_event_causes_no_refresh(self, send_event, known, run_worker, remote_store):
        for _ in range(2):
            send_event("customer.updated", customer_json(), "one")
            run_worker()

        assert len(remote_store.requests) == 1

    def test_order_event_refreshes_orders_and_counters(self, send_event, known, run_worker, remote_store, shown):
        remote_store.customers = [customer_json(orders_count=1, total_spent="75.00", user_type="customer")]
        remote_store.documents = {(5001, "orders"): [full("order")], (5001, "subscriptions"): [full("subscription")]}

        assert send_event("order.created", order(user={"id": 5001})) == "queued"
        run_worker()

        user = User.objects.get(pk=5001)
        assert shown() == remote_store.customers[0]
        assert (user.orders.get().document, user.subscriptions.count()) == (full("order"), 1)

    def test_order_event_creates_an_unknown_customer(self, send_event, run_worker, remote_store, shown):
        send_event("order.created", order(user={"id": 5001}))
        run_worker()

        assert shown() == remote_store.customers[0]

    def test_erased_customer_is_never_refreshed_back(self, send_event, known, run_worker, shown):
        send_event("customer.redacted", {"id": 5001})
        send_event("customer.updated", customer_json())
        run_worker()

        assert shown()["email"] is None

    def test_customer_who_is_missing_in_the_store_is_kept(self, send_event, known, run_worker, remote_store, shown):
        remote_store.customers = [customer_json(1)]
        send_event("customer.updated", customer_json(first_name="Grace"))

        run_worker()

        assert shown() == customer_json()
        assert not MirroredCustomer.objects.exclude(refresh_due_at=None).exists()

    def test_email_of_another_customer_causes_a_refresh_of_both(
        self, send_event, known, run_worker, remote_store, shown
    ):
        remote_store.customers = [
            customer_json(email="new@live.example"),
            customer_json(5002, email="5001@live.example"),
        ]

        assert send_event("customer.created", remote_store.customers[1]) == "applied"
        run_worker()

        assert [shown(id) for id in (5001, 5002)] == remote_store.customers

    def test_conflict_causes_no_refresh(self, send_event, run_worker, remote_store, db):
        mine = make_user(email="5001@live.example")

        assert send_event("customer.updated", customer_json()) == "conflict"
        run_worker()

        assert remote_store.requests == []
        assert User.objects.get() == mine


class TestWorker:
    def test_refresh_is_retried_later_if_the_store_is_unavailable(
        self, send_event, known, run_worker, remote_store, shown, waits, caplog
    ):
        remote_store.customers, remote_store.failures = (
            [customer_json(first_name="Grace")],
            [503] * refresh_worker.ATTEMPTS,
        )
        send_event("customer.updated", customer_json())

        with caplog.at_level(logging.WARNING):
            run_worker()

        assert "503 Service Unavailable" in caplog.text
        mirrored = MirroredCustomer.objects.get()
        assert (mirrored.failures, mirrored.refresh_due_at > mirrored.stale_since) == (1, True)

        MirroredCustomer.objects.update(refresh_due_at=mirrored.stale_since)
        run_worker()
        assert shown()["first_name"] == "Grace"
        assert MirroredCustomer.objects.values_list("failures", "refresh_due_at").get() == (0, None)

    def test_refresh_is_repeated_if_an_event_came_meanwhile(self, send_event, known, run_worker, remote_store, shown):
        send_event("customer.updated", customer_json())
        worker, read = RefreshWorker(), []

        def changed_meanwhile(path):
            answer = client.StoreClient(remote_store.url, TOKEN, 0).get(path)
            if not read:
                remote_store.customers = [customer_json(first_name="Grace")]
                send_event("customer.updated", remote_store.customers[0])
            read.append(path)
            return answer

        worker.client_of(MirroredStore.objects.get()).get = changed_meanwhile
        while worker.refresh_next():
            pass

        assert len(read) == 2
        assert shown()["first_name"] == "Grace"

    def test_refresh_is_retried_later_if_the_token_can_not_be_decrypted(
        self, send_event, known, run_worker, remote_store, settings
    ):
        send_event("customer.updated", customer_json())
        settings.SECRET_KEY = "another one"

        run_worker()

        assert remote_store.requests == []
        assert MirroredCustomer.objects.get().failures == 1

    @pytest.mark.django_db(transaction=True)
    def test_two_workers_refresh_each_customer_once(self, send_event, remote_store):
        remote_store.customers = [customer_json(id) for id in range(5001, 5009)]
        for customer in remote_store.customers:
            send_event("customer.created", customer)
        remote_store.requests.clear()

        at_once([lambda: [RefreshWorker().refresh_next() for _ in remote_store.customers]] * 2)

        requested = [path for path in remote_store.requests if path.count("/") == 5]
        assert len(requested) == len(set(requested)) == len(remote_store.customers), connection.vendor
