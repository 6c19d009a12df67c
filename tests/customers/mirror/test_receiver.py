"""What comes to the receiver, whoever sends it."""

import json
from functools import partial

import pytest
from django.core.management import call_command
from django.test import Client

from customers.mirror import services
from customers.mirror.models import Copy, FollowedStore, ReceivedEvent
from customers.models import User
from tests.customers.mirror.conftest import envelope, place, signed, told
from tests.support.concurrency import at_once
from tests.support.database import by_database


def bytes_of(event) -> bytes:
    return json.dumps(event).encode()


CREATED = bytes_of(envelope("customer.created", told()))
COMPACT = json.dumps(envelope("customer.created", told(first_name="Zoë")), separators=(",", ":"), ensure_ascii=False)


class TestSignature:
    def test_of_the_bytes_is_taken(self, post):
        assert post(COMPACT.encode()).status_code == 200
        assert User.objects.get(pk=5001).first_name == "Zoë"

    def test_of_what_json_dumps_writes_is_taken(self, post, followed):
        written = json.dumps(json.loads(COMPACT)).encode()

        assert post(COMPACT.encode(), signed(written, followed.secret_key)).status_code == 200
        assert User.objects.get(pk=5001).first_name == "Zoë"

    @pytest.mark.parametrize("given", ["", "0" * 64, "é", "nonsense"])
    def test_that_is_missing_or_wrong_is_refused(self, post, given):
        response = post(CREATED, given)

        assert response.status_code == 401
        assert not User.objects.exists()
        assert not ReceivedEvent.objects.exists()

    def test_of_another_store_is_refused(self, post):
        other = services.store_at("https://other.example")

        assert post(CREATED, signed(CREATED, other.secret_key)).status_code == 401

    def test_of_other_bytes_is_refused(self, post, followed):
        assert post(CREATED + b" ", signed(CREATED[:-1], followed.secret_key)).status_code == 401

    def test_can_be_checked_after_the_secrets_were_rotated(self, post, settings):
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "a new one"
        call_command("rotate_secrets")
        settings.SECRET_KEY_FALLBACKS = []

        assert post(CREATED, signed(CREATED, FollowedStore.objects.get().secret_key)).status_code == 200

    def test_that_cannot_be_checked_is_to_come_again(self, post, settings):
        right = signed(CREATED, FollowedStore.objects.get().secret_key)
        settings.SECRET_KEY = "another one"

        assert post(CREATED, right).status_code == 503


class TestBadInput:
    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"[]",
            b"null",
            b"\xff\xfe",
            b"[" * 100_000,
            b'{"event_type": "customer.updated", "data": {}}',
            b'{"event_id": 5, "event_type": "customer.updated", "data": {}}',
            bytes_of(envelope("customer.updated", told(), event_id="x" * 65)),
            bytes_of(envelope("customer.updated", told(), event_id="a\0b")),
            bytes_of(envelope("customer.updated", told(), event_id="\ud800")),
            bytes_of(envelope("x" * 101, told())),
            bytes_of(envelope("", told())),
        ],
        ids=lambda body: body[:20],
    )
    def test_that_is_no_event_is_answered_with_400(self, post, body):
        response = post(body)

        assert response.status_code == 400, response.content
        assert response.json()["detail"]
        assert not ReceivedEvent.objects.exists()

    def test_that_is_too_large_is_answered_with_413(self, post, settings):
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100

        assert post(CREATED).status_code == 413

    @pytest.mark.parametrize("data", [None, [], "x", {}, {"id": "5"}, {"id": -1}, {"id": 2**63}, {"id": True}])
    @pytest.mark.parametrize("what", ["created", "updated", "deleted", "redacted"])
    def test_that_is_no_customer_is_noted(self, tell, what, data):
        assert tell(f"customer.{what}", data) == "refused"
        assert not User.objects.exists()
        assert not Copy.objects.exists()

    @pytest.mark.parametrize("data", [None, [], {}, {"number": "1"}, {"number": "\0"}])
    @pytest.mark.parametrize("name", ["order", "subscription"])
    def test_that_is_no_report_is_noted(self, tell, name, data):
        assert tell(f"{name}.created", data) == "refused"

    @pytest.mark.parametrize("name", ["carts.abandoned", "customer.sneezed", "store.updated", "customer", "."])
    def test_of_another_kind_is_acknowledged(self, tell, name):
        assert tell(name, told()) == "ignored"
        assert not User.objects.exists()

    def test_for_nobody_is_answered_with_404(self, db):
        assert Client().post("/webhooks/7/", CREATED, "application/json").status_code == 404

    def test_by_another_method_is_answered_with_405(self, followed):
        assert Client().get(f"/webhooks/{followed.pk}/").status_code == 405

    def test_has_no_need_of_a_cookie(self, followed, post):
        client = Client(enforce_csrf_checks=True, headers={"X-29Next-Signature": signed(CREATED, followed.secret_key)})

        response = client.post(f"/webhooks/{followed.pk}/", CREATED, "application/json")

        assert response.status_code == 200
        assert not response.cookies


