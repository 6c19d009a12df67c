"""What is left of a customer who was erased, and what a customer is given who asks for their data."""

import json

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from django.test import Client, TestCase

from customers import services
from customers.core.computed import computed_fields
from customers.groups.services import add_customers, create_group
from customers.jobs.bulk_edits import TYPES
from customers.jobs.exports import services as exports
from customers.jobs.imports import services as imports
from customers.jobs.models import Job
from customers.models import Address, Customer, Event, Tag, User
from customers.orders.models import Order, Subscription
from customers.orders.services import record_order, record_subscription
from customers.privacy.erasure import ERASED_FIELDS, erase
from customers.privacy.personal_data import personal_data
from oauth.accounts.models import Email, FailedAttempts
from oauth.actor import SYSTEM, Actor
from oauth.audit.models import AuditEvent
from oauth.errors import ServiceError
from oauth.scopes import Scope
from tests.support.clients import USERS, addresses_url, notes_url
from tests.support.dashboard import CUSTOMERS, customer_url
from tests.support.database import dump
from tests.support.factories import make_note, make_user
from tests.support.order_documents import full

# Personal data of Zenobia. No other text in the database contains any of it.
PERSONAL = [
    "zenobia", "palmyra", "442079460018", "Colonnade", "Tadmor", "SW1Y 4JH", "198.51.100.7", "Camel/9.0", "odaenathus",
    "aurelian", "Mistral", "Knock twice", "Vaballathus",
    # Of the order and the subscription.
    "Lovelace", "Queen St", "4165550123", "M5V 1Z7", "203.0.113.7", "Macintosh", "den Garten", "The bell is",
    "Arrived a week late", "424242", "tok_5bulbs", "Cj0KCQjw", "6c1f1a", "7023210039414604", "ch_3QAutumn", "visa",
]  # fmt: skip
SIGN_IN = "/dashboard/login/"


@pytest.fixture
def zenobia(api, owner):
    """Everywhere a customer can be."""
    client = api(Scope.USERS_READ, Scope.USERS_WRITE)
    key = {"Idempotency-Key": "create zenobia"}
    body = {
        "email": "former@zenobia.example",
        "first_name": "Zenobia",
        "last_name": "Septimia Palmyra",
        "ip": "198.51.100.7",
        "user_agent": "Camel/9.0",
        "tags": ["odaenathus", "vip"],
        "metadata": {"consul": "aurelian"},
        "addresses": [
            {"line1": "1 Great Colonnade", "line4": "Tadmor", "postcode": "SW1Y 4JH", "country": "GB",
             "phone_number": "020 7946 0018", "notes": "Knock twice."}
        ],
    }  # fmt: skip
    user = User.objects.get(pk=client.post(USERS, body, headers=key).json()["id"])
    client.post(addresses_url(user), body["addresses"][0], headers={"Idempotency-Key": "address"})
    client.post(notes_url(user), {"message": "Rides a Mistral."}, headers={"Idempotency-Key": "note"})
    make_note(user, author=owner, message="Son: Vaballathus")
    services.update_user(user.pk, by=SYSTEM, email="Zenobia@Palmyra.example", first_name="Zenobía")
    address = user.addresses.first()
    services.delete_address(user.pk, address.pk, by=SYSTEM)
    record_order(user_id=user.pk, document=full("order"))
    record_subscription(user_id=user.pk, document=full("subscription"))
    for model, row in ((Customer, user), (Address, address)):
        LogEntry.objects.create(
            user=owner, object_id=str(row.pk), object_repr=str(row), action_flag=CHANGE, change_message=str(row),
            content_type=ContentType.objects.get_for_model(model, for_concrete_model=False),
        )  # fmt: skip
    for email in ("zenobia@palmyra.example", " FORMER@zenobia.example "):
        Client(REMOTE_ADDR="198.51.100.7").post(SIGN_IN, {"username": email, "password": "a guess"})
    make_user(email="bystander@store.example", tags=["vip"])
    return User.objects.get(pk=user.pk)


def by(user) -> Actor:
    return Actor(user_id=user.pk)


@pytest.mark.once
def test_every_field_of_a_customer_is_erased_or_kept_on_purpose():
    kept = {"id", "user_type", "language", "is_blocked", "date_joined", "updated_at", "is_superuser"}
    kept |= {"blocked_at", "blocked_until", "blocked_by", "erased_at"}
    counters = {"orders_count", "subscriptions_count", "total_spent"}
    fields = {field.name for field in User._meta.concrete_fields if not field.generated}
    computed = {field.name for field in computed_fields(User)}  # from fields that are erased

    assert fields - kept - counters - computed == {*ERASED_FIELDS, "password"}


