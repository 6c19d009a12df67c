"""The endpoint for webhook events: signatures, bad input, values that do not fit, events at the same moment."""

import json
from functools import partial

import pytest
from django.core.management import call_command
from django.test import Client

from customers.mirror import services
from customers.mirror.models import MirroredCustomer, MirroredStore, ReceivedEvent
from customers.models import User
from tests.customers.mirror.test_payload import UNFIT
from tests.support.concurrency import at_once
from tests.support.database import by_database
from tests.support.remote_payloads import address_json, customer_json, event_json, sign, to_bytes

CREATED = to_bytes(event_json("customer.created", customer_json()))
COMPACT = json.dumps(
    event_json("customer.created", customer_json(first_name="Zoë")), separators=(",", ":"), ensure_ascii=False
)


class TestSignature:
    def test_signature_of_the_bytes_is_accepted(self, post_event):
        assert post_event(COMPACT.encode()).status_code == 200
        assert User.objects.get(pk=5001).first_name == "Zoë"

    def test_signature_of_json_dumps_of_the_body_is_accepted(self, post_event, mirrored_store):
        written = json.dumps(json.loads(COMPACT)).encode()

        assert post_event(COMPACT.encode(), sign(written, mirrored_store.secret_key)).status_code == 200
        assert User.objects.get(pk=5001).first_name == "Zoë"

    @pytest.mark.parametrize("given", ["", "0" * 64, "é", "nonsense"])
    def test_missing_or_wrong_signature_is_answered_with_401(self, post_event, given):
        response = post_event(CREATED, given)

        assert response.status_code == 401
        assert not User.objects.exists()
        assert not ReceivedEvent.objects.exists()

    def test_signature_of_another_store_is_answered_with_401(self, post_event):
        other = services.get_or_create_store("https://other.example")

        assert post_event(CREATED, sign(CREATED, other.secret_key)).status_code == 401

    def test_signature_of_other_bytes_is_answered_with_401(self, post_event, mirrored_store):
        assert post_event(CREATED + b" ", sign(CREATED[:-1], mirrored_store.secret_key)).status_code == 401

    def test_signature_is_accepted_after_the_secrets_were_rotated(self, post_event, settings):
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "a new one"
        call_command("rotate_secrets")
        settings.SECRET_KEY_FALLBACKS = []

        assert post_event(CREATED, sign(CREATED, MirroredStore.objects.get().secret_key)).status_code == 200

    def test_signature_that_can_not_be_checked_is_answered_with_503(self, post_event, settings):
        right = sign(CREATED, MirroredStore.objects.get().secret_key)
        settings.SECRET_KEY = "another one"

        assert post_event(CREATED, right).status_code == 503


class TestBadInput:
    def test_body_that_is_no_event_is_answered_with_400(self, post_event):
        response = post_event(b"{")

        assert (response.status_code, response.json()) == (400, {"detail": "The event must be a JSON object."})
        assert not ReceivedEvent.objects.exists()

    def test_body_that_is_too_large_is_answered_with_413(self, post_event, settings):
        settings.ANONYMOUS_BODY_BYTES = 100

        assert post_event(CREATED).status_code == 413

    @pytest.mark.parametrize("verb", ["created", "updated", "deleted", "redacted"])
    def test_event_without_a_customer_is_rejected(self, send_event, verb):
        assert send_event(f"customer.{verb}", {"id": "5"}) == "rejected"
        assert not User.objects.exists()
        assert not MirroredCustomer.objects.exists()

    @pytest.mark.parametrize("data", [None, [], {}, {"number": "1"}, {"number": "\0"}])
    def test_event_without_an_order_is_rejected(self, send_event, data):
        assert send_event("order.created", data) == "rejected"
        assert send_event("subscription.created", data) == "rejected"

    def test_event_of_another_type_is_ignored(self, send_event):
        for event_type in ("carts.abandoned", "customer.sneezed", "store.updated", "customer", "."):
            assert send_event(event_type, customer_json()) == "ignored"
        assert not User.objects.exists()

    def test_unknown_store_is_answered_with_404(self, db):
        assert Client().post("/webhooks/7/", CREATED, "application/json").status_code == 404

    def test_other_method_is_answered_with_405(self, mirrored_store):
        assert Client().get(f"/webhooks/{mirrored_store.pk}/").status_code == 405

    def test_event_needs_no_csrf_token(self, mirrored_store):
        signature = sign(CREATED, mirrored_store.secret_key)
        client = Client(enforce_csrf_checks=True, headers={"X-29Next-Signature": signature})

        response = client.post(f"/webhooks/{mirrored_store.pk}/", CREATED, "application/json")

        assert response.status_code == 200
        assert not response.cookies


