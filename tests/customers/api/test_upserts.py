"""Create or update in one request: by email, by phone number, and many at once."""

from urllib.parse import quote

import pytest
from django.db import connection

from customers.models import Event, Tag, User
from oauth.scopes import Scope
from tests.support.cases import each
from tests.support.clients import USERS, user_url
from tests.support.concurrency import at_once
from tests.support.factories import address, make_owner, make_user

BULK = f"{USERS}bulk/"


def by_email(email: str) -> str:
    return f"{USERS}by-email/{quote(email, safe='')}/"


def by_phone(number: str) -> str:
    return f"{USERS}by-phone/{quote(number, safe='')}/"


class TestByEmail:
    def test_upsert_by_email_creates_a_customer_as_a_post_does(self, admin_client):
        body = {"first_name": "Ada", "tags": ["vip"], "addresses": [address()]}

        response = admin_client.put(by_email("ada@lovelace.example"), body)

        assert response.status_code == 201
        assert response.json() == admin_client.get(user_url(response.json()["id"])).json()
        assert response.json()["email"] == "ada@lovelace.example"
        assert len(response.json()["addresses"]) == 1

    def test_upsert_by_email_updates_the_customer_of_the_mailbox(self, admin_client, ada):
        response = admin_client.put(by_email("ADA@Lovelace.example"), {"first_name": "Augusta", "addresses": []})

        assert response.status_code == 200
        assert response.json()["id"] == ada.pk
        assert response.json()["first_name"] == "Augusta"
        assert response.json()["last_name"] == "Lovelace"
        assert response.json()["email"] == "ada@lovelace.example"
        assert len(response.json()["addresses"]) == 1

    def test_upsert_by_email_takes_another_spelling_of_the_mailbox(self, admin_client, ada):
        response = admin_client.put(by_email("ada@lovelace.example"), {"email": "Ada@Lovelace.example"})

        assert (response.status_code, response.json()["email"]) == (200, "Ada@Lovelace.example")

    @each("email", ["a/b@example.com", "a+b@example.com", "o'neil@example.com", "a?b@example.com"])
    def test_upsert_by_email_finds_mailboxes_with_unusual_characters(self, admin_client, email):
        first = admin_client.put(by_email(email), {})
        again = admin_client.put(by_email(email), {})

        assert (first.status_code, again.status_code) == (201, 200)
        assert first.json()["email"] == email

    @each(
        "email, body, field",
        [
            ("no email", {}, "email"),
            ("a b@example.com", {}, "email"),
            ("a\0b@example.com", {}, "email"),
            ("ada@lovelace.example", {"email": "grace@hopper.example"}, "email"),
            ("ada@lovelace.example", {"phone_number": "12"}, "phone_number"),
            ("ada@lovelace.example", {"metadata": []}, "metadata"),
        ],
    )
    def test_upsert_by_email_rejects_bad_input_and_writes_nothing(self, admin_client, email, body, field):
        response = admin_client.put(by_email(email), body)

        assert response.status_code == 400
        assert list(response.json()) == [field]
        assert not User.objects.filter(user_type="lead").exists()

    def test_upsert_by_email_with_if_none_match_only_creates(self, admin_client):
        first = admin_client.put(by_email("ada@lovelace.example"), {}, headers={"If-None-Match": "*"})
        second = admin_client.put(by_email("Ada@lovelace.example"), {"tags": ["x"]}, headers={"If-None-Match": "*"})

        assert (first.status_code, second.status_code) == (201, 412)
        assert User.objects.get(pk=first.json()["id"]).tags == []

    def test_upsert_by_email_with_if_match_fails_after_a_change_of_somebody_else(self, admin_client, ada):
        etag = admin_client.get(user_url(ada)).headers["ETag"]

        first = admin_client.put(by_email(ada.email), {"first_name": "A"}, headers={"If-Match": etag})
        second = admin_client.put(by_email(ada.email), {"first_name": "B"}, headers={"If-Match": etag})

        assert (first.status_code, second.status_code) == (200, 412)
        assert User.objects.get(pk=ada.pk).first_name == "A"

    @each("url", [by_email("ada@lovelace.example"), by_phone("+442079460958")])
    def test_upsert_with_if_match_creates_nobody(self, admin_client, url):
        response = admin_client.put(url, {"email": "ada@lovelace.example"}, headers={"If-Match": "*"})

        assert response.status_code == 412
        assert not User.objects.filter(user_type="lead").exists()

    def test_upsert_by_email_needs_the_write_scope(self, api):
        assert api(Scope.USERS_READ).put(by_email("ada@lovelace.example"), {}).status_code == 403

    def test_upsert_by_email_leaves_staff_alone(self, admin_client):
        staff = make_owner(email="staff@store.example")

        response = admin_client.put(by_email(staff.email), {"first_name": "Eve"})

        assert response.status_code == 403
        assert User.objects.get(pk=staff.pk).first_name == staff.first_name


