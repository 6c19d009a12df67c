"""POST /admin/customers."""

import pytest
from django.test.utils import override_settings

from config import settings as configured
from customers.models import Event, User, UserType
from tests.support.clients import USERS
from tests.support.database import by_database
from tests.support.factories import make_user
from tests.support.medusa import CUSTOMERS, NEW, PASSWORD, id_of, invalid, url_of

DUPLICATE = {"code": "invalid_request_error", "type": "duplicate_error"}


class TestCreateCustomer:
    def test_create_requires_authentication(self, anonymous):
        response = anonymous.post(CUSTOMERS, NEW)

        assert (response.status_code, response.content) == (401, b"Unauthorized")
        assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert not User.objects.exists()

    def test_create_needs_the_write_scope(self, reader):
        response = reader.post(CUSTOMERS, NEW)

        assert response.status_code == 403
        assert response.json() == {"type": "not_allowed", "message": "This needs a token with the scope users:write."}
        assert not User.objects.filter(email=NEW["email"]).exists()

    def test_create_returns_the_new_customer_without_relations(self, medusa_client):
        response = medusa_client.post(CUSTOMERS, {**NEW, "phone": "+44 20 7946 0018", "metadata": {"a": [1]}})

        user = User.objects.get(email=NEW["email"])
        moment = f"{user.date_joined.isoformat(timespec='milliseconds')[:-6]}Z"
        assert response.status_code == 201
        assert response.headers["Content-Type"] == "application/json; charset=utf-8"
        assert list(response.json()["customer"].items()) == [
            ("id", id_of(user)),
            ("created_at", moment),
            ("updated_at", f"{user.updated_at.isoformat(timespec='milliseconds')[:-6]}Z"),
            ("deleted_at", None),
            ("email", "grace@example.com"),
            ("first_name", "Grace"),
            ("last_name", "Hopper"),
            ("billing_address_id", None),
            ("phone", "+442079460018"),
            ("has_account", False),
            ("metadata", {"a": [1]}),
        ]

    def test_create_returns_what_retrieve_returns(self, medusa_client):
        created = medusa_client.post(CUSTOMERS, {**NEW, "metadata": {"bb": 1, "a": {"d": 1, "c": 2}}}).json()[
            "customer"
        ]

        retrieved = medusa_client.get(url_of(created["id"])).json()["customer"]
        assert {name: retrieved[name] for name in created} == created

    def test_create_takes_few_queries(self, medusa_client, django_assert_num_queries):
        # PostgreSQL: token, all of it in one statement. SQLite: token, transaction, savepoint, person, event,
        # webhooks.
        with django_assert_num_queries(by_database(postgresql=2, sqlite=7)):
            medusa_client.post(CUSTOMERS, NEW)

    def test_create_makes_a_lead_with_a_timeline_event(self, medusa_client, owner):
        medusa_client.post(CUSTOMERS, NEW)

        user = User.objects.get(email=NEW["email"])
        assert user.user_type == UserType.LEAD
        assert list(user.events.values_list("kind", "actor", "app__name")) == [
            (Event.Kind.CREATED, owner.pk, Event.objects.get().app.name)
        ]

    def test_create_accepts_empty_names(self, medusa_client):
        response = medusa_client.post(CUSTOMERS, {**NEW, "first_name": "", "last_name": "", "phone": ""})

        row = response.json()["customer"]
        assert (row["first_name"], row["last_name"], row["phone"]) == ("", "", "")

    def test_create_accepts_null_for_optional_fields(self, medusa_client):
        row = medusa_client.post(CUSTOMERS, {**NEW, "phone": None, "metadata": None}).json()["customer"]

        assert (row["phone"], row["metadata"]) == (None, None)

    def test_create_stores_the_email_in_lower_case(self, medusa_client):
        row = medusa_client.post(CUSTOMERS, {**NEW, "email": "Grace@Example.COM"}).json()["customer"]

        assert row["email"] == "grace@example.com"

    def test_create_removes_emoji_from_names(self, medusa_client):
        row = medusa_client.post(CUSTOMERS, {**NEW, "first_name": " Gr\u0061ce  👋 B. "}).json()["customer"]

        assert row["first_name"] == "Grace B."

    def test_create_ignores_the_query_string(self, medusa_client):
        assert medusa_client.post(f"{CUSTOMERS}?foo=bar", NEW).status_code == 201

    @pytest.mark.parametrize("path", [CUSTOMERS, f"{CUSTOMERS}/"])
    def test_create_path_works_with_and_without_slash(self, medusa_client, path):
        assert medusa_client.post(path, NEW).status_code == 201


