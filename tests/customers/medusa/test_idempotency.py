"""`Idempotency-Key`, with which the JS client repeats what it got no answer to."""

import pytest

from customers.models import IdempotentAnswer, User
from tests.customers.medusa.conftest import AUTH, CUSTOMERS, GROUPS, NEW, PASSWORD, TOKEN, url_of
from tests.support.clients import ApiClient
from tests.support.concurrency import at_once

KEY = {"Idempotency-Key": "c0ffee"}


class TestIdempotencyKey:
    def test_brings_the_first_answer_again(self, client):
        first, second = (client.post(CUSTOMERS, {**NEW, "password": PASSWORD}, headers=KEY) for _ in range(2))

        assert (second.status_code, second.content) == (first.status_code, first.content) == (201, first.content)
        assert second.headers["Content-Type"] == first.headers["Content-Type"]
        assert "Idempotency-Replayed" not in first.headers
        assert second.headers["Idempotency-Replayed"] == "true"
        assert User.objects.filter(email=NEW["email"]).count() == 1

    def test_does_an_update_once(self, client, ada):
        client.post(url_of(ada), {"first_name": "Augusta"}, headers=KEY)
        client.post(url_of(ada), {"first_name": "Eve"})

        repeated = client.post(url_of(ada), {"first_name": "Augusta"}, headers=KEY)

        assert repeated.json()["customer"]["first_name"] == "Augusta"
        assert User.objects.get(pk=ada.pk).first_name == "Eve"

    def test_makes_one_group(self, client):
        answers = {client.post(GROUPS, {"name": "VIP"}, headers=KEY).content for _ in range(2)}

        assert len(answers) == 1

    @pytest.mark.parametrize(
        ("path", "body"),
        [(CUSTOMERS, {**NEW, "first_name": "Eve"}), (f"{CUSTOMERS}?a=1", NEW), (GROUPS, {"name": "x"})],
    )
    def test_of_another_request_is_refused(self, client, path, body):
        client.post(CUSTOMERS, NEW, headers=KEY)

        response = client.post(path, body, headers=KEY)

        assert response.status_code == 422  # 409 would be repeated by the client
        assert response.json() == {
            "code": "invalid_request_error",
            "type": "invalid_data",
            "message": "This Idempotency-Key was used for another request.",
        }

    def test_of_a_refused_request_is_free_again(self, client, ada):
        assert client.post(CUSTOMERS, {**NEW, "email": "x"}, headers=KEY).status_code == 400
        assert client.post(CUSTOMERS, {**NEW, "email": ada.email}, headers=KEY).status_code == 422
        assert client.post(CUSTOMERS, NEW, headers=KEY).status_code == 201

    def test_belongs_to_an_app_or_a_person(self, client, api, signed_in):
        person = signed_in("Staff")
        bearer = ApiClient(
            person.post(TOKEN, {"email": "staff@store.example", "password": PASSWORD}).json()["access_token"]
        )

        answers = [
            caller.post(CUSTOMERS, {**NEW, "email": f"{number}@example.com"}, headers=KEY).status_code
            for number, caller in enumerate((client, api("users:write"), person, bearer))
        ]

        assert answers == [201, 201, 201, 422]  # the last two are the same person

    @pytest.mark.parametrize(("length", "status"), [(0, 400), (1, 201), (255, 201), (256, 400)])
    def test_has_1_to_255_characters(self, client, length, status):
        assert client.post(CUSTOMERS, NEW, headers={"Idempotency-Key": "k" * length}).status_code == status

    def test_keeps_no_trace_of_a_password(self, client):
        client.post(CUSTOMERS, {**NEW, "password": PASSWORD}, headers=KEY)

        kept = IdempotentAnswer.objects.get()
        assert PASSWORD not in kept.body
        assert kept.user_id == User.objects.get(email=NEW["email"]).pk

    @pytest.mark.parametrize("path", [AUTH, TOKEN])
    def test_is_ignored_where_somebody_signs_in(self, anonymous, staff, path):
        staff("Staff")

        response = anonymous.post(path, {"email": "staff@store.example", "password": PASSWORD}, headers=KEY)

        assert response.status_code == 200
        assert not IdempotentAnswer.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestManyAtOnce:
    def test_with_the_same_key_make_one_and_get_equal_answers(self, client):
        responses = at_once([lambda: client.post(CUSTOMERS, NEW, headers=KEY)] * 8)

        assert {(response.status_code, response.content) for response in responses} == {(201, responses[0].content)}
        assert User.objects.filter(email=NEW["email"]).count() == 1

    def test_with_the_same_email_make_one(self, client):
        responses = at_once([lambda: client.post(CUSTOMERS, NEW)] * 8)

        assert sorted(response.status_code for response in responses) == [201] + [422] * 7