class TestByPhone:
    def test_upsert_by_phone_creates_and_then_updates(self, admin_client):
        body = {"email": "ada@lovelace.example", "first_name": "Ada"}

        first = admin_client.put(by_phone("+442079460958"), body)
        second = admin_client.put(by_phone("+44 20 7946 0958"), {"last_name": "Lovelace"})

        assert (first.status_code, second.status_code) == (201, 200)
        assert second.json()["id"] == first.json()["id"]
        assert second.json()["phone_number"] == "+442079460958"
        assert (second.json()["first_name"], second.json()["last_name"]) == ("Ada", "Lovelace")

    @each(
        "number, body, field",
        [
            ("12", {"email": "ada@lovelace.example"}, "phone_number"),
            ("+442079460958", {}, "email"),
            ("+442079460958", {"email": "a@b.example", "phone_number": None}, "phone_number"),
            ("+442079460958", {"email": "a@b.example", "phone_number": "+442079460959"}, "phone_number"),
        ],
    )
    def test_upsert_by_phone_rejects_bad_input_and_writes_nothing(self, admin_client, number, body, field):
        response = admin_client.put(by_phone(number), body)

        assert response.status_code == 400
        assert list(response.json()) == [field]
        assert not User.objects.filter(user_type="lead").exists()

    def test_upsert_by_phone_changes_nobody_where_several_customers_have_the_number(self, admin_client):
        customers = [make_user(phone_number="+442079460958") for _ in range(3)]

        response = admin_client.put(by_phone("+442079460958"), {"first_name": "Ada"})

        assert response.status_code == 409
        assert str(customers[0].pk) in response.json()["detail"]
        assert not User.objects.filter(first_name="Ada").exists()

    def test_upsert_by_phone_with_if_none_match_only_creates(self, admin_client):
        make_user(phone_number="+442079460958")

        response = admin_client.put(by_phone("+442079460958"), {"first_name": "A"}, headers={"If-None-Match": "*"})

        assert response.status_code == 412
        assert not User.objects.filter(first_name="A").exists()


