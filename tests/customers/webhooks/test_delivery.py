"""From the outbox to a receiver on a socket, whatever it does."""

import time
from collections import Counter
from datetime import timedelta
from ipaddress import ip_address
from threading import Event, Thread

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from customers import services
from customers.privacy.erasure import erase
from customers.webhooks.delivery import worker
from customers.webhooks.delivery.allowed_hosts import is_public
from customers.webhooks.delivery.bodies import write_bodies
from customers.webhooks.delivery.worker import Worker
from customers.webhooks.models import Delivery, Webhook
from customers.webhooks.services import delete_old_deliveries, send_again, send_test
from oauth.actor import SYSTEM
from tests.customers.webhooks.conftest import webhook_url
from tests.support.factories import make_user
from tests.support.webhook_receiver import SECRET


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(worker, "TIMEOUT", 0.3)


class TestRetries:
    def test_send_the_same_bytes_until_the_answer_is_200(self, subscribe, receiver, deliver, without_waiting):
        subscribe("customer.created")
        receiver.codes = [500, 302, 204, 404]

        make_user()
        deliver()

        assert [each.code for each in receiver.received] == [500, 302, 204, 404, 200]
        assert len({(each.body, each.signature) for each in receiver.received}) == 1
        assert receiver.received[0].is_signed()
        assert (Delivery.objects.get().status, Delivery.objects.get().attempts) == ("delivered", 5)

    def test_send_the_same_bytes_though_the_customer_has_changed(self, subscribe, receiver, deliver):
        subscribe("customer.created")
        receiver.codes = [500]
        user = make_user(first_name="Ada")
        deliver()

        services.update_user(user.pk, by=SYSTEM, first_name="Grace")
        Delivery.objects.update(due_at=timezone.now())
        deliver()

        assert [each.code for each in receiver.received] == [500, 200]
        assert receiver.received[0].body == receiver.received[1].body

    def test_are_ten(self, subscribe, receiver, deliver, without_waiting):
        subscribe("customer.created", path="500")

        make_user()
        deliver()

        assert len(receiver.received) == 11
        delivery = Delivery.objects.get()
        assert (delivery.status, delivery.response_code, delivery.error) == ("failed", 500, "Internal Server Error")

    def test_wait_longer_each_time_for_about_ten_days(self, subscribe, receiver, deliver):
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
    def test_follow_a_receiver_that_does_not_come_to_an_end(self, subscribe, receiver, deliver, impatient, path):
        subscribe("customer.created", path=path)

        make_user()
        deliver()

        delivery = Delivery.objects.get()
        assert (delivery.status, delivery.attempts, delivery.response_code) == ("waiting", 1, None)
        assert delivery.error == "No answer within 20 seconds."

    def test_follow_an_answer_that_ends_half_way(self, subscribe, receiver, deliver):
        subscribe("customer.created", path="half")

        make_user()
        deliver()

        delivery = Delivery.objects.get()
        assert (delivery.status, delivery.response_code) == ("waiting", None)
        assert "IncompleteRead" in delivery.error

    def test_follow_a_receiver_that_is_not_there(self, subscribe, receiver, deliver):
        subscribe("customer.created", target="http://127.0.0.1:9/")

        make_user()
        deliver()

        assert "refused" in Delivery.objects.get().error

    def test_rest_when_a_receiver_failed_three_times_in_a_row(self, subscribe, receiver, deliver, client):
        webhook = subscribe("customer.created", path="500")

        for _ in range(5):
            make_user()
        deliver()

        assert len(receiver.received) == 3
        assert client.get(webhook_url(webhook)).json()["next_check_date"] is not None