class TestDroppedValues:
    def test_dropped_values_are_named_and_the_former_values_stay(self, send_event):
        send_event("customer.created", customer_json())
        former = User.objects.filter(pk=5001).values(*UNFIT).get()
        unfit = {**UNFIT, "addresses": [address_json(50010, line1="x" * 256, notes="New")]}

        assert send_event("customer.updated", customer_json(is_blocked=True, **unfit)) == "applied"

        user = User.objects.get(pk=5001)
        assert User.objects.filter(is_blocked=True).values(*UNFIT).get() == former
        assert user.addresses.values_list("line1", "notes").get() == ("12 St James's Square", "New")
        detail = ReceivedEvent.objects.latest("pk").detail
        assert set(detail.removeprefix("dropped: ").split(", ")) == {*UNFIT, "addresses.0.line1"}

    def test_values_that_the_rules_for_input_refuse_are_kept(self, send_event):
        odd = {"first_name": "Ada 🎉", "phone_number": "call me", "email": "no address"}
        addresses = [address_json(id, country="ZZ", line1="", is_default_for_billing=True) for id in (1, 2)]

        assert send_event("customer.created", customer_json(**odd, addresses=addresses)) == "applied"

        user = User.objects.get(pk=5001)
        assert {name: getattr(user, name) for name in odd} == odd
        assert list(user.addresses.filter(is_default_for_billing=True).values_list("pk", "country")) == [(2, "ZZ")]


class TestConcurrentEvents:
    @pytest.mark.django_db(transaction=True)
    def test_concurrent_copies_of_one_event_are_processed_once(self, post_event):
        answers = at_once([lambda: post_event(CREATED)] * 4)

        assert [answer.status_code for answer in answers] == [200] * 4
        assert sorted(answer.json()["detail"] for answer in answers) == ["Accepted."] + ["Already processed."] * 3
        assert ReceivedEvent.objects.count() == 1
        assert User.objects.get().events.count() == 1

    @pytest.mark.django_db(transaction=True)
    def test_concurrent_events_about_an_unknown_customer_create_one(self, post_event):
        bodies = [to_bytes(event_json("customer.updated", customer_json(tags=[str(number)]))) for number in range(4)]

        answers = at_once([lambda body=body: post_event(body) for body in bodies])

        assert [answer.status_code for answer in answers] == [200] * 4
        assert User.objects.get().addresses.count() == 1

    @pytest.mark.django_db(transaction=True)
    def test_concurrent_events_that_pass_an_email_on_leave_nobody_without_one(self, post_event):
        def send_until_accepted(event_type: str, data: dict) -> None:
            body = to_bytes(event_json(event_type, data))
            assert any(post_event(body).status_code == 200 for _ in range(10))

        for number in range(10):
            giver, taker, email = 6000 + number, 7000 + number, f"{number}@former.example"
            send_until_accepted("customer.created", customer_json(giver, email=email, addresses=[]))
            gives = customer_json(giver, email=f"{giver}@new.example", addresses=[])
            takes = customer_json(taker, email=email, addresses=[])

            at_once(
                [
                    partial(send_until_accepted, "customer.updated", gives),
                    partial(send_until_accepted, "customer.created", takes),
                ]
            )

            assert User.objects.get(pk=giver).email == f"{giver}@new.example"
            assert User.objects.get(pk=taker).email == email


class TestQueries:
    def test_customer_updated_takes_a_fixed_number_of_queries(self, send_event, django_assert_num_queries):
        send_event("customer.created", customer_json())

        with django_assert_num_queries(by_database(postgresql=37, sqlite=36)):
            send_event(
                "customer.updated",
                customer_json(tags=["vip", "new"], addresses=[address_json(50010, line1="2 High St")]),
            )


def test_secrets_of_a_store_are_encrypted(mirrored_store):
    services.save_subscription(mirrored_store.pk, webhook_id=1, token="shc_secret")

    row = MirroredStore.objects.get()
    assert row.token == "shc_secret"
    stored = MirroredStore.objects.values("secret_key", "token").get()
    assert stored["token"] not in ("", row.token)
    assert stored["secret_key"] not in ("", row.secret_key)