class TestBulk:
    def test_bulk_upsert_creates_and_updates_and_answers_in_order(self, admin_client, ada):
        users = [
            {
                "email": "grace@hopper.example", "tags": ["navy"], "ip": " ",
                "addresses": [address(), address(country="FR")],
            },
            {"email": "ADA@lovelace.example", "tags": ["vip"]},
            {"email": "alan@turing.example", "phone_number": "+442079460958"},
        ]  # fmt: skip

        response = admin_client.post(BULK, {"users": users})

        assert response.status_code == 200
        results = response.json()["results"]
        assert [(each["status"], each["errors"]) for each in results] == [(201, None), (200, None), (201, None)]
        assert results[1]["id"] == ada.pk
        grace = admin_client.get(user_url(results[0]["id"])).json()
        assert (grace["email"], grace["tags"], grace["ip"]) == ("grace@hopper.example", ["navy"], None)
        assert len(grace["addresses"]) == 2
        assert admin_client.get(user_url(ada)).json()["tags"] == ["vip"]
        assert set(Tag.objects.values_list("name", flat=True)) >= {"navy", "vip"}

    def test_bulk_upsert_refuses_some_and_writes_the_others(self, admin_client, ada):
        staff = make_owner(email="staff@store.example")
        users = [
            {"email": "grace@hopper.example"},
            {"email": "nobody"},
            {"first_name": "No email"},
            {"email": "alan@turing.example", "addresses": [address(country="XX")]},
            {"email": "Grace@hopper.example"},
            {"email": ada.email, "phone_number": "12"},
            {"email": staff.email, "first_name": "Eve"},
            "text",
            None,
        ]

        results = admin_client.post(BULK, {"users": users}).json()["results"]

        assert [each["status"] for each in results] == [201, 400, 400, 400, 400, 400, 403, 400, 400]
        assert [list(each["errors"]) for each in results[1:]] == [
            ["email"], ["email"], ["addresses"], ["email"], ["phone_number"], ["detail"], ["non_field_errors"],
            ["non_field_errors"],
        ]  # fmt: skip
        assert User.objects.filter(user_type="lead").count() == 2

    def test_bulk_upsert_sent_again_changes_nothing(self, admin_client):
        users = [{"email": f"customer{n}@example.com", "tags": ["x"], "metadata": {"n": n}} for n in range(50)]
        first = admin_client.post(BULK, {"users": users}).json()["results"]
        before = list(User.objects.order_by("pk").values()), Event.objects.count()

        again = admin_client.post(BULK, {"users": users}).json()["results"]

        assert {each["status"] for each in first} == {201}
        assert {each["status"] for each in again} == {200}
        assert [each["id"] for each in again] == [each["id"] for each in first]
        assert (list(User.objects.order_by("pk").values()), Event.objects.count()) == before

    def test_bulk_upsert_accepts_a_thousand_customers_and_not_more(self, admin_client, django_assert_max_num_queries):
        users = [{"email": f"customer{n}@example.com"} for n in range(1001)]

        refused = admin_client.post(BULK, {"users": users})
        with django_assert_max_num_queries(50):
            accepted = admin_client.post(BULK, {"users": users[:1000]})

        assert (refused.status_code, list(refused.json())) == (400, ["users"])
        assert {each["status"] for each in accepted.json()["results"]} == {201}
        assert User.objects.filter(user_type="lead").count() == 1000

    @each("body", [{}, {"users": {}}, {"users": "x"}, [], {"users": None}])
    def test_bulk_upsert_rejects_another_body(self, admin_client, body):
        response = admin_client.post(BULK, body)

        assert (response.status_code, list(response.json())) == (400, ["users"])

    def test_bulk_upsert_repeats_the_answer_of_an_idempotency_key(self, admin_client):
        body, headers = {"users": [{"email": "ada@lovelace.example"}]}, {"Idempotency-Key": "1"}

        first, second = (admin_client.post(BULK, body, headers=headers) for _ in range(2))

        assert first.json() == second.json()
        assert second.headers["Idempotency-Replayed"] == "true"


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_concurrent_upserts_of_one_email_make_one_customer(self, admin_client):
        emails = ["ada@example.com", "Ada@Example.com"] * 8

        responses = at_once([lambda email=email: admin_client.put(by_email(email), {}) for email in emails])

        assert sorted(response.status_code for response in responses) == [200] * 15 + [201]
        assert User.objects.filter(user_type="lead").count() == 1

    def test_concurrent_upserts_of_one_phone_number_make_one_customer(self, admin_client):
        bodies = [{"email": f"ada{n}@example.com"} for n in range(12)]

        responses = at_once([lambda body=body: admin_client.put(by_phone("+442079460958"), body) for body in bodies])

        assert sorted(response.status_code for response in responses) == [200] * 11 + [201]
        assert User.objects.filter(user_type="lead").count() == 1

    @pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite runs one writer at a time")
    def test_concurrent_bulk_upserts_of_the_same_customers_make_each_once(self, admin_client):
        users = [{"email": f"customer{n}@example.com", "tags": [f"t{n % 7}"]} for n in range(60)]
        bodies = [{"users": users if n % 2 else users[::-1]} for n in range(8)]

        responses = at_once([lambda body=body: admin_client.post(BULK, body) for body in bodies])

        results = [each["status"] for response in responses for each in response.json()["results"]]
        assert sorted(results) == [200] * 420 + [201] * 60
        assert User.objects.filter(user_type="lead").count() == 60
