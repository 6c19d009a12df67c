"""Webhooks and deliveries in the dashboard."""

import pytest

from customers import services
from customers.webhooks.models import Delivery, Webhook
from customers.webhooks.services import create_webhook
from oauth.actor import SYSTEM
from tests.customers.dashboard.conftest import DASHBOARD, browser_of
from tests.support.factories import make_user
from tests.support.webhook_receiver import SECRET

LIST = f"{DASHBOARD}webhooks/webhook/"
LOG = f"{DASHBOARD}webhooks/delivery/"
FORM = {"target": "https://receiver.example/", "events": "customer.created\r\ncustomer.updated",
        "api_version": "2024-04-01", "active": "on"}  # fmt: skip


@pytest.fixture
def dashboard(owner):
    return browser_of(owner)


def text_of(response) -> str:
    assert response.status_code == 200
    return response.content.decode()


class TestWebhooks:
    def test_are_added(self, dashboard):
        dashboard.post(f"{LIST}add/", {**FORM, "name": "Mailer"})

        webhook = Webhook.objects.get()
        assert (webhook.name, webhook.events, webhook.app) == ("Mailer", ["customer.created", "customer.updated"], None)
        assert len(webhook.secret_key) >= 40
        assert webhook.secret_key in text_of(dashboard.get(f"{LIST}{webhook.pk}/change/"))

    @pytest.mark.parametrize(
        ("field", "value"), [("target", "ftp://x.example/"), ("events", "nonsense"), ("events", "")]
    )
    def test_are_refused_with_a_wrong_value(self, dashboard, field, value):
        page = text_of(dashboard.post(f"{LIST}add/", {**FORM, field: value}))

        assert f'id="id_{field}_error"' in page
        assert not Webhook.objects.exists()

    def test_are_changed_and_keep_what_is_not(self, dashboard):
        webhook = create_webhook(target="https://a.example/", events=["a.b"], api_version="unstable", secret_key=SECRET)

        dashboard.post(f"{LIST}{webhook.pk}/change/", {**FORM, "secret_key": SECRET, "active": ""})

        webhook.refresh_from_db()
        assert (webhook.target, webhook.active, webhook.secret_key) == (FORM["target"], False, SECRET)

    def test_are_deleted_with_their_deliveries(self, dashboard):
        webhook = create_webhook(target="https://a.example/", events=["customer.created"], api_version="unstable")
        make_user()

        dashboard.post(f"{LIST}{webhook.pk}/delete/", {"post": "yes"})

        assert not Webhook.objects.exists()
        assert not Delivery.objects.exists()

    def test_send_a_test_when_asked(self, dashboard, subscribe, receiver, deliver):
        webhook = subscribe("customer.created")

        asked = dashboard.post(f"{LIST}{webhook.pk}/send_test/")
        deliver()

        assert [each.event["data"]["email"] for each in receiver.received] == ["ada@example.com"]
        page = text_of(dashboard.get(asked.headers["Location"]))
        assert "Delivered" in page


class TestTheLog:
    @pytest.fixture
    def people(self, subscribe, deliver):
        """Two, of whom the second is changed; the receiver fails for the change."""
        subscribe("customer.created")
        subscribe("customer.updated", path="500")
        people = make_user(), make_user()
        services.update_user(people[1].pk, by=SYSTEM, first_name="Grace")
        deliver()
        return people

    @pytest.mark.parametrize(
        ("query", "found"),
        [("", 3), ("event=customer.updated", 1), ("event=customer.created", 2), ("status=delivered", 2),
         ("status=waiting", 1), ("q=nobody", 0)],
    )  # fmt: skip
    def test_is_filtered(self, dashboard, people, query, found):
        page = text_of(dashboard.get(f"{LOG}?{query}"))

        assert page.count('class="action-select"') == found or page.count("field-object_id") == found

    def test_is_searched_by_the_id_of_a_customer(self, dashboard, people):
        page = text_of(dashboard.get(f"{LOG}?q={people[1].pk}"))

        assert page.count("field-object_id") == 2

    def test_shows_code_and_time_of_an_answer(self, dashboard, people):
        delivery = Delivery.objects.get(event_type="customer.updated")

        page = text_of(dashboard.get(f"{LOG}{delivery.pk}/change/"))

        assert "Internal Server Error" in page
        assert delivery.response_ms is not None
        assert "&quot;first_name&quot;: &quot;Grace&quot;" in page

    def test_sends_again_when_asked(self, dashboard, people, receiver, deliver):
        delivery = Delivery.objects.filter(event_type="customer.created").first()
        sent = len(receiver.received)

        dashboard.post(f"{LOG}{delivery.pk}/send_again/")
        deliver()

        assert [each.event["event_id"] for each in receiver.received[sent:]] == [str(delivery.event_id)]

    def test_does_not_send_to_who_is_switched_off(self, dashboard, people, receiver, deliver):
        Webhook.objects.update(active=False)
        delivery = Delivery.objects.filter(event_type="customer.created").first()
        sent = len(receiver.received)

        page = dashboard.post(f"{LOG}{delivery.pk}/send_again/", follow=True)
        deliver()

        assert "switched off" in text_of(page)
        assert len(receiver.received) == sent