class TestReceiver:
    def test_is_not_followed_elsewhere(self, subscribe, receiver, deliver):
        subscribe("customer.created", path="307")

        make_user()
        deliver()

        assert [each.path for each in receiver.received] == ["/307"]
        assert Delivery.objects.get().response_code == 307

    def test_is_cut_off_when_it_says_too_much(self, subscribe, receiver, deliver):
        subscribe("customer.created", path="huge")

        make_user()
        deliver()

        assert receiver.cut_off.wait(10)
        assert Delivery.objects.get().status == "delivered"

    def test_that_says_410_is_never_asked_again(self, subscribe, receiver, deliver, client, owner):
        webhook = subscribe("customer.created", path="410")

        make_user()
        make_user()
        deliver()
        make_user()
        deliver()

        assert len(receiver.received) == 1
        assert client.get(webhook_url(webhook)).json()["active"] is False
        assert [message.to for message in mail.outbox] == [[owner.email]]
        assert "410" in mail.outbox[0].body

    def test_that_is_slow_does_not_delay_another(self, subscribe, receiver, deliver):
        slow, quick = subscribe("customer.created", path="after/20"), subscribe("customer.created", path="quick")
        for _ in range(20):
            make_user()

        deliver()

        assert quick.deliveries.filter(status="delivered").count() == 20
        assert slow.deliveries.filter(status="delivered").count() == 20  # the first when the quick one was told all

    def test_gets_what_happened_to_a_customer_in_its_order(self, subscribe, receiver, deliver, without_waiting):
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
            told = [event["event_id"] for event in events if event["data"]["id"] == user.pk]
            order = Delivery.objects.filter(object_id=user.pk).order_by("id").values_list("event_id", flat=True)
            assert told == [str(event_id) for event_id in order]

    def test_gets_several_events_at_once_but_never_two_about_the_same_customer(self, subscribe, receiver, deliver):
        subscribe("customer.created", "customer.updated", path="slow")
        people = [make_user() for _ in range(15)]
        for user in people:
            services.update_user(user.pk, by=SYSTEM, first_name="Ada")

        deliver()

        assert len(receiver.received) == 30
        assert max(map(len, receiver.together)) == worker.MAX_CONCURRENCY
        assert all(len(set(ids)) == len(ids) for ids in receiver.together)

    def test_is_told_nothing_of_who_was_erased_after_it_was_read(self, subscribe, receiver, deliver, monkeypatch):
        subscribe("customer.created")
        first, second = make_user(), make_user()

        def write_bodies_then_erase(*args):
            write_bodies(*args)
            erase(second.pk, by=SYSTEM)

        monkeypatch.setattr(worker, "write_bodies", write_bodies_then_erase)
        deliver()

        assert [each.event["data"]["id"] for each in receiver.received] == [first.pk]

    def test_is_told_of_a_customer_again_though_something_before_failed_for_long(self, subscribe, receiver, deliver):
        subscribe("customer.created", "customer.updated")
        user = make_user()
        services.update_user(user.pk, by=SYSTEM, first_name="Ada")
        an_hour_from_now = timezone.now() + timedelta(hours=1)

        Delivery.objects.filter(event_type="customer.created").update(attempts=4, due_at=an_hour_from_now)
        deliver()
        held_back = receiver.events
        Delivery.objects.filter(event_type="customer.created").update(attempts=5)
        deliver()

        assert held_back == []
        assert receiver.events == ["customer.updated"]


class TestFailingForLong:
    @pytest.mark.parametrize(("days", "warnings"), [(0.03, 0), (0.05, 1), (1.1, 2), (5.1, 3)])
    def test_warns_the_owners_by_mail(self, subscribe, receiver, deliver, client, owner, days, warnings):
        webhook = subscribe("customer.created", path="500")
        Webhook.objects.update(failing_since=timezone.now() - timedelta(days=days), failures=1)

        make_user()
        deliver()

        assert client.get(webhook_url(webhook)).json()["warning_count"] == warnings
        assert len(mail.outbox) == bool(warnings)

    def test_of_ten_days_switches_off(self, subscribe, receiver, deliver, client, owner):
        webhook = subscribe("customer.created", path="500")
        Webhook.objects.update(failing_since=timezone.now() - timedelta(days=10), failures=20, warning_count=3)

        make_user()
        deliver()

        assert client.get(webhook_url(webhook)).json()["active"] is False
        assert "ten days" in mail.outbox[0].body

    def test_is_forgotten_with_a_success(self, subscribe, receiver, deliver, client):
        webhook = subscribe("customer.created")
        Webhook.objects.update(failing_since=timezone.now() - timedelta(days=2), failures=20, warning_count=2)

        make_user()
        deliver()

        shown = client.get(webhook_url(webhook)).json()
        assert (shown["warning_count"], shown["next_check_date"]) == (0, None)

    def test_is_forgotten_when_it_is_switched_on_again(self, subscribe, client):
        webhook = subscribe("customer.created", active=False)
        Webhook.objects.update(
            failing_since=timezone.now(), failures=20, warning_count=3, next_check_date=timezone.now()
        )

        shown = client.patch(webhook_url(webhook), {"active": True}).json()

        assert (shown["active"], shown["warning_count"], shown["next_check_date"]) == (True, 0, None)


