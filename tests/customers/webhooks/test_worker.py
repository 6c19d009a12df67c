"""The worker: shares of the connections between owners, and leases of webhooks."""

import time
from collections import Counter
from datetime import timedelta
from threading import Event, Thread

import pytest
from django.db import connection
from django.utils import timezone

from customers.webhooks.delivery import worker
from customers.webhooks.delivery.bodies import write_bodies
from customers.webhooks.delivery.worker import Worker
from customers.webhooks.models import Delivery, Webhook
from customers.webhooks.services import send_test
from oauth.models import App
from oauth.scopes import Scope
from tests.support.factories import make_user
from tests.support.webhook_receiver import SECRET
from tests.support.webhooks import WEBHOOKS, installed_partner


class TestFairShares:
    @pytest.fixture
    def subscribe_app(self, owner, receiver):
        """`subscribe_app("slow", webhooks=70)`: webhooks of a new partner app for `customer.created`."""

        def make(path: str, *, webhooks: int) -> App:
            app, client = installed_partner(owner, Scope.WEBHOOKS_WRITE)
            body = {"target": f"{receiver.url}/{path}", "events": ["customer.created"], "secret_key": SECRET}
            for _ in range(webhooks):
                assert client.post(WEBHOOKS, body).status_code == 201
            return app

        return make

    def test_seventy_hanging_webhooks_of_an_app_do_not_delay_the_store_s_own(
        self, subscribe_app, subscribe, receiver, deliver
    ):
        app = subscribe_app("after/1", webhooks=70)  # they answer once another webhook was called
        own = subscribe("customer.created", path="own")
        for _ in range(3):
            make_user()

        deliver()

        assert own.deliveries.filter(status="delivered").count() == 3
        assert Delivery.objects.filter(webhook__app=app, status="delivered", attempts=1).count() == 70 * 3

    def test_hanging_webhooks_of_several_owners_do_not_delay_one_more_owner(
        self, subscribe_app, subscribe, receiver, deliver
    ):
        subscribe("customer.created", path="after/1")
        for _ in range(5):
            subscribe_app("after/1", webhooks=14)
        last = subscribe_app("last", webhooks=1)
        make_user()

        deliver()

        assert Delivery.objects.filter(webhook__app=last).get().status == "delivered"
        assert Delivery.objects.filter(status="delivered", attempts=1).count() == 1 + 5 * 14 + 1

    def test_owner_without_connections_opens_one_while_others_have_them_all(
        self, subscribe_app, subscribe, receiver, deliver, monkeypatch
    ):
        monkeypatch.setattr(worker, "MAX_CONNECTIONS", 4)
        subscribe_app("after/1", webhooks=2)
        subscribe_app("after/1", webhooks=2)
        make_user()
        running = Worker()
        while len(receiver.received) < 4:
            running.step()

        own = subscribe("customer.updated", path="own")
        send_test(own.pk)
        running.run(Event(), until_empty=True)

        assert [each.path for each in receiver.received] == ["/after/1"] * 4 + ["/own"]
        assert Delivery.objects.filter(status="delivered", attempts=1).count() == 5

    def test_owner_has_at_most_its_share_of_the_connections(self, subscribe, receiver, deliver, monkeypatch):
        monkeypatch.setattr(worker, "OWNER_CONNECTIONS", 3)
        for _ in range(3):
            subscribe("customer.created", path="slow/3")
        for _ in range(8):
            make_user()

        deliver()

        assert len(receiver.received) == 24
        assert max(map(len, receiver.concurrent)) == 3

    def test_webhooks_of_one_owner_take_turns(self, subscribe, receiver, deliver, monkeypatch):
        monkeypatch.setattr(worker, "OWNER_CONNECTIONS", 1)
        for path in ("a", "b", "c"):
            subscribe("customer.created", path=path)
        for _ in range(3):
            make_user()

        deliver()

        assert [each.path for each in receiver.received] == ["/a", "/b", "/c"] * 3

    def test_backlog_of_an_app_is_loaded_a_batch_at_a_time_between_those_of_others(
        self, subscribe_app, subscribe, receiver, deliver, monkeypatch
    ):
        monkeypatch.setattr(worker, "BATCH", 2)
        subscribe_app("backlog", webhooks=5)
        own = subscribe("customer.created", path="own")
        for _ in range(6):
            make_user()
        written = []

        def record_and_write(webhook, deliveries):
            written.append(webhook.pk)
            write_bodies(webhook, deliveries)

        monkeypatch.setattr(worker, "write_bodies", record_and_write)
        deliver()

        assert written.index(own.pk) == 1
        assert len(receiver.received) == 36


class TestLease:
    @pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has the clock of its one machine")
    def test_worker_with_a_fast_clock_does_not_take_the_webhook_of_another(
        self, subscribe, receiver, deliver, monkeypatch
    ):
        subscribe("customer.created")
        Webhook.objects.update(leased_until=timezone.now() + timedelta(minutes=5))
        make_user()
        true = timezone.now
        monkeypatch.setattr(timezone, "now", lambda: true() + timedelta(minutes=10))

        deliver()

        assert receiver.received == []

    def test_worker_does_not_send_for_a_webhook_leased_to_another_worker(self, subscribe, receiver, deliver):
        subscribe("customer.created")
        make_user()
        Webhook.objects.update(leased_until=timezone.now() + timedelta(hours=1))

        deliver()
        while_leased = list(receiver.received)
        Webhook.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
        deliver()

        assert while_leased == []
        assert len(receiver.received) == 1

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.skipif(
        "connection.vendor == 'sqlite'",
        reason="SQLite has one writer at a time, and one worker: see customers/webhooks/delivery/worker.py",
    )
    def test_several_workers_send_each_event_once(self, admin_client, subscribe, receiver):
        for number in range(8):
            subscribe("customer.created", path=f"w{number}")
        stop = Event()

        def work():
            try:
                Worker().run(stop)
            finally:
                connection.close()

        threads = [Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for _ in range(20):
            make_user()
        deadline = time.monotonic() + 60
        while Delivery.objects.filter(status="waiting").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        stop.set()
        for thread in threads:
            thread.join()

        assert Counter(each.event["event_id"] for each in receiver.received).most_common(1)[0][1] == 1
        assert len(receiver.received) == 160