class TestRefusedBodies:
    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ({}, "email must be an email, first_name must be a string, last_name must be a string, "
                 "password must be a string"),
            ({"email": "x", "first_name": 1, "last_name": "", "password": ""},
             "email must be an email, first_name must be a string"),
            ({**NEW, "foo": 1, "bar": None}, "property foo should not exist, property bar should not exist"),
            ({**NEW, "email": "x", "foo": 1}, "property foo should not exist, email must be an email"),
            ({**NEW, "email": " grace@example.com"}, "email must be an email"),
            ({**NEW, "email": "grace@example.com "}, "email must be an email"),
            ({**NEW, "email": None}, "email must be an email"),
            ({**NEW, "email": ["grace@example.com"]}, "email must be an email"),
            ({**NEW, "first_name": None}, "first_name must be a string"),
            ({**NEW, "password": None}, "password must be a string"),
            ({**NEW, "password": 12345678}, "password must be a string"),
            ({**NEW, "phone": 12}, "phone must be a string"),
            ({**NEW, "metadata": []}, "metadata must be an object"),
            ({**NEW, "metadata": "x"}, "metadata must be an object"),
            ({**NEW, "has_account": True}, "property has_account should not exist"),
            ({**NEW, "groups": []}, "property groups should not exist"),
            ({**NEW, "last_name": "x" * 256}, "last_name must be shorter than or equal to 255 characters"),
            ({**NEW, "phone": "12"}, "phone: Enter the phone number with its country code, as in +12015550123."),
            ({**NEW, "email": f"{'x' * 64}@{'y.' * 150}com"}, "email must be an email"),
        ],
    )  # fmt: skip
    def test_create_rejects_invalid_bodies_with_medusas_messages(self, medusa_client, body, message):
        response = medusa_client.post(CUSTOMERS, body)

        assert response.status_code == 400
        assert response.json() == invalid(message)

    @pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"null", b"1", b"\xff", b'{"a": NaN}', b"{}{}"])
    def test_create_rejects_bodies_that_are_not_objects(self, medusa_client, body):
        response = medusa_client.generic("POST", CUSTOMERS, body, "application/json")

        assert response.status_code == 400
        assert response.json()["type"] == "invalid_data"

    def test_create_rejects_forms(self, medusa_client):
        response = medusa_client.post_form(CUSTOMERS, NEW)

        assert response.status_code == 400
        assert response.json() == invalid("The body must be JSON, with the Content-Type application/json.")

    def test_create_rejects_large_bodies(self, medusa_client, settings):
        settings.MAX_BODY_BYTES = 100

        response = medusa_client.post(CUSTOMERS, {**NEW, "first_name": "x" * 100})

        assert (response.status_code, response.json()["type"]) == (413, "invalid_data")

    def test_create_rejects_bodies_without_length(self, medusa_client):
        response = medusa_client.post(CUSTOMERS, NEW, headers={"Transfer-Encoding": "chunked"}, CONTENT_LENGTH="")

        assert (response.status_code, response.json()["type"]) == (411, "invalid_data")


class TestTakenEmails:
    def test_create_rejects_email_of_a_guest(self, medusa_client, ada):
        response = medusa_client.post(CUSTOMERS, {**NEW, "email": "ADA@lovelace.example"})

        assert response.status_code == 422
        assert response.json() == {**DUPLICATE, "message": "Guest customer with email already exists"}

    @pytest.mark.parametrize("password", ["", "x"])
    def test_create_rejects_email_of_an_account(self, medusa_client, account, password):
        response = medusa_client.post(CUSTOMERS, {**NEW, "email": account.email, "password": password})

        message = "A customer with the given email already has an account. Log in instead"
        assert (response.status_code, response.json()) == (422, {**DUPLICATE, "message": message})

    def test_create_rejects_email_of_staff(self, medusa_client, owner):
        response = medusa_client.post(CUSTOMERS, {**NEW, "email": owner.email})

        assert (response.status_code, response.json()["type"]) == (422, "duplicate_error")

    def test_create_with_taken_email_writes_nothing(self, medusa_client, ada):
        medusa_client.post(CUSTOMERS, {**NEW, "email": ada.email, "metadata": {"a": 1}})

        assert User.objects.get(email=ada.email).metadata is None
        assert Event.objects.count() == 1


class TestPasswords:
    def test_create_with_password_makes_an_account(self, medusa_client):
        response = medusa_client.post(CUSTOMERS, {**NEW, "password": PASSWORD})

        assert response.json()["customer"]["has_account"] is True
        assert User.objects.get(email=NEW["email"]).check_password(PASSWORD)

    def test_create_with_empty_password_makes_a_guest(self, medusa_client):
        medusa_client.post(CUSTOMERS, NEW)

        user = User.objects.get(email=NEW["email"])
        assert not user.has_usable_password()
        assert not user.check_password("")

    def test_password_is_hashed_by_argon2(self, medusa_client):
        with override_settings(PASSWORD_HASHERS=configured.PASSWORD_HASHERS):
            medusa_client.post(CUSTOMERS, {**NEW, "password": PASSWORD})

        assert User.objects.get(email=NEW["email"]).password.startswith("argon2$argon2id$")

    def test_password_is_never_returned(self, medusa_client):
        created = medusa_client.post(CUSTOMERS, {**NEW, "password": PASSWORD})
        customer = User.objects.get(email=NEW["email"])

        for response in (
            created,
            medusa_client.get(url_of(customer)),
            medusa_client.get(CUSTOMERS),
            medusa_client.get(USERS),
        ):
            assert PASSWORD not in response.content.decode()
            assert customer.password not in response.content.decode()

    def test_customer_password_does_not_open_the_dashboard(self, medusa_client, anonymous, account):
        response = anonymous.post_form("/dashboard/login/", {"username": account.email, "password": PASSWORD})

        assert response.status_code == 200
        assert "sessionid" not in response.cookies
        assert anonymous.get("/dashboard/").status_code == 302
        assert not account.is_staff


class TestManyEmailsAtOnce:
    def test_concurrent_creates_with_one_email_ignoring_case_make_one_customer(self, medusa_client):
        make_user(email="Grace@Example.com")

        assert medusa_client.post(CUSTOMERS, NEW).status_code == 422