class TestErasing:
    def test_erase_removes_group_memberships(self, zenobia, owner):
        group = create_group(name="VIP")
        add_customers(group.pk, [zenobia.pk], by=by(owner))
        assert personal_data(zenobia.pk, by=by(owner))["groups"] == ["VIP"]

        erase(zenobia.pk, by=by(owner))

        assert not group.customers.exists()
        assert Event.objects.filter(user=zenobia).exclude(changes={}).count() == 0

    def test_erase_removes_the_password(self, zenobia, owner):
        services.update_user(zenobia.pk, by=by(owner), password="a long password")

        erase(zenobia.pk, by=by(owner))

        assert User.objects.get(pk=zenobia.pk).has_account is False

    def test_personal_texts_are_in_the_database_before_erasure(self, zenobia):
        text = dump().lower()

        assert [word for word in PERSONAL if word.lower() not in text] == []

    def test_erase_leaves_nothing_personal_in_any_table(self, zenobia, owner):
        erase(zenobia.pk, by=by(owner))

        lines = dump().splitlines()
        left = {word: [line for line in lines if word.lower() in line.lower()] for word in PERSONAL}
        assert {word: found for word, found in left.items() if found} == {}

    def test_erase_keeps_counters_and_sales(self, zenobia, owner):
        before = Order.objects.get()

        erase(zenobia.pk, by=by(owner))

        user = User.objects.get(pk=zenobia.pk)
        for name in ("orders_count", "total_spent", "subscriptions_count", "user_type", "date_joined"):
            assert getattr(user, name) == getattr(zenobia, name)
        document = Order.objects.get().document
        assert (document["number"], document["total_incl_tax"]) == (before.number, "117.52")
        assert document["lines"][0]["product_title"] == "Tulip mix, 50 bulbs"
        assert document["refunds"][0]["total_refund_amount"] == "24.86"
        assert Subscription.objects.get().document["next_renewal_date"] == "2027-01-03T09:00:00-05:00"

    def test_erased_customer_can_do_nothing(self, zenobia, owner):
        erase(zenobia.pk, by=by(owner))

        user = User.objects.get(pk=zenobia.pk)
        assert (user.email, user.first_name, user.is_active, user.accepts_marketing) == (None, "", False, False)
        assert not user.has_usable_password()
        assert not user.addresses.exists()

    def test_erase_is_in_timeline_and_security_log(self, zenobia, owner):
        erase(zenobia.pk, by=by(owner))

        event = zenobia.events.latest("id")
        assert (event.kind, event.actor, event.changes) == ("erased", owner, {})
        logged = AuditEvent.objects.get(event="customer_erased")
        assert (logged.actor, logged.detail) == (owner.email, {"customer": zenobia.pk})

    def test_erase_removes_the_email_of_failed_sign_ins(self, zenobia, owner):
        erase(zenobia.pk, by=by(owner))

        failed = AuditEvent.objects.filter(event="sign_in_failed")
        assert list(failed.values_list("actor", "ip")) == [("(erased)", None)] * 2
        assert not FailedAttempts.objects.exists()

    def test_erase_leaves_other_customers_alone(self, zenobia, owner):
        erase(zenobia.pk, by=by(owner))

        assert User.objects.get(email="bystander@store.example").tags == ["vip"]
        assert list(Tag.objects.values_list("name", flat=True)) == ["vip"]

    def test_erase_removes_tags_that_the_person_had_earlier(self, zenobia, owner):
        for tags in (["Bat-Zabbai", "vip"], ["Zabdas"], []):
            services.update_user(zenobia.pk, by=by(owner), tags=tags)

        erase(zenobia.pk, by=by(owner))

        assert list(Tag.objects.values_list("name", flat=True)) == ["vip"]

    def test_erase_removes_files_and_searches_of_jobs_that_nobody_started(self, zenobia, owner, files):
        upload = SimpleUploadedFile("people.csv", b"email\nzenobia@palmyra.example\n")
        imports.create(upload, by=owner)
        exports.create({"search": "zenobia"}, by=by(owner))
        TYPES["block"].create({"search": "zenobia"}, by=owner)
        stored = [path for path in files.rglob("*") if path.is_file()]
        assert stored

        with TestCase.captureOnCommitCallbacks(execute=True):
            erase(zenobia.pk, by=by(owner))

        assert not Job.objects.exists()
        assert not any(path.exists() for path in stored)

    def test_erase_removes_emails_that_wait_to_be_sent(self, zenobia, owner):
        Client().post("/dashboard/password_reset/", {"email": zenobia.email})
        assert Email.objects.exists()

        erase(zenobia.pk, by=by(owner))

        assert not Email.objects.exists()

    @pytest.mark.once
    def test_sqlite_overwrites_what_is_deleted(self, db):
        if connection.vendor != "sqlite":
            pytest.skip("PostgreSQL has no such setting.")
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA secure_delete")
            assert cursor.fetchone() == (1,)

    def test_erase_may_be_repeated(self, zenobia, owner):
        erase(zenobia.pk, by=by(owner))

        erase(zenobia.pk, by=by(owner))

        assert zenobia.events.filter(kind="erased").count() == 2

    def test_erase_leaves_orders_that_the_api_can_show(self, zenobia, owner, api):
        erase(zenobia.pk, by=by(owner))

        client = api(*Scope)
        for of in ("orders", "subscriptions"):
            response = client.get(f"{USERS}{zenobia.pk}/{of}/")
            assert response.status_code == 200
            assert len(response.json()) == 1

    def test_erase_is_refused_for_staff(self, owner):
        with pytest.raises(ServiceError):
            erase(owner.pk, by=by(owner))

        assert User.objects.filter(email=owner.email).exists()

    def test_erase_of_unknown_customer_raises(self, owner):
        with pytest.raises(User.DoesNotExist):
            erase(987_654_321, by=by(owner))


