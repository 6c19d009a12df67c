"""What a long failure does to a webhook, and what ends it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from customers.webhooks.models import Webhook
from oauth.models import App
from oauth.scopes import Scope
from tests.support.factories import make_user
from tests.support.mail import sent_emails
from tests.support.webhooks import WEBHOOKS, installed_partner, webhook_url


class TestLongFailure:
    @pytest.mark.parametrize(("days", "warnings"), [(0.03, 0), (0.05, 1), (1.1, 2), (5.1, 3)])
    def test_webhook_that_fails_for_long_emails_a_warning_to_the_owners(
        self, subscribe, receiver, deliver, admin_client, owner, days, warnings
    ):
        webhook = subscribe("customer.created", path="500")
        Webhook.objects.update(failing_since=timezone.now() - timedelta(days=days), failures=1)

        make_user()
        deliver()

        assert admin_client.get(webhook_url(webhook)).json()["warning_count"] == warnings
        assert len(sent_emails()) == bool(warnings)

    def test_webhook_is_deactivated_after_ten_days_of_failures(self, subscribe, receiver, deliver, admin_client, owner):
        webhook = subscribe("customer.created", path="500")
        Webhook.objects.update(failing_since=timezone.now() - timedelta(days=10), failures=20, warning_count=3)

        make_user()
        deliver()

        assert admin_client.get(webhook_url(webhook)).json()["active"] is False
        assert "ten days" in sent_emails()[0].body

    def test_developer_of_the_app_gets_an_email_about_its_webhook_too(self, subscribe, receiver, deliver, owner):
        app, partner_client = installed_partner(owner, Scope.WEBHOOKS_WRITE)
        App.objects.update(developer_email="Dev@müller.example")
        body = {"target": f"{receiver.url}/410", "events": ["customer.created"]}
        assert partner_client.post(WEBHOOKS, body).status_code == 201
        subscribe("customer.created", path="410")

        make_user()
        deliver()

        of_developer = [email for email in sent_emails() if email.to != [owner.email]]
        assert [email.to for email in of_developer] == [["Dev@xn--mller-kva.example"]]
        assert (app.client_id in of_developer[0].body, "410" in of_developer[0].body) == (True, True)
        assert "/dashboard/" not in of_developer[0].body

    def test_former_developer_of_the_app_gets_no_email(self, receiver, deliver, owner):
        _, partner_client = installed_partner(owner, Scope.WEBHOOKS_WRITE)
        App.objects.update(developer_email="former@app.example")
        partner_client.post(WEBHOOKS, {"target": f"{receiver.url}/410", "events": ["customer.created"]})
        make_user()
        deliver()

        App.objects.update(developer_email="new@app.example")

        assert [email.to for email in sent_emails()] == [[owner.email]]

    def test_success_resets_the_warnings_of_a_webhook(self, subscribe, receiver, deliver, admin_client):
        webhook = subscribe("customer.created")
        Webhook.objects.update(failing_since=timezone.now() - timedelta(days=2), failures=20, warning_count=2)

        make_user()
        deliver()

        shown = admin_client.get(webhook_url(webhook)).json()
        assert (shown["warning_count"], shown["next_check_date"]) == (0, None)

    def test_activating_a_webhook_resets_its_warnings(self, subscribe, admin_client):
        webhook = subscribe("customer.created", active=False)
        Webhook.objects.update(
            failing_since=timezone.now(), failures=20, warning_count=3, next_check_date=timezone.now()
        )

        shown = admin_client.patch(webhook_url(webhook), {"active": True}).json()

        assert (shown["active"], shown["warning_count"], shown["next_check_date"]) == (True, 0, None)

    def test_activating_a_webhook_sends_the_events_that_wait_for_a_retry(
        self, subscribe, receiver, deliver, admin_client
    ):
        webhook = subscribe("customer.created")
        make_user()
        admin_client.patch(webhook_url(webhook), {"active": False})
        deliver()
        while_inactive = list(receiver.received)

        admin_client.patch(webhook_url(webhook), {"active": True})
        deliver()

        assert while_inactive == []
        assert receiver.events == ["customer.created"]
