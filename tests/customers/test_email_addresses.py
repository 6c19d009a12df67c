"""One mailbox is one customer, however the address is spelled, on every surface."""

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client

from customers.models import User
from customers.privacy.erasure import erase
from oauth.actor import SYSTEM
from oauth.audit.models import AuditEvent
from oauth.email_addresses import check_email, deliverable, email_key
from oauth.errors import ServiceError
from tests.support.cases import each
from tests.support.clients import USERS, refusal, user_url
from tests.support.concurrency import at_once
from tests.support.dashboard import CUSTOMERS, DASHBOARD
from tests.support.factories import make_owner, make_user
from tests.support.mail import sent_emails
from tests.support.mailboxes import SAME_MAILBOX
from tests.support.medusa import CUSTOMERS as MEDUSA
from tests.support.medusa import NEW, TOKEN
from tests.support.pages import fields_of

# Domains without a canonical form.
REFUSED = [
    "a@☃.example",
    "a@xn--zzzz999.example",
    "a@xn--a.example",
    "a@ex_ample.com",
    "a@-example.com",
    "a@[127.0.0.1]",
    "a@b\u200dc.example",
    "a@\u00ad.example",
]


@pytest.fixture
def ways_in(api, dashboard_client, import_file, csv_file):
    """By the name of a surface: `enter(email)` creates a customer. The result is the text of a refusal, or empty."""
    client = api("users:read", "users:write")

    def admin_api(email):
        answer = client.post(USERS, {"email": email})
        return refusal(answer, 201)

    def admin_api_change(email):
        user = make_user()
        answer = client.patch(user_url(user), {"email": email})
        return refusal(answer, 200)

    def medusa(email):
        answer = client.post(MEDUSA, {**NEW, "email": email})
        return refusal(answer, 201)

    def dashboard(email):
        page = dashboard_client.get(f"{CUSTOMERS}add/")
        answer = dashboard_client.post(f"{CUSTOMERS}add/", {**fields_of(page), "email": email})
        return refusal(answer, 302)

    def invitation(email):
        page = dashboard_client.get(f"{DASHBOARD}customers/staffmember/add/")
        fields = {**fields_of(page, "staffmember_form"), "email": email, "role": "Viewer"}
        answer = dashboard_client.post(f"{DASHBOARD}customers/staffmember/add/", fields)
        return refusal(answer, 302)

    def file(email):
        code, output = import_file(csv_file([[email]], header=["email"]))
        return "" if code == 0 else output

    return {
        "Admin API": admin_api,
        "Admin API, change": admin_api_change,
        "Medusa": medusa,
        "dashboard": dashboard,
        "invitation": invitation,
        "import": file,
    }


class TestEveryWayIn:
    @each("first,second", SAME_MAILBOX)
    def test_second_spelling_of_a_mailbox_is_taken(self, ways_in, first, second):
        make_user(email=first)

        for surface, enter in ways_in.items():
            assert any(word in enter(second) for word in ("already", "has this email")), surface
            assert User.objects.with_email(second).count() == 1, surface

    @each("email", REFUSED)
    def test_domain_without_canonical_form_is_refused(self, ways_in, email):
        for surface, enter in ways_in.items():
            assert "nter a valid email" in (text := enter(email)) or "must be an email" in text, surface
        assert not User.objects.filter(email=email).exists()

    @each("email", ["ada@münchen.example", "ada@ｅxample.com", "Ada@Straße.example", "ada@exa\u00admple.com"])
    def test_email_is_shown_as_it_was_written(self, api, email):
        client = api("users:read", "users:write")

        made = client.post(USERS, {"email": email}).json()

        assert made["email"] == email == client.get(user_url(made["id"])).json()["email"]

    @each("first,second", SAME_MAILBOX)
    def test_second_spelling_in_a_file_is_a_duplicate(self, import_file, csv_file, first, second):
        for options in (["--dry-run"], []):
            code, output = import_file(csv_file([[first], [second]], header=["email"]), *options)

            assert code == 1
            assert "1 created" in output or "1 would be created" in output, options

        assert User.objects.with_email(first).get().email == first

    @each("first,second", SAME_MAILBOX)
    def test_import_updates_the_customer_with_the_mailbox(self, import_file, csv_file, first, second):
        make_user(email=first)

        code, _ = import_file(csv_file([[second, "Ada"]], header=["email", "first name"]), "--update")

        assert code == 0
        user = User.objects.with_email(first).get()
        assert (user.email, user.first_name) == (first, "Ada")

    @each("first,second", SAME_MAILBOX)
    def test_superuser_needs_a_mailbox_of_its_own(self, db, first, second):
        make_user(email=first)

        with pytest.raises(Exception, match=r"email_key"):
            call_command("createsuperuser", email=second, interactive=False)