UNFIT = {
    "email": "x" * 310 + "@live.example",
    "first_name": "x" * 256,
    "last_name": "a\0b",
    "phone_number": 5,
    "language": "xx",
    "accepts_marketing": "yes",
    "ip": "somewhere",
    "user_agent": "x" * 501,
    "tags": ["x" * 256],
    "metadata": {"deep": json.loads("[" * 40 + "]" * 40)},
    "orders_count": -1,
    "subscriptions_count": 2**31,
    "total_spent": "-5.00",
    "date_joined": "yesterday",
}


class TestValues:
    @pytest.mark.parametrize("name", UNFIT)
    def test_that_the_columns_cannot_hold_are_left_out_and_named(self, tell, name):
        tell("customer.created", told())
        former = User.objects.filter(pk=5001).values(name).get()

        assert (
            tell("customer.updated", told(accepts_marketing=False, is_blocked=True) | {name: UNFIT[name]}) == "applied"
        )

        assert User.objects.filter(pk=5001, is_blocked=True).values(name).get() == former
        assert ReceivedEvent.objects.latest("pk").detail == f"left out: {name}"

    def test_of_an_address_that_cannot_be_held_are_left_out_and_named(self, tell):
        tell("customer.created", told())

        book = [place(50010, line1="x" * 256, notes="New"), {"line1": "without an id"}, "no address"]
        assert tell("customer.updated", told(addresses=book)) == "applied"

        address = User.objects.get(pk=5001).addresses.get()
        assert (address.line1, address.notes) == ("12 St James's Square", "New")
        detail = ReceivedEvent.objects.latest("pk").detail
        assert detail == "left out: addresses.0.line1, addresses.1, addresses.2"

    def test_that_our_own_rules_refuse_are_kept(self, tell):
        odd = {"first_name": "Ada 🎉", "phone_number": "call me", "email": "no address"}

        assert tell("customer.created", told(**odd, addresses=[place(1, country="ZZ", line1="")])) == "applied"

        user = User.objects.get(pk=5001)
        assert {name: getattr(user, name) for name in odd} == odd
        assert user.addresses.get().country == "ZZ"

    def test_of_two_addresses_that_are_the_default_the_last_one_is(self, tell):
        book = [place(1, is_default_for_billing=True), place(2, is_default_for_billing=True)]

        assert tell("customer.created", told(addresses=book)) == "applied"
        assert list(User.objects.get(pk=5001).addresses.filter(is_default_for_billing=True).values_list("pk")) == [(2,)]


class TestEventsAtOnce:
    @pytest.mark.django_db(transaction=True)
    def test_of_one_id_are_taken_once(self, post):
        answers = at_once([lambda: post(CREATED)] * 4)

        assert [answer.status_code for answer in answers] == [200] * 4
        assert sorted(answer.json()["detail"] for answer in answers) == ["It had come before."] * 3 + ["Taken."]
        assert ReceivedEvent.objects.count() == 1
        assert User.objects.get().events.count() == 1

    @pytest.mark.django_db(transaction=True)
    def test_about_one_newcomer_make_one_customer(self, post):
        bodies = [bytes_of(envelope("customer.updated", told(tags=[str(number)]))) for number in range(4)]

        answers = at_once([lambda body=body: post(body) for body in bodies])

        assert [answer.status_code for answer in answers] == [200] * 4
        assert User.objects.get().addresses.count() == 1

    @pytest.mark.django_db(transaction=True)
    def test_that_hand_an_email_on_leave_nobody_without_one(self, post):
        def tell_until_taken(event_type: str, data: dict) -> None:
            body = bytes_of(envelope(event_type, data))
            assert any(post(body).status_code == 200 for _ in range(10))

        for number in range(10):
            giver, taker, email = 6000 + number, 7000 + number, f"{number}@former.example"
            tell_until_taken("customer.created", told(giver, email=email, addresses=[]))
            gives = told(giver, email=f"{giver}@new.example", addresses=[])
            takes = told(taker, email=email, addresses=[])

            at_once(
                [
                    partial(tell_until_taken, "customer.updated", gives),
                    partial(tell_until_taken, "customer.created", takes),
                ]
            )

            assert User.objects.get(pk=giver).email == f"{giver}@new.example"
            assert User.objects.get(pk=taker).email == email


class TestQueries:
    def test_of_an_event_are_so_many(self, tell, django_assert_num_queries):
        tell("customer.created", told())

        with django_assert_num_queries(by_database(postgresql=37, sqlite=36)):
            tell("customer.updated", told(tags=["vip", "new"], addresses=[place(50010, line1="2 High St")]))


def test_secrets_are_kept_encrypted(followed):
    services.subscribed(followed.pk, webhook_id=1, token="shc_secret")

    row = FollowedStore.objects.get()
    assert row.token == "shc_secret"
    stored = FollowedStore.objects.values("secret_key", "token").get()
    assert stored["token"] not in ("", row.token)
    assert stored["secret_key"] not in ("", row.secret_key)
