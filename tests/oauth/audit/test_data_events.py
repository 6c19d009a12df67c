"""The security log about passwords, webhooks, exports and personal data: who, from where, by dashboard and by API."""

import re

import pytest
from django.core.management import call_command
from django.test import Client

from customers.jobs.models import Job
from customers.webhooks.models import Webhook
from oauth.audit.models import AuditEvent
from oauth.models import App
from oauth.scopes import Scope
from tests.support.cases import each
from tests.support.dashboard import CUSTOMERS, DASHBOARD
from tests.support.exports import make_exports
from tests.support.factories import make_owner, make_user, make_users
from tests.support.mail import sent_emails

OWNER, IP = "owner@store.example", "127.0.0.1"
API = "/api/admin/"
RESET = f"{DASHBOARD}password_reset/"
NEW_PASSWORD = {"new_password1": "an uncommon 1 password", "new_password2": "an uncommon 1 password"}
WEBHOOKS = f"{DASHBOARD}webhooks/webhook/"
TARGET = "https://hooks.example/services/a-secret-path"
WEBHOOK = {"name": "CRM", "target": TARGET, "events": "customer.created", "api_version": "2024-04-01", "active": "on"}
pytestmark = pytest.mark.django_db
RANGE = {"type": "customer_list", "date_from": "2000-01-01T00:00:00Z", "date_to": "2100-01-01T00:00:00Z"}


def logged(event: str) -> list[tuple]:
    """Who did it with which app, from where, and what more there is to say."""
    rows = AuditEvent.objects.filter(event=event).order_by("id")
    return list(rows.values_list("actor", "app", "ip", "detail"))


class TestPassword:
    def choose(self, person, browser, **environment):
        """By the link of the newest email."""
        link = re.search(r"http://\S+", sent_emails()[-1].body)[0]
        page = browser.get(link, follow=True)
        return browser.post(page.redirect_chain[-1][0], NEW_PASSWORD, **environment)

    def test_password_chosen_by_email_is_logged_and_mailed(self, owner, client):
        client.post(RESET, {"email": OWNER})
        self.choose(owner, client, REMOTE_ADDR="203.0.113.9")

        assert [(ip, detail) for _, _, ip, detail in logged("password_reset_sent")] == [(IP, {"account": OWNER})]
        assert logged("password_reset") == [(OWNER, "", "203.0.113.9", {"account": OWNER})]
        assert (sent_emails()[-1].to, sent_emails()[-1].subject) == ([OWNER], "Your password was changed")

    def test_password_chosen_by_email_opens_an_account_that_strangers_locked(self, client):
        person = make_owner(email=OWNER, password="forgotten")
        for number in range(10):
            form = {"username": OWNER, "password": "a guess"}
            Client(REMOTE_ADDR=f"192.0.2.{number}").post(f"{DASHBOARD}login/", form)
        client.post(RESET, {"email": OWNER})
        self.choose(person, client)

        form = {"username": OWNER, "password": NEW_PASSWORD["new_password1"]}
        assert Client().post(f"{DASHBOARD}login/", form).status_code == 302

    def test_password_chosen_by_a_customer_is_logged(self, client):
        ada = make_user(email="ada@example.com")
        client.post(RESET, {"email": ada.email})
        self.choose(ada, client)

        assert logged("password_reset") == [("ada@example.com", "", IP, {"account": "ada@example.com"})]

    def test_password_set_by_an_app_is_logged_and_mailed(self, api):
        ada = make_user(email="ada@example.com")
        medusa = api(Scope.USERS_READ, Scope.USERS_WRITE, app_name="Shop")
        [number] = [row["id"] for row in medusa.get("/admin/customers").json()["customers"]]
        medusa.post(f"/admin/customers/{number}", {"password": "an uncommon 1 password"})
        medusa.post(f"/admin/customers/{number}", {"first_name": "Ada"})

        assert [row[:2] + row[3:] for row in logged("password_changed")] == [(OWNER, "Shop", {"account": ada.email})]
        assert [message.to for message in sent_emails()] == [["ada@example.com"]]

    def test_password_reset_sent_by_staff_is_logged(self, dashboard_client):
        ada = make_user(email="ada@example.com")

        dashboard_client.post(f"{CUSTOMERS}{ada.pk}/send_password_reset/")
        sent_emails()

        assert logged("password_reset_sent") == [(OWNER, "", IP, {"account": "ada@example.com"})]


