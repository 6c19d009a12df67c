"""Webhooks and deliveries in the dashboard."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from customers import services
from customers.segments.services import create_segment
from customers.webhooks.events import PUBLISHED_NAMES
from customers.webhooks.models import Delivery, Webhook
from oauth.accounts.own_roles import create_role
from oauth.actor import SYSTEM
from oauth.scopes import Scope
from tests.support.dashboard import DASHBOARD, browser_of, browser_of_role, customer_url
from tests.support.factories import make_user
from tests.support.webhook_receiver import SECRET
from tests.support.webhooks import WEBHOOKS, installed_partner, make_webhook, webhook_url

LIST = f"{DASHBOARD}webhooks/webhook/"
LOG = f"{DASHBOARD}webhooks/delivery/"
FORM = {"target": "https://hooks.example/", "events": ["customer.created", "customer.updated"],
        "api_version": "2024-04-01", "active": "on"}  # fmt: skip


@pytest.fixture
def dashboard_client(owner):
    return browser_of(owner)


def text_of(response) -> str:
    assert response.status_code == 200
    return response.content.decode()


class TestWebhooks:
    def test_add_webhook(self, dashboard_client):
        added = dashboard_client.post(f"{LIST}add/", {**FORM, "name": "Mailer"})

        webhook = Webhook.objects.get()
        assert added.headers["Location"] == f"{LIST}{webhook.pk}/change/"
        assert (webhook.name, webhook.events, webhook.app) == ("Mailer", ["customer.created", "customer.updated"], None)
        assert len(webhook.secret_key) >= 40
        assert webhook.secret_key in text_of(dashboard_client.get(f"{LIST}{webhook.pk}/change/"))

    def test_add_webhook_shows_errors_at_their_fields(self, dashboard_client):
        for field, value in (("target", "ftp://x.example/"), ("events", ["nonsense"]), ("events", [])):
            page = text_of(dashboard_client.post(f"{LIST}add/", {**FORM, field: value}))
            assert f'id="id_{field}_error"' in page
            assert f'<a href="#id_{field}">' in page
        assert not Webhook.objects.exists()

    def test_all_events_are_those_that_the_api_publishes(self, dashboard_client, admin_client):
        dashboard_client.post(f"{LIST}add/", {**FORM, "events": ["all", "customer.created"]})

        webhook = Webhook.objects.get()
        assert admin_client.get(webhook_url(webhook)).json()["events"] == PUBLISHED_NAMES
        assert "All events" in text_of(dashboard_client.get(LIST))
        page = text_of(dashboard_client.get(f"{LIST}{webhook.pk}/change/"))
        assert re.findall(r'name="events" value="([\w.]+)"[^>]* checked', page)[0] == "all"
        assert page.count(" checked") == len(["all", *PUBLISHED_NAMES, "active"])

    def test_app_uninstalled_is_offered_only_for_webhooks_of_apps(self, dashboard_client, owner):
        app, partner_client = installed_partner(owner, Scope.WEBHOOKS_WRITE)
        partner_client.post(WEBHOOKS, {"target": "https://a.example/", "events": ["app.uninstalled"]})
        of_app, of_store = Webhook.objects.get(app=app), make_webhook()

        pages = [text_of(dashboard_client.get(f"{LIST}{each.pk}/change/")) for each in (of_app, of_store)]
        dashboard_client.post(f"{LIST}{of_app.pk}/change/", {**FORM, "events": ["all", "app.uninstalled"]})

        assert ['value="app.uninstalled"' in page for page in pages] == [True, False]
        of_app.refresh_from_db()
        assert of_app.events == [*PUBLISHED_NAMES, "app.uninstalled"]

    def test_list_shows_which_webhooks_fail(self, dashboard_client, subscribe, deliver):
        subscribe("customer.created", name="Good")
        subscribe("customer.created", name="Bad", path="500")
        subscribe("customer.created", name="Off", active=False)
        make_user()
        deliver()

        page = text_of(dashboard_client.get(LIST))

        states = re.findall(r'<td class="field-health[^>]*><span class="chip is-(\w+)">([^<]*)', page)
        assert states == [("neutral", "Off"), ("danger", "Failing: began "), ("good", "Working")]

    def test_page_of_a_webhook_shows_its_state_and_its_newest_deliveries(self, dashboard_client, subscribe, deliver):
        webhook, other = subscribe("customer.created", path="500"), subscribe("customer.created", name="Other")
        person = make_user()
        deliver()
        Webhook.objects.filter(pk=webhook.pk).update(next_check_date=timezone.now())

        page = text_of(dashboard_client.get(f"{LIST}{webhook.pk}/change/"))

        assert re.search(r"Failing: began <time [^>]+>just now</time>, next try now<", page)
        assert re.search(r"500 Internal Server Error in \d+ ms", page)
        assert f'href="{customer_url(person)}"' in page
        links = re.findall(r"/dashboard/webhooks/delivery/(\d+)/change/", page)
        assert links == [str(webhook.deliveries.get().pk)]
        assert other.deliveries.exists()

    def test_role_that_may_view_webhooks_sees_no_signing_secret(self, dashboard_client):
        webhook = make_webhook(secret_key=SECRET)
        levels = {"customers": "view", "sales": "view", "webhooks": "view"}
        create_role(name="Support", levels=levels, by=SYSTEM)

        page = text_of(browser_of_role("Support").get(f"{LIST}{webhook.pk}/change/"))

        assert webhook.target in page
        assert SECRET not in page
        assert 'name="_save"' not in page
        assert "data-test" not in page

    def test_change_webhook_keeps_other_fields(self, dashboard_client):
        webhook = make_webhook(secret_key=SECRET)

        dashboard_client.post(f"{LIST}{webhook.pk}/change/", {**FORM, "secret_key": SECRET, "active": ""})

        webhook.refresh_from_db()
        assert (webhook.target, webhook.active, webhook.secret_key) == (FORM["target"], False, SECRET)

    def test_delete_webhook_deletes_its_deliveries(self, dashboard_client):
        webhook = make_webhook()
        make_user()

        dashboard_client.post(f"{LIST}{webhook.pk}/delete/", {"post": "yes"})

        assert not Webhook.objects.exists()
        assert not Delivery.objects.exists()

    def test_send_test_delivers_an_example(self, dashboard_client, subscribe, receiver, deliver):
        webhook = subscribe("customer.created")

        asked = dashboard_client.post(f"{LIST}{webhook.pk}/send_test/")
        pending = text_of(dashboard_client.get(asked.headers["Location"]))
        deliver()

        assert [each.event["data"]["email"] for each in receiver.received] == ["ada@example.com"]
        page = text_of(dashboard_client.get(asked.headers["Location"]))
        assert "Delivered" in page
        outcome = f"{LOG}{Delivery.objects.get().pk}/outcome/"
        assert (f'data-outcome="{outcome}"' in pending, "data-outcome" in page) == (True, False)
        assert re.search(r"Delivered</span>\s+200 OK in \d+ ms", text_of(dashboard_client.get(outcome)))

    def test_send_test_does_not_wait_for_the_end_of_a_pause(self, dashboard_client, subscribe, receiver, deliver):
        webhook = subscribe("customer.created")
        Webhook.objects.update(next_check_date=timezone.now() + timedelta(minutes=15))
        make_user()

        dashboard_client.post(f"{LIST}{webhook.pk}/send_test/")
        deliver()

        assert [each.event["data"]["email"] for each in receiver.received] == ["ada@example.com"]

    def test_send_test_delivers_the_newest_customer_of_a_segment(self, dashboard_client, subscribe, receiver, deliver):
        _, newest, _ = (make_user(tags=tags) for tags in (["vip"], ["vip"], []))
        vip = create_segment(name="VIP", filters={"tag": "vip"})
        webhook = subscribe("customer.created")

        dashboard_client.post(f"{LIST}{webhook.pk}/send_test/", {"segment": vip.pk})
        deliver()

        assert [each.event["data"]["id"] for each in receiver.received] == [newest.pk]
        assert Delivery.objects.get(webhook=webhook).is_test

    def test_send_test_sends_nobody_of_an_empty_segment_or_to_a_webhook_without_customers(
        self, dashboard_client, subscribe
    ):
        empty = create_segment(name="Nobody", filters={"tag": "none"})
        somebody = create_segment(name="All", filters={"user_type": "lead"})
        make_user()
        cases = [(subscribe("customer.created"), empty, "has no customers"),
                 (subscribe("order.created"), somebody, "no event of customers")]  # fmt: skip

        for webhook, segment, message in cases:
            page = dashboard_client.post(f"{LIST}{webhook.pk}/send_test/", {"segment": segment.pk}, follow=True)

            assert message in text_of(page)
        assert not Delivery.objects.exists()


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
            "status__exact=delivered": 2,
            "status__exact=waiting": 1,
            "q=nobody": 0,
            f"q={people[1].pk}": 2,
        }.items():
            page = text_of(dashboard_client.get(f"{LOG}?{query}"))
            assert page.count("field-about") == rows, query

    def test_delivery_page_shows_answer_and_body(self, dashboard_client, people):
        delivery = Delivery.objects.get(event_type="customer.updated")

        page = text_of(dashboard_client.get(f"{LOG}{delivery.pk}/change/"))

        assert re.search(
            r"Failing, next try <time [^>]+>[^<]+</time></span>\s+500 Internal Server Error in \d+ ms", page
        )
        assert f'href="{customer_url(people[1])}"' in page
        assert "\n    &quot;first_name&quot;: &quot;Grace&quot;" in page
        assert 'name="_save"' not in page

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
