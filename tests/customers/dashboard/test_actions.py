"""Actions on a customer that ask for confirmation: blocking, and the email that resets a password."""

import re

import pytest
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from customers import services
from customers.models import Event, User
from oauth.accounts.models import Email
from oauth.actor import SYSTEM
from tests.support.cases import each
from tests.support.concurrency import at_once
from tests.support.dashboard import CUSTOMERS, customer_url
from tests.support.factories import make_user, make_users
from tests.support.mail import sent_emails

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
            assert f'href="../{name}/"' in dashboard_client.get(customer_url(ada)).content.decode()

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
        assert not sent_emails()
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
        (message,) = sent_emails()
        assert message.to == ["ada@lovelace.example"]
        event = Event.objects.get(kind="password_reset_sent")
        assert (event.user_id, event.actor) == (ada.pk, owner)

        assert choose_password(link_in(message)).headers["Location"] == f"{RESET}complete/"
        ada.refresh_from_db()
        assert ada.check_password(PASSWORD)
        assert Client().get(f"{RESET}complete/").status_code == 200

    def test_password_reset_link_works_once(self, dashboard_client, ada):
        dashboard_client.post(action_url(ada, "send_password_reset"))
        choose_password(link_in(sent_emails()[0]))

        page = Client().get(link_in(sent_emails()[0]), follow=True)

        assert "This link is invalid" in page.content.decode()

    def test_password_reset_changes_only_the_password(self, dashboard_client, ada):
        dashboard_client.post(action_url(ada, "send_password_reset"))
        before = User.objects.filter(pk=ada.pk).values().get()

        choose_password(link_in(sent_emails()[0]))

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
        assert not sent_emails()
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

        assert [message.to for message in sent_emails()] == [[to]]

    def test_password_reset_is_sent_again_after_the_mail_server_was_down(self, dashboard_client, ada, settings):
        settings.EMAIL_BACKEND = f"{__name__}.BrokenBackend"
        page = dashboard_client.post(action_url(ada, "send_password_reset"), follow=True)
        assert "is on its way" in page.content.decode()
        assert not sent_emails()
        assert not Event.objects.filter(kind="password_reset_sent").exists()

        settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
        Email.objects.update(due_at=timezone.now())

        assert len(sent_emails()) == 1
        assert Event.objects.filter(kind="password_reset_sent").count() == 1

    def test_email_is_given_up_after_seven_attempts(self, dashboard_client, ada, settings):
        settings.EMAIL_BACKEND = f"{__name__}.BrokenBackend"
        dashboard_client.post(action_url(ada, "send_password_reset"))
        for attempt in range(7):
            assert Email.objects.get().attempts == attempt
            Email.objects.update(due_at=timezone.now())
            sent_emails()

        assert not Email.objects.exists()

    def test_staff_may_send_a_second_password_reset(self, dashboard_client, ada):
        for _ in range(2):
            dashboard_client.post(action_url(ada, "send_password_reset"))
            sent_emails()

        assert len(sent_emails()) == 2


class TestLinks:
    """Links in emails lead to the store's own domain."""

    def link(self, host: str) -> str:
        Client().post(RESET, {"email": "ada@lovelace.example"}, headers={"Host": host})
        [email] = sent_emails()
        mail.outbox.clear()
        return re.search(r"\w+://[^/]*/", email.body)[0]

    @each("host", ["testserver", "testserver:666", "attacker.store.example:1", "store.example.", "STORE.example"])
    def test_link_follows_the_store_domain_and_never_the_host(self, ada, settings, host):
        settings.STORE_DOMAIN = "store.example"
        settings.ALLOWED_HOSTS = ["testserver", ".store.example"]

        assert self.link(host) == "http://store.example/"

    @each(
        "host, shown",
        [
            ("testserver", "http://testserver/"),
            ("testserver:6666", "http://testserver/"),
            ("testserver.:6666", "http://testserver/"),
            ("testserver:80", "http://testserver:80/"),
            ("localhost:8000", "http://localhost:8000/"),
            ("[::1]:8000", "http://[::1]:8000/"),
        ],
    )
    def test_link_without_a_store_domain_has_no_port_that_the_sender_chose(self, ada, settings, host, shown):
        settings.ALLOWED_HOSTS = ["testserver", "localhost", "[::1]"]

        assert self.link(host) == shown

    @each("host", ["testserver:6666", "testserver.", "TESTSERVER:1"])
    def test_issuer_has_no_port_that_the_sender_chose(self, db, host):
        metadata = Client().get("/.well-known/oauth-authorization-server", headers={"Host": host}).json()

        assert metadata["issuer"] == "http://testserver"
        assert metadata["token_endpoint"] == "http://testserver/oauth2/token/"