class TestWebhook:
    def test_webhooks_of_the_dashboard_are_logged(self, dashboard_client):
        dashboard_client.post(f"{WEBHOOKS}add/", WEBHOOK)
        pk = Webhook.objects.get().pk
        about = {"webhook": pk, "host": "hooks.example"}
        dashboard_client.post(f"{WEBHOOKS}{pk}/change/", {**WEBHOOK, "target": "https://evil.example/", "active": ""})
        dashboard_client.post(f"{WEBHOOKS}{pk}/delete/", {"post": "yes"})

        assert logged("webhook_created") == [(OWNER, "", IP, {**about, "events": ["customer.created"]})]
        about["host"] = "evil.example"
        assert logged("webhook_changed") == [(OWNER, "", IP, {**about, "changed": ["active", "target"]})]
        assert logged("webhook_deleted") == [(OWNER, "", IP, about)]

    def test_webhooks_of_the_api_are_logged_with_the_app(self, api):
        client = api(Scope.WEBHOOKS_WRITE, Scope.WEBHOOKS_READ, app_name="CRM")
        made = client.post(f"{API}webhooks/", {**WEBHOOK, "events": ["customer.created"], "active": True}).json()
        for name in ("CRM", "Mail"):  # the first changes nothing
            client.patch(f"{API}webhooks/{made['id']}/", {"name": name})
        client.delete(f"{API}webhooks/{made['id']}/")

        about = {"webhook": made["id"], "host": "hooks.example"}
        assert logged("webhook_created") == [(OWNER, "CRM", IP, {**about, "events": ["customer.created"]})]
        assert logged("webhook_changed") == [(OWNER, "CRM", IP, {**about, "changed": ["name"]})]
        assert logged("webhook_deleted") == [(OWNER, "CRM", IP, about)]
        assert {row.client_id for row in AuditEvent.objects.filter(event__startswith="webhook")} == {
            App.objects.get(name="CRM").client_id
        }

    def test_secrets_of_webhooks_are_not_logged(self, dashboard_client):
        dashboard_client.post(f"{WEBHOOKS}add/", {**WEBHOOK, "secret_key": "a-signing-secret"})
        pk = Webhook.objects.get().pk
        dashboard_client.post(f"{WEBHOOKS}{pk}/change/", {**WEBHOOK, "secret_key": "another-secret"})

        log = repr(list(AuditEvent.objects.values()))
        assert "'changed': ['secret_key']" in log
        assert [word for word in ("a-signing-secret", "another-secret", "a-secret-path") if word in log] == []

    def test_refused_webhook_is_not_logged(self, dashboard_client):
        dashboard_client.post(f"{WEBHOOKS}add/", {**WEBHOOK, "target": "https://user:pw@hooks.example/"})

        assert logged("webhook_created") == []


class TestExport:
    def test_export_of_the_dashboard_and_its_download_are_logged(self, dashboard_client, files):
        make_users(3)
        form = {"action": "export", "select_across": "1", "_selected_action": "1"}
        page = dashboard_client.post(CUSTOMERS, form).headers["Location"]
        dashboard_client.post(page, {"format": "csv"})
        pk = Job.objects.get().pk
        dashboard_client.get(f"{DASHBOARD}jobs/job/{pk}/file/")

        row = (OWNER, "", IP, {"export": pk, "customers": 3})
        assert (logged("export_requested"), logged("export_downloaded")) == ([row], [row])

    def test_export_of_the_api_and_its_download_are_logged_with_the_app(self, api, files, anonymous):
        make_users(3)
        client = api(Scope.EXPORTS_WRITE, Scope.EXPORTS_READ, app_name="Warehouse")
        made = client.post(f"{API}exports/", RANGE).json()
        make_exports()
        link = client.get(f"{API}exports/{made['id']}/download/").json()["url"]
        assert logged("export_downloaded") == []

        anonymous.get(link, REMOTE_ADDR="203.0.113.9")

        detail = {"export": made["id"], "customers": 3}
        assert logged("export_requested") == [(OWNER, "Warehouse", IP, detail)]
        assert logged("export_downloaded") == [(OWNER, "Warehouse", "203.0.113.9", detail)]

    @each("search", ["ada@example.com", "Lovelace"])
    def test_words_that_an_export_searches_for_are_not_logged(self, dashboard_client, files, search):
        make_user(email="ada@example.com", last_name="Lovelace")
        form = {"action": "export", "select_across": "1", "_selected_action": "1"}
        dashboard_client.post(f"{CUSTOMERS}?q={search}", form)

        assert [detail.keys() for *_, detail in logged("export_requested")] == [{"export", "customers"}]

    def test_export_by_command_is_logged(self, db, capsys):
        call_command("export_customers", "-")

        assert logged("export_requested") == [("", "", None, {})]


class TestPersonalData:
    def test_download_of_personal_data_is_logged(self, dashboard_client):
        ada = make_user()

        dashboard_client.get(f"{CUSTOMERS}{ada.pk}/personal-data/")

        assert logged("personal_data_downloaded") == [(OWNER, "", IP, {"customer": ada.pk})]

    def test_refused_download_of_personal_data_is_not_logged(self, as_role):
        ada = make_user()

        as_role("Viewer").get(f"{CUSTOMERS}{ada.pk}/personal-data/")

        assert logged("personal_data_downloaded") == []

    def test_erase_is_logged_with_the_address(self, dashboard_client):
        ada = make_user()

        dashboard_client.post(f"{CUSTOMERS}{ada.pk}/erase/", {"confirmation": "erase"})

        assert logged("customer_erased") == [(OWNER, "", IP, {"customer": ada.pk})]
