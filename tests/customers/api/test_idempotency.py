from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from customers.core import idempotency
from customers.models import Address, IdempotentAnswer, Note, User
from oauth.scopes import Scope
from tests.support.clients import USERS, addresses_url, notes_url
from tests.support.concurrency import at_once
from tests.support.factories import address, make_user

KEY = {"Idempotency-Key": "8e03978e-40d5-43e8-bc93-6894a57f9324"}
ADA = {"email": "ada@example.com", "tags": ["vip"], "metadata": {"b": 1, "a": [1.5, None]}, "addresses": [address()]}


class TestIdempotencyKey:
    def test_makes_one_customer_of_two_requests_and_repeats_the_answer(self, admin_client):
        first = admin_client.post(USERS, ADA, headers=KEY)
        again = admin_client.post(USERS, ADA, headers=KEY)

        assert (first.status_code, again.status_code) == (201, 201)
        assert again.content == first.content
        assert again.headers["Content-Type"] == "application/json"
        assert "Idempotency-Replayed" not in first.headers
        assert again.headers["Idempotency-Replayed"] == "true"
        assert User.objects.filter(email="ada@example.com").count() == 1

    def test_changes_nothing_about_the_first_answer(self, admin_client):
        with_key = admin_client.post(USERS, ADA, headers=KEY)
        without = admin_client.post(USERS, {**ADA, "email": "bob@example.com"})

        assert with_key.status_code == without.status_code
        assert list(with_key.json()) == list(without.json())
        assert with_key.headers["X-29next-API-Version"] == without.headers["X-29next-API-Version"]
        assert with_key.headers["Content-Type"] == without.headers["Content-Type"]

    def test_does_not_follow_what_happened_since(self, admin_client):
        first = admin_client.post(USERS, ADA, headers=KEY)
        User.objects.filter(email="ada@example.com").delete()

        assert admin_client.post(USERS, ADA, headers=KEY).content == first.content
        assert not User.objects.filter(email="ada@example.com").exists()

    def test_holds_for_addresses_and_notes(self, admin_client, ada):
        for url, body, status in ((addresses_url(ada), address(), 201), (notes_url(ada), {"message": "Called."}, 200)):
            headers = {"Idempotency-Key": url}

            first, again = admin_client.post(url, body, headers=headers), admin_client.post(url, body, headers=headers)

            assert (first.status_code, again.status_code) == (status, status)
            assert first.content == again.content
        assert Address.objects.count() == 2
        assert Note.objects.count() == 1

    def test_on_another_body_is_422(self, admin_client):
        admin_client.post(USERS, ADA, headers=KEY)

        response = admin_client.post(USERS, {**ADA, "email": "bob@example.com"}, headers=KEY)

        assert response.status_code == 422
        assert "detail" in response.json()
        assert not User.objects.filter(email="bob@example.com").exists()

    def test_on_another_path_is_422(self, admin_client, ada):
        admin_client.post(notes_url(ada), {"message": "x"}, headers=KEY)

        assert admin_client.post(notes_url(make_user()), {"message": "x"}, headers=KEY).status_code == 422

    @pytest.mark.parametrize("body", ["{", "{}", '{"email": "taken@example.com"}', '{"email": "x"}'])
    def test_of_a_failed_first_attempt_is_free_again(self, admin_client, body):
        make_user(email="taken@example.com")
        refused = admin_client.post(USERS, body, headers=KEY)

        response = admin_client.post(USERS, ADA, headers=KEY)

        assert (refused.status_code, response.status_code) == (400, 201)

    def test_of_an_attempt_on_somebody_unknown_is_free_again(self, admin_client, ada):
        assert admin_client.post(notes_url(987_654_321), {"message": "x"}, headers=KEY).status_code == 404
        assert admin_client.post(notes_url(ada), {"message": "x"}, headers=KEY).status_code == 200

    def test_of_another_app_is_another_key(self, api, admin_client):
        first = admin_client.post(USERS, ADA, headers=KEY)
        other = api(Scope.USERS_WRITE).post(USERS, {**ADA, "email": "bob@example.com"}, headers=KEY)

        assert other.status_code == 201
        assert other.json()["id"] != first.json()["id"]

    def test_is_forgotten_after_its_hours(self, admin_client, settings):
        settings.IDEMPOTENCY_HOURS = 2
        admin_client.post(USERS, ADA, headers=KEY)

        def post_after(age):
            IdempotentAnswer.objects.update(created_at=timezone.now() - age)
            return admin_client.post(USERS, {**ADA, "email": "bob@example.com"}, headers=KEY).status_code

        assert post_after(timedelta(hours=1, minutes=59)) == 422
        assert post_after(timedelta(hours=2, minutes=1)) == 201

    def test_is_deleted_after_its_hours(self, admin_client, settings):
        settings.IDEMPOTENCY_HOURS = 2
        admin_client.post(USERS, ADA, headers=KEY)
        admin_client.post(USERS, {"email": "bob@example.com"}, headers={"Idempotency-Key": "young"})
        IdempotentAnswer.objects.exclude(key="young").update(created_at=timezone.now() - timedelta(hours=3))

        assert idempotency.forget_expired() == 1
        assert [answer.key for answer in IdempotentAnswer.objects.all()] == ["young"]

    @pytest.mark.parametrize(("length", "status"), [(1, 201), (255, 201), (256, 400), (0, 400)])
    def test_has_1_to_255_characters(self, admin_client, length, status):
        assert admin_client.post(USERS, ADA, headers={"Idempotency-Key": "k" * length}).status_code == status

    @pytest.mark.parametrize(
        "value",
        ['"\\ud800"', "1" + "0" * 400, "[" * 400 + "]" * 400, "1e400", '{"\\udfff": 1}'],
        ids=["surrogate", "number", "deep", "infinite", "name"],
    )
    def test_takes_any_json_that_is_otherwise_ignored(self, admin_client, value):
        body = f'{{"email": "ada@example.com", "unknown": {value}}}'

        assert admin_client.post(USERS, body, headers=KEY).status_code == 201
        assert admin_client.post(USERS, body, headers=KEY).headers["Idempotency-Replayed"] == "true"

    def test_holds_for_forms_with_files(self, admin_client):
        def post():
            return admin_client.post_multipart(
                USERS, {"email": "ada@example.com", "photo": SimpleUploadedFile("a.png", b"x")}, headers=KEY
            )

        assert post().content == post().content

    def test_needs_a_token(self, anonymous):
        assert anonymous.post(USERS, ADA, headers=KEY).status_code == 401
        assert not IdempotentAnswer.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestManyAtOnce:
    @pytest.mark.parametrize("path", ["users", "notes", "addresses"])
    def test_with_the_same_key_make_one_and_get_equal_answers(self, admin_client, path):
        user = make_user()
        url, body = {
            "users": (USERS, ADA),
            "notes": (notes_url(user), {"message": "x"}),
            "addresses": (addresses_url(user), address()),
        }[path]

        responses = at_once([lambda: admin_client.post(url, body, headers=KEY)] * 8)

        assert {response.status_code for response in responses} <= {200, 201}
        assert len({response.content for response in responses}) == 1
        assert sum("Idempotency-Replayed" not in response.headers for response in responses) == 1
        made = {
            "users": User.objects.filter(email="ada@example.com"),
            "notes": Note.objects,
            "addresses": Address.objects,
        }[path]
        assert made.count() == 1

    def test_with_another_body_each_make_one_and_the_others_are_told(self, admin_client):
        bodies = [{"email": f"{number}@example.com"} for number in range(8)]

        responses = at_once([lambda body=body: admin_client.post(USERS, body, headers=KEY) for body in bodies])

        assert sorted(response.status_code for response in responses) == [201] + [422] * 7
        assert User.objects.filter(user_type="lead").count() == 1
