"""From the outbox to a receiver on a socket: retries, order, limits, the log."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from customers import services
from customers.privacy.erasure import erase
from customers.webhooks.delivery import worker
from customers.webhooks.delivery.bodies import write_bodies
from customers.webhooks.models import Delivery, Webhook
from customers.webhooks.services import delete_old_deliveries, send_again, send_test
from oauth.actor import SYSTEM
from oauth.models import App
from oauth.scopes import Scope
from tests.support.addresses import EMBEDDED_LOOPBACK, SPELLINGS_OF_LOOPBACK
from tests.support.factories import make_user
from tests.support.mail import sent_emails
from tests.support.webhook_receiver import SECRET
from tests.support.webhooks import WEBHOOKS, installed_partner, webhook_url


@pytest.fixture
def short_timeout(monkeypatch):
    monkeypatch.setattr(worker, "TIMEOUT", 0.3)


class TestRetries:
    def test_retry_sends_the_same_bytes_until_the_answer_is_200(self, subscribe, receiver, deliver, immediate_retries):
        subscribe("customer.created")
        receiver.codes = [500, 302, 204, 404]

        make_user()
        deliver()

        assert [each.code for each in receiver.received] == [500, 302, 204, 404, 200]
        assert len({(each.body, each.signature) for each in receiver.received}) == 1
        assert receiver.received[0].is_signed()
        assert (Delivery.objects.get().status, Delivery.objects.get().attempts) == ("delivered", 5)

    def test_retry_sends_the_same_bytes_after_the_customer_has_changed(self, subscribe, receiver, deliver):
        subscribe("customer.created")
        receiver.codes = [500]
        user = make_user(first_name="Ada")
        deliver()

        services.update_user(user.pk, by=SYSTEM, first_name="Grace")
        Delivery.objects.update(due_at=timezone.now())
        deliver()

        assert [each.code for each in receiver.received] == [500, 200]
        assert receiver.received[0].body == receiver.received[1].body

    def test_delivery_fails_after_ten_retries(self, subscribe, receiver, deliver, immediate_retries):
        subscribe("customer.created", path="500")

        make_user()
        deliver()

        assert len(receiver.received) == 11
        delivery = Delivery.objects.get()
        assert (delivery.status, delivery.response_code, delivery.error) == ("failed", 500, "Internal Server Error")

    def test_retry_delays_grow_and_add_up_to_ten_days(self, subscribe, receiver, deliver):
        subscribe("customer.created", path="500")
        make_user()
        waits = []

        for _ in range(10):
            Webhook.objects.update(next_check_date=None)
            Delivery.objects.update(due_at=timezone.now())
            before = timezone.now()
            deliver()
            waits.append(Delivery.objects.get().due_at - before)

        assert waits == sorted(waits)
        assert timedelta(seconds=30) <= waits[0] < timedelta(seconds=35)
        assert timedelta(days=9) < sum(waits, timedelta()) < timedelta(days=11)

    @pytest.mark.parametrize("path", ["hang", "drip"])
    def test_endpoint_that_never_finishes_its_answer_times_out_and_is_retried(
        self, subscribe, receiver, deliver, short_timeout, path
    ):
        subscribe("customer.created", path=path)

        make_user()
        deliver()

        delivery = Delivery.objects.get()
        assert (delivery.status, delivery.attempts, delivery.response_code) == ("waiting", 1, None)
        assert delivery.error == "No answer within 20 seconds."

    def test_incomplete_answer_is_retried(self, subscribe, receiver, deliver):
        subscribe("customer.created", path="half")

        make_user()
        deliver()

        delivery = Delivery.objects.get()
        assert (delivery.status, delivery.response_code) == ("waiting", None)
        assert "IncompleteRead" in delivery.error

    def test_refused_connection_is_retried(self, subscribe, receiver, deliver):
        subscribe("customer.created", target="http://127.0.0.1:9/")

        make_user()
        deliver()

        assert "refused" in Delivery.objects.get().error

    def test_webhook_pauses_after_three_failures_in_a_row(self, subscribe, receiver, deliver, admin_client):
        webhook = subscribe("customer.created", path="500")

        for _ in range(5):
            make_user()
        deliver()

        assert len(receiver.received) == 3
        assert admin_client.get(webhook_url(webhook)).json()["next_check_date"] is not None


class TestSwitchedOffApp:
    @pytest.mark.parametrize("is_active", [True, False])
    def test_webhook_of_an_app_is_delivered_while_the_app_is_active(self, owner, receiver, deliver, is_active):
        app, client = installed_partner(owner, Scope.WEBHOOKS_WRITE)
        body = {"target": receiver.url, "events": ["customer.created"], "secret_key": SECRET}
        assert client.post(WEBHOOKS, body).status_code == 201
        App.objects.filter(pk=app.pk).update(is_active=is_active)
        make_user()

        deliver()

        assert len(receiver.received) == (1 if is_active else 0)


class TestReceiver:
    def test_delivery_follows_no_redirect(self, subscribe, receiver, deliver):
        subscribe("customer.created", path="307")

        make_user()
        deliver()

        assert [each.path for each in receiver.received] == ["/307"]
        assert Delivery.objects.get().response_code == 307

    def test_delivery_stops_reading_a_huge_answer(self, subscribe, receiver, deliver):
        subscribe("customer.created", path="huge")

        make_user()
        deliver()

        assert receiver.cut_off.wait(60)
        assert Delivery.objects.get().status == "delivered"

    def test_410_deactivates_the_webhook_and_emails_the_owner(self, subscribe, receiver, deliver, admin_client, owner):
        webhook = subscribe("customer.created", path="410")

        make_user()
        make_user()
        deliver()
        make_user()
        deliver()

        assert len(receiver.received) == 1
        assert admin_client.get(webhook_url(webhook)).json()["active"] is False
        assert [message.to for message in sent_emails()] == [[owner.email]]
        assert "410" in sent_emails()[0].body

    def test_slow_endpoint_does_not_delay_another_one(self, subscribe, receiver, deliver):
        slow, quick = subscribe("customer.created", path="after/20"), subscribe("customer.created", path="quick")
        for _ in range(20):
            make_user()

        deliver()

        assert quick.deliveries.filter(status="delivered").count() == 20
        assert slow.deliveries.filter(status="delivered").count() == 20  # the first once the quick one had all

    def test_events_about_a_customer_arrive_in_order_despite_failures(
        self, subscribe, receiver, deliver, immediate_retries
    ):
        subscribe("customer.created", "customer.updated")
        people = [make_user(first_name="0") for _ in range(3)]
        for number in range(1, 4):
            for user in people:
                services.update_user(user.pk, by=SYSTEM, first_name=str(number))
        receiver.codes = [500, 200, 500, 500, 200, 200, 500]

        deliver()

        events = [each.event for each in receiver.received if each.code == 200]
        assert len(events) == 12
        for user in people:
            delivered = [event["event_id"] for event in events if event["data"]["id"] == user.pk]
            order = Delivery.objects.filter(object_id=user.pk).order_by("id").values_list("event_id", flat=True)
            assert delivered == [str(event_id) for event_id in order]

    def test_concurrent_deliveries_are_about_different_customers(self, subscribe, receiver, deliver):
        subscribe("customer.created", "customer.updated", path=f"slow/{worker.MAX_CONCURRENCY}")
        people = [make_user() for _ in range(15)]
        for user in people:
            services.update_user(user.pk, by=SYSTEM, first_name="Ada")

        deliver()

        assert len(receiver.received) == 30
        assert max(map(len, receiver.concurrent)) == worker.MAX_CONCURRENCY
        assert all(len(set(ids)) == len(ids) for ids in receiver.concurrent)

    def test_erasure_cancels_a_delivery_that_is_loaded_already(self, subscribe, receiver, deliver, monkeypatch):
        subscribe("customer.created")
        first, second = make_user(), make_user()

        def write_bodies_then_erase(*args):
            write_bodies(*args)
            erase(second.pk, by=SYSTEM)

        monkeypatch.setattr(worker, "write_bodies", write_bodies_then_erase)
        deliver()

        assert [each.event["data"]["id"] for each in receiver.received] == [first.pk]

    def test_event_that_failed_five_times_stops_blocking_later_ones(self, subscribe, receiver, deliver):
        subscribe("customer.created", "customer.updated")
        user = make_user()
        services.update_user(user.pk, by=SYSTEM, first_name="Ada")
        an_hour_from_now = timezone.now() + timedelta(hours=1)

        Delivery.objects.filter(event_type="customer.created").update(attempts=4, due_at=an_hour_from_now)
        deliver()
        while_blocked = receiver.events
        Delivery.objects.filter(event_type="customer.created").update(attempts=5)
        deliver()

        assert while_blocked == []
        assert receiver.events == ["customer.updated"]


class TestPrivateAddresses:
    def test_delivery_does_not_connect_to_private_addresses(self, subscribe, receiver, deliver, settings):
        hosts = ["127.0.0.1", "localhost", "[::1]", *SPELLINGS_OF_LOOPBACK, *EMBEDDED_LOOPBACK]
        for host in hosts:
            webhook = subscribe("customer.created")
            webhook.target = f"http://{host}:{receiver.server_address[1]}/"  # as if saved before there was a rule
            webhook.save()
        settings.WEBHOOKS_ALLOW_PRIVATE = False

        make_user()
        deliver()

        assert receiver.received == []
        errors = Delivery.objects.values_list("error", flat=True)
        assert list(errors) == ["The host resolves only to private or blocked addresses."] * len(hosts)

    def test_delivery_does_not_connect_to_ports_that_are_not_allowed(self, subscribe, receiver, deliver, settings):
        port = receiver.server_address[1]
        subscribe("customer.created")
        settings.WEBHOOKS_PORTS = [(80, 80), (port + 1, 65535)]

        make_user()
        deliver()

        assert receiver.received == []
        assert Delivery.objects.get().error == f"The port {port} is not allowed."


class TestLog:
    def test_send_again_sends_the_same_bytes(self, subscribe, receiver, deliver):
        subscribe("customer.created")
        make_user()
        deliver()

        send_again(Delivery.objects.get().pk)
        deliver()

        assert len(receiver.received) == 2
        assert receiver.received[0].body == receiver.received[1].body

    def test_failed_test_event_does_not_count_as_a_failure_of_the_webhook(self, subscribe, receiver, deliver):
        webhook = subscribe("customer.updated", path="500")

        send_test(webhook.pk)
        deliver()

        [received] = receiver.received
        assert (received.event["event_type"], received.event["data"]["id"]) == ("customer.updated", 0)
        assert received.is_signed()
        webhook.refresh_from_db()
        assert (webhook.failures, Delivery.objects.get().status) == (0, "failed")

    def test_deliveries_are_deleted_after_30_days(self, subscribe):
        subscribe("customer.created")
        make_user()
        make_user()
        Delivery.objects.filter(pk=Delivery.objects.first().pk).update(created_at=timezone.now() - timedelta(days=31))

        assert sum(delete_old_deliveries()) == 1
        assert Delivery.objects.count() == 1


class TestSecretKey:
    def test_rotating_secrets_keeps_webhook_signatures(self, subscribe, receiver, deliver, settings):
        subscribe("customer.created")
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new key", [settings.SECRET_KEY]

        call_command("rotate_secrets")
        settings.SECRET_KEY_FALLBACKS = []
        make_user()
        deliver()

        assert receiver.received[0].is_signed(SECRET)

    def test_unreadable_webhook_secret_is_logged_as_the_error(self, subscribe, receiver, deliver, settings):
        subscribe("customer.created")
        settings.SECRET_KEY = "a new key"

        make_user()
        deliver()

        assert receiver.received == []
        assert "SECRET_KEY has changed" in Delivery.objects.get().error
