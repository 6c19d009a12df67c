"""Actions on a customer that ask for confirmation: blocking, and the email that resets a password."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.test import Client
from django.utils import timezone

from customers import services
from customers.models import Event, User
from oauth.actor import SYSTEM
from tests.support.dashboard import CUSTOMERS, customer_url
from tests.support.factories import make_users

RESET = "/dashboard/password_reset/"
PASSWORD = "correct horse battery staple"


class BrokenBackend(BaseEmailBackend):
    def send_messages(self, messages):
        raise ConnectionRefusedError


def action_url(customer, name: str) -> str:
    return f"{CUSTOMERS}{customer.pk}/{name}/"


def link_in(message) -> str:
    return re.search(r"http://testserver(/\S+)", message.body)[1]


def choose_password(link: str):
    """As the person who got the email, in a browser of their own."""
    browser = Client()
    form = browser.get(link, follow=True)
    url = form.redirect_chain[-1][0] if form.redirect_chain else link
    return browser.post(url, {"new_password1": PASSWORD, "new_password2": PASSWORD})


class TestBlock:
    def test_block_asks_for_confirmation(self, dashboard_client, ada):
        page = dashboard_client.get(action_url(ada, "block"))

        assert b"Ada Lovelace will be marked as blocked" in page.content
        ada.refresh_from_db()
        assert not ada.is_blocked

    def test_block_and_unblock_are_recorded_in_the_timeline(self, dashboard_client, owner, ada):
        for name, is_blocked in (("block", True), ("unblock", False)):
            assert action_url(ada, name).split("/")[-2] in dashboard_client.get(customer_url(ada)).content.decode()

            response = dashboard_client.post(action_url(ada, name))

            assert response.headers["Location"] == customer_url(ada)
            ada.refresh_from_db()
            assert ada.is_blocked is is_blocked
        assert list(Event.objects.order_by("id").values_list("kind", "actor_id", "app_id")[1:]) == [
            ("blocked", owner.pk, None),
            ("unblocked", owner.pk, None),
        ]

    def test_page_offers_block_only_for_a_customer_who_is_not_blocked(self, dashboard_client, ada):
        page = dashboard_client.get(customer_url(ada)).content.decode()

        assert 'href="../block/"' in page
        assert 'href="../unblock/"' not in page

    def test_block_twice_records_one_event(self, dashboard_client, ada):
        dashboard_client.post(action_url(ada, "block"))
        dashboard_client.post(action_url(ada, "block"))

        assert Event.objects.filter(kind="blocked").count() == 1

    def test_confirmation_page_escapes_the_name(self, dashboard_client, ada):
        services.update_user(ada.pk, by=SYSTEM, first_name="<b>{0.password}</b>")

        page = dashboard_client.get(action_url(ada, "block")).content.decode()

        assert "&lt;b&gt;{0.password}&lt;/b&gt;" in page


@pytest.mark.parametrize("name", ["block", "unblock", "send_password_reset"])
class TestEveryAction:
    def test_action_is_refused_for_viewers(self, as_role, ada, name):
        viewer = as_role("Viewer")

        assert f"../{name}/" not in viewer.get(customer_url(ada)).content.decode()
        assert viewer.get(action_url(ada, name)).status_code == 403
        assert viewer.post(action_url(ada, name)).status_code == 403
        assert not mail.outbox
        assert Event.objects.filter(user=ada).count() == 1

    def test_action_needs_a_csrf_token(self, owner, ada, name):
        browser = Client(enforce_csrf_checks=True)
        browser.force_login(owner)

        assert browser.post(action_url(ada, name)).status_code == 403
        assert Event.objects.filter(user=ada).count() == 1

    def test_action_on_staff_or_unknown_customer_is_404(self, dashboard_client, owner, name):
        assert dashboard_client.post(action_url(owner, name)).status_code == 404
        assert dashboard_client.post(f"{CUSTOMERS}987654321/{name}/").status_code == 404


class TestSendPasswordReset:
    def test_password_reset_email_lets_a_customer_choose_a_first_password(self, dashboard_client, owner, ada):
        assert not ada.has_usable_password()

        response = dashboard_client.post(action_url(ada, "send_password_reset"))

        assert response.headers["Location"] == customer_url(ada)
        (message,) = mail.outbox
        assert message.to == ["ada@lovelace.example"]
        event = Event.objects.get(kind="password_reset_sent")
        assert (event.user_id, event.actor) == (ada.pk, owner)

        assert choose_password(link_in(message)).headers["Location"] == f"{RESET}complete/"
        ada.refresh_from_db()
        assert ada.check_password(PASSWORD)
        assert Client().get(f"{RESET}complete/").status_code == 200

    def test_password_reset_link_works_once(self, dashboard_client, ada):
        dashboard_client.post(action_url(ada, "send_password_reset"))
        choose_password(link_in(mail.outbox[0]))

        page = Client().get(link_in(mail.outbox[0]), follow=True)

        assert "The password reset link was invalid" in page.content.decode()

    def test_password_reset_changes_only_the_password(self, dashboard_client, ada):
        dashboard_client.post(action_url(ada, "send_password_reset"))
        before = User.objects.filter(pk=ada.pk).values().get()

        choose_password(link_in(mail.outbox[0]))

        after = User.objects.filter(pk=ada.pk).values().get()
        changed = {name for name in after if after[name] != before[name]}
        assert changed == {"password", "has_account"}  # the second follows from the first

    @pytest.mark.parametrize(
        ("change", "reason"), [({"email": None}, "no email address"), ({"is_active": False}, "off")]
    )
    def test_password_reset_shows_why_it_cannot_be_sent(self, dashboard_client, ada, change, reason):
        for name, value in change.items():
            setattr(ada, name, value)
        ada.save()

        assert "../send_password_reset/" not in dashboard_client.get(customer_url(ada)).content.decode()
        page = dashboard_client.post(action_url(ada, "send_password_reset"), follow=True)

        assert reason in page.content.decode()
        assert not mail.outbox
        assert not Event.objects.filter(kind="password_reset_sent").exists()

    @pytest.mark.parametrize(
        ("email", "to"),
        [
            ("GRACE@example.com", "GRACE@example.com"),
            ("grace@münchen.example", "grace@xn--mnchen-3ya.example"),
            ("grace@straße.example", "grace@xn--strae-oqa.example"),  # IDNA 2003 would send it to strasse.example
            (long_email := f"{'g' * 64}@{'e' * 63}.{'x' * 63}.{'y' * 63}.org", long_email),
        ],
    )
    def test_password_reset_reaches_every_valid_email_address(self, dashboard_client, email, to):
        [customer] = make_users(1, email=email)

        dashboard_client.post(action_url(customer, "send_password_reset"))

        assert [message.to for message in mail.outbox] == [[to]]

    def test_password_reset_reports_a_mail_server_that_is_down(self, dashboard_client, ada, settings):
        settings.EMAIL_BACKEND = f"{__name__}.BrokenBackend"

        page = dashboard_client.post(action_url(ada, "send_password_reset"), follow=True)

        assert "could not be sent" in page.content.decode()
        assert not Event.objects.filter(kind="password_reset_sent").exists()


class TestForgottenPassword:
    def ask(self, email):
        return Client(raise_request_exception=False).post(RESET, {"email": email})

    def test_sign_in_page_offers_password_reset(self, db):
        page = Client().get("/dashboard/login/").content.decode()

        assert f'href="{RESET}"' in page
        assert Client().get(RESET).status_code == 200

    def test_forgotten_password_lets_staff_sign_in_again(self, owner):
        self.ask("OWNER@store.example")

        choose_password(link_in(mail.outbox[0]))

        signed_in = Client().post("/dashboard/login/", {"username": owner.email, "password": PASSWORD})
        assert signed_in.status_code == 302

    def test_forgotten_password_answers_the_same_for_unknown_emails(self, ada, settings):
        known, unknown = self.ask(ada.email), self.ask("nobody@example.com")
        settings.EMAIL_BACKEND = f"{__name__}.BrokenBackend"
        Event.objects.all().delete()
        unsent = self.ask(ada.email)

        assert {(each.status_code, each.headers["Location"]) for each in (known, unknown, unsent)} == {
            (302, f"{RESET}done/")
        }
        assert len(mail.outbox) == 1
        assert Client().get(f"{RESET}done/").status_code == 200

    def test_forgotten_password_is_recorded_without_an_actor(self, ada):
        self.ask(ada.email)

        event = Event.objects.get(kind="password_reset_sent")
        assert (event.user_id, event.actor, event.app) == (ada.pk, None, None)

    def test_forgotten_password_sends_at_most_one_email_in_five_minutes(self, ada):
        self.ask(ada.email)
        self.ask(ada.email)
        assert len(mail.outbox) == 1

        Event.objects.update(at=timezone.now() - timedelta(minutes=6))
        self.ask(ada.email)
        assert len(mail.outbox) == 2

    def test_forgotten_password_sends_nothing_to_inactive_accounts(self, ada):
        User.objects.filter(pk=ada.pk).update(is_active=False)

        self.ask(ada.email)

        assert not mail.outbox

    def test_forgotten_password_survives_any_email_text(self, db):
        for email in ["", "x", "a\0b@example.com", f"{'x' * 400}@example.com"]:
            assert self.ask(email).status_code == 200, email

    def test_forgotten_password_survives_forged_links(self, db):
        for path in ["MQ/set-password/", "x/y/", "%00/%00/", f"{'9' * 300}/x-y/"]:
            response = Client(raise_request_exception=False).get(RESET + path)

            assert response.status_code == 200, path
            assert "invalid" in response.content.decode(), path