class TestFind:
    @each("first,second", SAME_MAILBOX)
    def test_customer_is_found_by_the_other_spelling(self, api, dashboard_client, first, second):
        client = api("users:read")
        for stored, asked in ((first, second), (second, first)):
            user = make_user(email=stored)
            make_user(email="other@example.com")

            assert [each["id"] for each in client.get(USERS, {"email": asked}).json()["results"]] == [user.pk]
            assert client.get(MEDUSA, {"q": asked}).json()["count"] == 1
            page = dashboard_client.get(CUSTOMERS, {"q": asked}).content.decode()
            assert (f"/{user.pk}/change/" in page, "other@example.com" in page) == (True, False)
            User.objects.exclude(user_type="dashboard").delete()

    @each("first,second", SAME_MAILBOX)
    def test_member_of_staff_signs_in_and_resets_the_password_with_either_spelling(self, db, first, second):
        make_owner(email=first, password="a long password")

        credentials = {"username": second, "password": "a long password"}
        assert Client().post("/dashboard/login/", credentials).status_code == 302
        answer = Client().post(TOKEN, {"email": second, "password": "a long password"}, "application/json")
        assert answer.status_code == 200
        Client().post("/dashboard/password_reset/", {"email": second})
        assert [message.to for message in sent_emails()] == [[deliverable(first)]]
        assert mail.outbox[0].to[0].isascii()
        mail.outbox.clear()

    @each("email", ["x" * 400 + "@münchen.example", "@", "a@", "@münchen.example", "ü" * 300, "a@" + "ü." * 150])
    def test_text_that_is_no_email_finds_nobody(self, api, email):
        make_user(email="a@münchen.example")

        assert api("users:read").get(USERS, {"email": email}).json()["results"] == []
        assert Client().post("/dashboard/login/", {"username": email, "password": "x"}).status_code == 200
        assert Client().post("/dashboard/password_reset/", {"email": email}).status_code in (200, 302)
        assert not sent_emails()

    def test_failed_sign_ins_with_other_spellings_lock_the_same_account(self, db):
        make_owner(email="owner@münchen.example", password="a long password")
        spellings = ["owner@münchen.example", "owner@xn--mnchen-3ya.example", "owner@mu\u0308nchen.example"]

        for number in range(15):
            credentials = {"username": spellings[number % 3], "password": "guess"}
            Client().post("/dashboard/login/", credentials, REMOTE_ADDR=f"203.0.113.{number}")
        credentials = {"username": "OWNER@MÜNCHEN.example", "password": "a long password"}
        answer = Client().post("/dashboard/login/", credentials, REMOTE_ADDR="198.51.100.1")

        assert answer.status_code == 429

    def test_erasure_finds_failed_sign_ins_with_other_spellings(self, owner, dashboard_client):

        user = make_user(email="grace@münchen.example")
        for spelling in ("grace@xn--mnchen-3ya.example", "Grace@mu\u0308nchen.example", "GRACE@münchen.example"):
            Client().post("/dashboard/login/", {"username": spelling, "password": "guess"})
        assert AuditEvent.objects.filter(actor__icontains="grace").count() == 3

        erase(user.pk, by=SYSTEM)

        assert not AuditEvent.objects.filter(actor__icontains="grace").exists()


class TestKey:
    @each(
        "first,second",
        [
            *SAME_MAILBOX,
            ("r8@example.com", "r8@example。com"),
            ("İ@example.com", "i\u0307@example.com"),
            ("ΟΔΟΣ@example.com", "οδοσ@example.com"),
            ("οδος@example.com", "ΟΔΟΣ@example.com"),
            ("zoe\u0308@example.com", "ZOË@example.com"),
        ],
    )
    def test_key_is_equal_for_spellings_of_one_mailbox(self, first, second):
        assert email_key(first) == email_key(second)

    @each("first,second", [("straße@example.com", "strasse@example.com"), ("a@straße.example", "a@strasse.example"),
                           ("ı@example.com", "i@example.com"), ("ada@example.com", "ada@example.org")])  # fmt: skip
    def test_key_differs_for_two_mailboxes(self, first, second):
        assert email_key(first) != email_key(second)

    @each("email", ["a@☃.example", "a@xn--a.example", "a@ex_ample.com", "a@[::1]", "a@", "a", f"a@{'x' * 320}.example"])
    def test_check_email_refuses_domains_without_canonical_form(self, email):
        with pytest.raises(ServiceError):
            check_email(email)

    def test_database_refuses_an_email_without_its_key(self, db):

        user = make_user(email="ada@example.com")
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("UPDATE customers_user SET email_key = NULL WHERE id = %s", [user.pk])

    def test_key_follows_every_write_of_the_orm(self, db):
        user = make_user(email="a@example.com")

        def key():
            return User.objects.values_list("email_key", flat=True).get(pk=user.pk)

        user.email = "b@MÜNCHEN.example"
        user.save(update_fields=["email"])
        assert key() == "b@xn--mnchen-3ya.example"
        with pytest.raises(TypeError):
            User.objects.filter(pk=user.pk).update(email="C@example.com")
        user.email = "d@ｅxample.com"
        User.objects.bulk_update([user], ["email"])
        assert key() == "d@example.com"
        user.email = None
        user.save()
        assert key() is None


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_concurrent_creates_with_spellings_of_one_mailbox_make_one_customer(self, api):
        client = api("users:read", "users:write")
        emails = ["a@münchen.example", "a@xn--mnchen-3ya.example", "a@mu\u0308nchen.example", "A@ＭÜNCHEN.example"] * 3

        answers = at_once([lambda email=email: client.post(USERS, {"email": email}) for email in emails])

        assert sorted(answer.status_code for answer in answers) == [201] + [400] * 11
        refused = [answer.json() for answer in answers if answer.status_code == 400]
        assert refused == [{"email": ["A user with this email already exists."]}] * 11
        assert User.objects.exclude(user_type="dashboard").count() == 1

    def test_concurrent_changes_to_spellings_of_one_mailbox_change_one_customer(self, api):
        client = api("users:read", "users:write")
        emails = ["r8@example.com", "r8@ｅxample.com", "r8@exa\u00admple.com", "R8@example。com"]
        users = [make_user() for _ in emails]

        answers = at_once(
            [
                lambda user=user, email=email: client.patch(user_url(user), {"email": email})
                for user, email in zip(users, emails, strict=True)
            ]
        )

        assert sorted(answer.status_code for answer in answers) == [200] + [400] * 3
