from datetime import timedelta
from io import StringIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.utils import timezone

from customers.models import Address, IdempotentAnswer, Note, User
from oauth.scopes import Scope
from tests.support.clients import USERS, addresses_url, notes_url
from tests.support.concurrency import at_once
from tests.support.factories import address, make_user

KEY = {"Idempotency-Key": "8e03978e-40d5-43e8-bc93-6894a57f9324"}
ADA = {"email": "ada@example.com", "tags": ["vip"], "metadata": {"b": 1, "a": [1.5, None]}, "addresses": [address()]}


class TestIdempotencyKey:
    def test_idempotency_key_repeats_the_answer_and_makes_one_customer(self, admin_client):
        first = admin_client.post(USERS, ADA, headers=KEY)
        again = admin_client.post(USERS, ADA, headers=KEY)

        assert (first.status_code, again.status_code) == (201, 201)
        assert again.content == first.content
        assert again.headers["Content-Type"] == "application/json"
        assert "Idempotency-Replayed" not in first.headers
        assert again.headers["Idempotency-Replayed"] == "true"
        assert User.objects.filter(email="ada@example.com").count() == 1

    def test_first_answer_with_idempotency_key_is_the_usual_answer(self, admin_client):
        with_key = admin_client.post(USERS, ADA, headers=KEY)
        without = admin_client.post(USERS, {**ADA, "email": "bob@example.com"})

        assert with_key.status_code == without.status_code
        assert list(with_key.json()) == list(without.json())
        assert with_key.headers["X-29next-API-Version"] == without.headers["X-29next-API-Version"]
        assert with_key.headers["Content-Type"] == without.headers["Content-Type"]

    def test_idempotency_key_repeats_the_first_answer_after_later_changes(self, admin_client):
        first = admin_client.post(USERS, ADA, headers=KEY)
        User.objects.filter(email="ada@example.com").delete()

        assert admin_client.post(USERS, ADA, headers=KEY).content == first.content
        assert not User.objects.filter(email="ada@example.com").exists()

    def test_idempotency_key_applies_to_addresses_and_notes(self, admin_client, ada):
        for url, body, status in ((addresses_url(ada), address(), 201), (notes_url(ada), {"message": "Called."}, 200)):
            headers = {"Idempotency-Key": url}

            first, again = admin_client.post(url, body, headers=headers), admin_client.post(url, body, headers=headers)

            assert (first.status_code, again.status_code) == (status, status)
            assert first.content == again.content
        assert Address.objects.count() == 2
        assert Note.objects.count() == 1

    def test_idempotency_key_with_another_body_is_422(self, admin_client):
        admin_client.post(USERS, ADA, headers=KEY)

        response = admin_client.post(USERS, {**ADA, "email": "bob@example.com"}, headers=KEY)

        assert response.status_code == 422
        assert "detail" in response.json()
        assert not User.objects.filter(email="bob@example.com").exists()

    def test_idempotency_key_with_another_path_is_422(self, admin_client, ada):
        admin_client.post(notes_url(ada), {"message": "x"}, headers=KEY)

        assert admin_client.post(notes_url(make_user()), {"message": "x"}, headers=KEY).status_code == 422

    @pytest.mark.parametrize("body", ["{", "{}", '{"email": "taken@example.com"}', '{"email": "x"}'])
    def test_idempotency_key_of_a_failed_request_can_be_used_again(self, admin_client, body):
        make_user(email="taken@example.com")
        refused = admin_client.post(USERS, body, headers=KEY)

        response = admin_client.post(USERS, ADA, headers=KEY)

        assert (refused.status_code, response.status_code) == (400, 201)

    def test_idempotency_key_of_a_404_can_be_used_again(self, admin_client, ada):
        assert admin_client.post(notes_url(987_654_321), {"message": "x"}, headers=KEY).status_code == 404
        assert admin_client.post(notes_url(ada), {"message": "x"}, headers=KEY).status_code == 200

    def test_idempotency_key_belongs_to_one_app(self, api, admin_client):
        first = admin_client.post(USERS, ADA, headers=KEY)
        other = api(Scope.USERS_WRITE).post(USERS, {**ADA, "email": "bob@example.com"}, headers=KEY)

        assert other.status_code == 201
        assert other.json()["id"] != first.json()["id"]

    def test_idempotency_key_expires(self, admin_client, settings):
        settings.IDEMPOTENCY_HOURS = 2
        admin_client.post(USERS, ADA, headers=KEY)

        def post_after(age):
            IdempotentAnswer.objects.update(created_at=timezone.now() - age)
            return admin_client.post(USERS, {**ADA, "email": "bob@example.com"}, headers=KEY).status_code

        assert post_after(timedelta(hours=1, minutes=59)) == 422
        assert post_after(timedelta(hours=2, minutes=1)) == 201

    def test_clear_expired_deletes_old_idempotency_keys(self, admin_client, settings):
        settings.IDEMPOTENCY_HOURS = 2
        admin_client.post(USERS, ADA, headers=KEY)
        admin_client.post(USERS, {"email": "bob@example.com"}, headers={"Idempotency-Key": "young"})
        IdempotentAnswer.objects.exclude(key="young").update(created_at=timezone.now() - timedelta(hours=3))

        call_command("clear_expired", stdout=StringIO())

        assert [answer.key for answer in IdempotentAnswer.objects.all()] == ["young"]

    @pytest.mark.parametrize(("length", "status"), [(1, 201), (255, 201), (256, 400), (0, 400)])
    def test_idempotency_key_has_1_to_255_characters(self, admin_client, length, status):
        assert admin_client.post(USERS, ADA, headers={"Idempotency-Key": "k" * length}).status_code == status

    def test_idempotency_key_with_nul_is_400(self, admin_client):
        response = admin_client.post(USERS, ADA, headers={"Idempotency-Key": "a\0b"})

        assert response.status_code == 400
        assert response.json() == {"detail": "An Idempotency-Key has no NUL."}

    @pytest.mark.parametrize(
        "value",
        ['"\\ud800"', "1" + "0" * 400, "[" * 400 + "]" * 400, '{"\\udfff": 1}'],
        ids=["surrogate", "number", "deep", "name"],
    )
    def test_idempotency_key_accepts_unusual_json_in_ignored_fields(self, admin_client, value):
        body = f'{{"email": "ada@example.com", "unknown": {value}}}'

        assert admin_client.post(USERS, body, headers=KEY).status_code == 201
        assert admin_client.post(USERS, body, headers=KEY).headers["Idempotency-Replayed"] == "true"

    def test_idempotency_key_applies_to_multipart_with_files(self, admin_client):
        def post():
            return admin_client.post_multipart(
                USERS, {"email": "ada@example.com", "photo": SimpleUploadedFile("a.png", b"x")}, headers=KEY
            )

        assert post().content == post().content

    def test_idempotency_key_without_a_token_is_401(self, anonymous):
        assert anonymous.post(USERS, ADA, headers=KEY).status_code == 401
        assert not IdempotentAnswer.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestManyAtOnce:
    @pytest.mark.parametrize("path", ["users", "notes", "addresses"])
    def test_concurrent_requests_with_one_idempotency_key_make_one(self, admin_client, path):
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

    def test_concurrent_requests_with_one_idempotency_key_and_other_bodies_are_422(self, admin_client):
        bodies = [{"email": f"{number}@example.com"} for number in range(8)]

        responses = at_once([lambda body=body: admin_client.post(USERS, body, headers=KEY) for body in bodies])

        assert sorted(response.status_code for response in responses) == [201] + [422] * 7
        assert User.objects.filter(user_type="lead").count() == 1