class TestTheSecurityLog:
    """Append-only, but for forgetting who it was."""

    @pytest.mark.parametrize(
        "changes",
        [
            {"actor": "somebody else", "ip": None},
            {"actor": "(erased)"},
            {"actor": "(erased)", "ip": None, "event": "x"},
        ],
    )
    def test_security_log_accepts_no_other_change(self, zenobia, changes):
        with pytest.raises(TypeError):
            AuditEvent.objects.update(**changes)

    @pytest.mark.parametrize("change", ["actor = 'x', ip = NULL", "actor = '(erased)', ip = NULL, event = 'x'"])
    def test_security_log_accepts_no_other_change_by_sql(self, zenobia, change):
        if connection.vendor != "postgresql":
            pytest.skip("SQLite has no such trigger.")

        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE audit_auditevent SET {change}")


class TestPersonalData:
    def test_personal_data_has_everything_that_erase_removes(self, zenobia, owner):
        document = json.dumps(personal_data(zenobia.pk, by=by(owner)), default=str, ensure_ascii=False).lower()

        assert [word for word in PERSONAL if word.lower() not in document] == []

    def test_personal_data_has_no_secret(self, zenobia, owner):
        document = personal_data(zenobia.pk, by=by(owner))

        assert zenobia.password not in json.dumps(document["person"], default=str).split('"')

    def test_personal_data_download_is_in_the_timeline(self, zenobia, owner):
        personal_data(zenobia.pk, by=by(owner))

        assert Event.objects.filter(user=zenobia, kind="exported", actor=owner).exists()

    def test_personal_data_of_staff_is_refused(self, owner):
        with pytest.raises(User.DoesNotExist):
            personal_data(owner.pk, by=by(owner))


class TestInTheDashboard:
    @pytest.fixture(autouse=True)
    def another_owner(self, owner):
        owner.email = "olive@store.example"
        owner.save()

    @pytest.mark.parametrize("role", ["Owner", "Staff"])
    def test_dashboard_downloads_personal_data(self, zenobia, as_role, role):
        response = as_role(role).get(f"{CUSTOMERS}{zenobia.pk}/personal-data/")

        assert response.status_code == 200
        assert response.headers["Content-Disposition"] == f'attachment; filename="customer-{zenobia.pk}.json"'
        assert "no-store" in response.headers["Cache-Control"]
        assert response.json()["person"]["email"] == zenobia.email

    @pytest.mark.parametrize("typed", ["erase", " Zenobia@palmyra.example "])
    def test_owner_erases_a_customer(self, zenobia, as_role, typed):
        browser = as_role("Owner")

        response = browser.post(f"{CUSTOMERS}{zenobia.pk}/erase/", {"confirmation": typed})

        assert response.headers["Location"] == customer_url(zenobia)
        assert browser.get(customer_url(zenobia)).status_code == 200
        assert User.objects.get(pk=zenobia.pk).email is None

    @pytest.mark.parametrize("typed", ["", "yes", "owner@store.example"])
    def test_erase_needs_a_typed_confirmation(self, zenobia, as_role, typed):
        response = as_role("Owner").post(f"{CUSTOMERS}{zenobia.pk}/erase/", {"confirmation": typed})

        assert response.status_code == 200
        assert "errorlist" in response.content.decode()
        assert User.objects.get(pk=zenobia.pk).email == zenobia.email

    def test_erase_asks_first(self, zenobia, as_role):
        response = as_role("Owner").get(f"{CUSTOMERS}{zenobia.pk}/erase/")

        assert "This can’t be undone" in response.content.decode()
        assert User.objects.get(pk=zenobia.pk).email == zenobia.email

    @pytest.mark.parametrize(("role", "page"), [("Viewer", "personal-data"), ("Viewer", "erase"), ("Staff", "erase")])
    def test_other_roles_may_not_erase(self, zenobia, as_role, role, page):
        browser = as_role(role)

        responses = [browser.get(f"{CUSTOMERS}{zenobia.pk}/{page}/"), browser.post(f"{CUSTOMERS}{zenobia.pk}/{page}/")]

        assert [response.status_code for response in responses] == [403, 403]
        assert User.objects.get(pk=zenobia.pk).email == zenobia.email

    @pytest.mark.parametrize("page", ["personal-data", "erase"])
    def test_staff_have_no_erase_page(self, owner, as_role, page):
        response = as_role("Owner").get(f"{CUSTOMERS}{owner.pk}/{page}/")

        assert response.status_code == 404