@pytest.mark.django_db(transaction=True)
def test_twenty_requests_for_a_new_password_at_once_send_one_email():
    user = make_user(email="ada@lovelace.example")

    answers = at_once([lambda: Client().post(RESET, {"email": user.email})] * 20)
    at_once([sent_emails] * 4)

    assert {answer.status_code for answer in answers} == {302}
    assert len(mail.outbox) == 1


class TestForgottenPassword:
    def ask(self, email):
        return Client(raise_request_exception=False).post(RESET, {"email": email})

    def test_sign_in_page_offers_password_reset(self, db):
        page = Client().get("/dashboard/login/").content.decode()

        assert f'href="{RESET}"' in page
        assert Client().get(RESET).status_code == 200

    def test_forgotten_password_lets_staff_sign_in_again(self, owner):
        self.ask("OWNER@store.example")

        choose_password(link_in(sent_emails()[0]))

        signed_in = Client().post("/dashboard/login/", {"username": owner.email, "password": PASSWORD})
        assert signed_in.status_code == 302

    def test_forgotten_password_answers_the_same_for_unknown_emails(self, ada):
        known, unknown = self.ask(ada.email), self.ask("nobody@example.com")
        again = self.ask(ada.email)

        assert {(answer.status_code, answer.headers["Location"]) for answer in (known, unknown, again)} == {
            (302, f"{RESET}done/")
        }
        assert [email.to for email in sent_emails()] == [[ada.email]]
        assert Client().get(f"{RESET}done/").status_code == 200

    def test_forgotten_password_runs_the_same_statements_for_known_and_unknown_emails(self, owner, ada):
        inactive = make_user(email="inactive@example.com")
        User.objects.filter(pk=inactive.pk).update(is_active=False)
        self.ask("sent@example.com")
        sent_emails()
        ran = {}
        for email in (owner.email, ada.email, inactive.email, "nobody@example.com", "sent@example.com"):
            with CaptureQueriesContext(connection) as statements:
                self.ask(email)
            ran[email] = [re.sub(r"'[^']*'|%s", "?", statement["sql"]) for statement in statements]

        assert [sql for sql in ran[ada.email] if Email._meta.db_table in sql]
        assert not [sql for sql in ran[ada.email] if User._meta.db_table in sql]
        assert {email: found for email, found in ran.items() if found != ran[ada.email]} == {}
        assert not mail.outbox

    def test_forgotten_password_stores_no_link(self, ada):
        self.ask(ada.email)

        [queued] = Email.objects.values()
        assert queued["recipient"] == ada.email
        assert set(queued["details"]) == {"origin", "by"}

    def test_forgotten_password_is_recorded_without_an_actor(self, ada):
        self.ask(ada.email)
        sent_emails()

        event = Event.objects.get(kind="password_reset_sent")
        assert (event.user_id, event.actor, event.app) == (ada.pk, None, None)

    def test_forgotten_password_sends_at_most_one_email_in_five_minutes(self, ada):
        self.ask(ada.email)
        self.ask(ada.email.upper())
        assert len(sent_emails()) == 1
        self.ask(ada.email)
        assert len(sent_emails()) == 1

        Email.objects.update(due_at=timezone.now())  # as five minutes later
        sent_emails()
        self.ask(ada.email)
        assert len(sent_emails()) == 2

    def test_forgotten_password_sends_nothing_to_inactive_accounts(self, ada):
        User.objects.filter(pk=ada.pk).update(is_active=False)

        self.ask(ada.email)

        assert not sent_emails()

    def test_forgotten_password_survives_any_email_text(self, db):
        for email in ["", "x", "a\0b@example.com", f"{'x' * 400}@example.com"]:
            assert self.ask(email).status_code == 200, email

    def test_forgotten_password_survives_forged_links(self, db):
        for path in ["MQ/set-password/", "x/y/", "%00/%00/", f"{'9' * 300}/x-y/"]:
            response = Client(raise_request_exception=False).get(RESET + path)

            assert response.status_code == 200, path
            assert "invalid" in response.content.decode(), path