class TestPrivateAddresses:
    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
    def test_are_not_connected_to(self, subscribe, receiver, deliver, settings, host):
        subscribe("customer.created", target=f"http://{host}:{receiver.server_address[1]}/")
        settings.WEBHOOKS_ALLOW_PRIVATE = False

        make_user()
        deliver()

        assert receiver.received == []
        assert Delivery.objects.get().error == "The host resolves only to private or blocked addresses."

    @pytest.mark.parametrize(
        "address",
        ["127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
         "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8",
         "2002:7f00:1::", "64:ff9b::7f00:1", "2001:db8::1"],
    )  # fmt: skip
    def test_are_known(self, address):
        assert not is_public(ip_address(address))

    @pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111"])
    def test_are_not_those_of_the_internet(self, address):
        assert is_public(ip_address(address))


class TestTheLog:
    def test_sends_again_what_it_sent(self, subscribe, receiver, deliver):
        subscribe("customer.created")
        make_user()
        deliver()

        send_again(Delivery.objects.get().pk)
        deliver()

        assert len(receiver.received) == 2
        assert receiver.received[0].body == receiver.received[1].body

    def test_sends_a_test_that_harms_nothing(self, subscribe, receiver, deliver):
        webhook = subscribe("customer.updated", path="500")

        send_test(webhook.pk)
        deliver()

        [received] = receiver.received
        assert (received.event["event_type"], received.event["data"]["id"]) == ("customer.updated", 0)
        assert received.is_signed()
        webhook.refresh_from_db()
        assert (webhook.failures, Delivery.objects.get().status) == (0, "failed")

    def test_forgets_what_is_older_than_30_days(self, subscribe):
        subscribe("customer.created")
        make_user()
        make_user()
        Delivery.objects.filter(pk=Delivery.objects.first().pk).update(created_at=timezone.now() - timedelta(days=31))

        assert delete_old_deliveries() == 1
        assert Delivery.objects.count() == 1


class TestRotatedKeys:
    def test_leave_signatures_as_they_are(self, subscribe, receiver, deliver, settings):
        subscribe("customer.created")
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new key", [settings.SECRET_KEY]

        call_command("rotate_secrets")
        settings.SECRET_KEY_FALLBACKS = []
        make_user()
        deliver()

        assert receiver.received[0].is_signed(SECRET)

    def test_that_were_not_rotated_are_noted(self, subscribe, receiver, deliver, settings):
        subscribe("customer.created")
        settings.SECRET_KEY = "a new key"

        make_user()
        deliver()

        assert receiver.received == []
        assert "SECRET_KEY has changed" in Delivery.objects.get().error


class TestWorkers:
    def test_leave_alone_what_another_one_holds(self, subscribe, receiver, deliver):
        subscribe("customer.created")
        make_user()
        Webhook.objects.update(leased_until=timezone.now() + timedelta(seconds=5))

        deliver()
        waited = list(receiver.received)
        Webhook.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
        deliver()

        assert waited == []
        assert len(receiver.received) == 1

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.skipif(
        "connection.vendor == 'sqlite'",
        reason="SQLite has one writer at a time, and one worker: see webhooks/worker.py",
    )
    def test_share_what_there_is_and_send_it_once(self, client, subscribe, receiver):
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
        deadline = time.monotonic() + 30
        while Delivery.objects.filter(status="waiting").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        stop.set()
        for thread in threads:
            thread.join()

        assert Counter(each.event["event_id"] for each in receiver.received).most_common(1)[0][1] == 1
        assert len(receiver.received) == 160
