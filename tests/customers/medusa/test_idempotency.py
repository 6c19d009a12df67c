"""`Idempotency-Key`, with which the JS client repeats what it got no answer to."""

import pytest

from customers.models import IdempotentAnswer, User
from tests.support.clients import ApiClient
from tests.support.concurrency import at_once
from tests.support.medusa import AUTH, CUSTOMERS, GROUPS, NEW, PASSWORD, TOKEN, url_of

KEY = {"Idempotency-Key": "c0ffee"}


class TestIdempotencyKey:
    def test_idempotency_key_returns_the_first_answer(self, medusa_client):
        first, second = (medusa_client.post(CUSTOMERS, {**NEW, "password": PASSWORD}, headers=KEY) for _ in range(2))

        assert (second.status_code, second.content) == (first.status_code, first.content) == (201, first.content)
        assert second.headers["Content-Type"] == first.headers["Content-Type"]
        assert "Idempotency-Replayed" not in first.headers
        assert second.headers["Idempotency-Replayed"] == "true"
        assert User.objects.filter(email=NEW["email"]).count() == 1

    def test_idempotency_key_updates_once(self, medusa_client, ada):
        medusa_client.post(url_of(ada), {"first_name": "Augusta"}, headers=KEY)
        medusa_client.post(url_of(ada), {"first_name": "Eve"})

        repeated = medusa_client.post(url_of(ada), {"first_name": "Augusta"}, headers=KEY)

        assert repeated.json()["customer"]["first_name"] == "Augusta"
        assert User.objects.get(pk=ada.pk).first_name == "Eve"

    def test_idempotency_key_makes_one_group(self, medusa_client):
        answers = {medusa_client.post(GROUPS, {"name": "VIP"}, headers=KEY).content for _ in range(2)}

        assert len(answers) == 1

    @pytest.mark.parametrize(
        ("path", "body"),
        [(CUSTOMERS, {**NEW, "first_name": "Eve"}), (f"{CUSTOMERS}?a=1", NEW), (GROUPS, {"name": "x"})],
    )
    def test_idempotency_key_of_another_request_is_refused(self, medusa_client, path, body):
        medusa_client.post(CUSTOMERS, NEW, headers=KEY)

        response = medusa_client.post(path, body, headers=KEY)

        assert response.status_code == 422  # 409 would be repeated by the client
        assert response.json() == {
            "code": "invalid_request_error",
            "type": "invalid_data",
            "message": "This Idempotency-Key was used for another request.",
        }

    def test_idempotency_key_of_a_refused_request_is_free(self, medusa_client, ada):
        assert medusa_client.post(CUSTOMERS, {**NEW, "email": "x"}, headers=KEY).status_code == 400
        assert medusa_client.post(CUSTOMERS, {**NEW, "email": ada.email}, headers=KEY).status_code == 422
        assert medusa_client.post(CUSTOMERS, NEW, headers=KEY).status_code == 201

    def test_idempotency_key_belongs_to_an_app_or_a_person(self, medusa_client, api, signed_in):
        person = signed_in("Staff")
        bearer = ApiClient(
            person.post(TOKEN, {"email": "staff@store.example", "password": PASSWORD}).json()["access_token"]
        )

        answers = [
            caller.post(CUSTOMERS, {**NEW, "email": f"{number}@example.com"}, headers=KEY).status_code
            for number, caller in enumerate((medusa_client, api("users:write"), person, bearer))
        ]

        assert answers == [201, 201, 201, 422]  # the last two are the same person

    @pytest.mark.parametrize(("length", "status"), [(0, 400), (1, 201), (255, 201), (256, 400)])
    def test_idempotency_key_has_1_to_255_characters(self, medusa_client, length, status):
        assert medusa_client.post(CUSTOMERS, NEW, headers={"Idempotency-Key": "k" * length}).status_code == status

    def test_idempotency_record_contains_no_password(self, medusa_client):
        medusa_client.post(CUSTOMERS, {**NEW, "password": PASSWORD}, headers=KEY)

        kept = IdempotentAnswer.objects.get()
        assert PASSWORD not in kept.body
        assert kept.user_id == User.objects.get(email=NEW["email"]).pk

    @pytest.mark.parametrize("path", [AUTH, TOKEN])
    def test_idempotency_key_is_ignored_at_sign_in(self, anonymous, staff, path):
        staff("Staff")

        response = anonymous.post(path, {"email": "staff@store.example", "password": PASSWORD}, headers=KEY)

        assert response.status_code == 200
        assert not IdempotentAnswer.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestManyAtOnce:
    def test_concurrent_requests_with_one_key_make_one_customer(self, medusa_client):
        responses = at_once([lambda: medusa_client.post(CUSTOMERS, NEW, headers=KEY)] * 8)

        assert {(response.status_code, response.content) for response in responses} == {(201, responses[0].content)}
        assert User.objects.filter(email=NEW["email"]).count() == 1

    def test_concurrent_requests_with_one_email_make_one_customer(self, medusa_client):
        responses = at_once([lambda: medusa_client.post(CUSTOMERS, NEW)] * 8)

        assert sorted(response.status_code for response in responses) == [201] + [422] * 7
