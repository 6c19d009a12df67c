"""Webhooks and deliveries in the dashboard."""

import pytest

from customers import services
from customers.webhooks.models import Delivery, Webhook
from customers.webhooks.services import create_webhook
from oauth.actor import SYSTEM
from tests.support.dashboard import DASHBOARD, browser_of
from tests.support.factories import make_user
from tests.support.webhook_receiver import SECRET

LIST = f"{DASHBOARD}webhooks/webhook/"
LOG = f"{DASHBOARD}webhooks/delivery/"
FORM = {"target": "https://receiver.example/", "events": "customer.created\r\ncustomer.updated",
        "api_version": "2024-04-01", "active": "on"}  # fmt: skip


@pytest.fixture
def dashboard_client(owner):
    return browser_of(owner)


def text_of(response) -> str:
    assert response.status_code == 200
    return response.content.decode()


class TestWebhooks:
    def test_add_webhook(self, dashboard_client):
        dashboard_client.post(f"{LIST}add/", {**FORM, "name": "Mailer"})

        webhook = Webhook.objects.get()
        assert (webhook.name, webhook.events, webhook.app) == ("Mailer", ["customer.created", "customer.updated"], None)
        assert len(webhook.secret_key) >= 40
        assert webhook.secret_key in text_of(dashboard_client.get(f"{LIST}{webhook.pk}/change/"))

    def test_add_webhook_shows_errors_at_their_fields(self, dashboard_client):
        for field, value in (("target", "ftp://x.example/"), ("events", "nonsense"), ("events", "")):
            page = text_of(dashboard_client.post(f"{LIST}add/", {**FORM, field: value}))
            assert f'id="id_{field}_error"' in page
        assert not Webhook.objects.exists()

    def test_change_webhook_keeps_other_fields(self, dashboard_client):
        webhook = create_webhook(
            store="testserver",
            by=SYSTEM,
            target="https://a.example/",
            events=["customer.created"],
            api_version="unstable",
            secret_key=SECRET,
        )

        dashboard_client.post(f"{LIST}{webhook.pk}/change/", {**FORM, "secret_key": SECRET, "active": ""})

        webhook.refresh_from_db()
        assert (webhook.target, webhook.active, webhook.secret_key) == (FORM["target"], False, SECRET)

    def test_delete_webhook_deletes_its_deliveries(self, dashboard_client):
        webhook = create_webhook(
            store="testserver",
            by=SYSTEM,
            target="https://a.example/",
            events=["customer.created"],
            api_version="unstable",
        )
        make_user()

        dashboard_client.post(f"{LIST}{webhook.pk}/delete/", {"post": "yes"})

        assert not Webhook.objects.exists()
        assert not Delivery.objects.exists()

    def test_send_test_delivers_an_example(self, dashboard_client, subscribe, receiver, deliver):
        webhook = subscribe("customer.created")

        asked = dashboard_client.post(f"{LIST}{webhook.pk}/send_test/")
        deliver()

        assert [each.event["data"]["email"] for each in receiver.received] == ["ada@example.com"]
        page = text_of(dashboard_client.get(asked.headers["Location"]))
        assert "Delivered" in page


class TestLog:
    @pytest.fixture
    def people(self, subscribe, deliver):
        """Two customers. The second one was changed, and the delivery of that event failed."""
        subscribe("customer.created")
        subscribe("customer.updated", path="500")
        people = make_user(), make_user()
        services.update_user(people[1].pk, by=SYSTEM, first_name="Grace")
        deliver()
        return people

    def test_delivery_log_filters_by_event_status_and_customer_id(self, dashboard_client, people):
        for query, rows in {
            "": 3,
            "event=customer.updated": 1,
            "event=customer.created": 2,
            "status=delivered": 2,
            "status=waiting": 1,
            "q=nobody": 0,
            f"q={people[1].pk}": 2,
        }.items():
            page = text_of(dashboard_client.get(f"{LOG}?{query}"))
            assert page.count("field-object_id") == rows, query

    def test_delivery_page_shows_answer_and_body(self, dashboard_client, people):
        delivery = Delivery.objects.get(event_type="customer.updated")

        page = text_of(dashboard_client.get(f"{LOG}{delivery.pk}/change/"))

        assert "Internal Server Error" in page
        assert delivery.response_ms is not None
        assert "&quot;first_name&quot;: &quot;Grace&quot;" in page

    def test_send_again_delivers_the_same_event(self, dashboard_client, people, receiver, deliver):
        delivery = Delivery.objects.filter(event_type="customer.created").first()
        sent = len(receiver.received)

        dashboard_client.post(f"{LOG}{delivery.pk}/send_again/")
        deliver()

        assert [each.event["event_id"] for each in receiver.received[sent:]] == [str(delivery.event_id)]

    def test_send_again_is_refused_for_an_inactive_webhook(self, dashboard_client, people, receiver, deliver):
        Webhook.objects.update(active=False)
        delivery = Delivery.objects.filter(event_type="customer.created").first()
        sent = len(receiver.received)

        page = dashboard_client.post(f"{LOG}{delivery.pk}/send_again/", follow=True)
        deliver()

        assert "switched off" in text_of(page)
        assert len(receiver.received) == sent
