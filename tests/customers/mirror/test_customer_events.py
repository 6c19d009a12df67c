"""Events about customers of a store without a token: they are applied as they come."""

from datetime import UTC, datetime

import pytest

from customers import customer_count, customer_places, services
from customers.mirror.models import MirroredCustomer, ReceivedEvent
from customers.mirror.services import get_or_create_store
from customers.models import Address, Event, Tag, User
from customers.webhooks.models import Delivery
from oauth.actor import SYSTEM
from tests.support.cases import each
from tests.support.clients import USERS
from tests.support.factories import address, make_user, make_users
from tests.support.mailboxes import SAME_MAILBOX
from tests.support.order_documents import order
from tests.support.remote_payloads import address_json, customer_json, erased_json
from tests.support.webhooks import make_webhook


class TestCreated:
    def test_created_is_shown_as_the_store_shows_it(self, send_event, shown):
        full = customer_json(
            user_type="customer",
            orders_count=3,
            subscriptions_count=1,
            total_spent="120.50",
            is_blocked=True,
            ip="::ffff:192.0.2.1",
            addresses=[
                address_json(9, is_default_for_shipping=True),
                address_json(8, is_default_for_billing=True, state="CA"),
            ],
        )

        assert send_event("customer.created", full) == "applied"

        assert shown() == {**full, "addresses": full["addresses"][::-1]}
        assert Tag.objects.filter(name="vip").exists()

    def test_created_of_a_known_customer_is_outdated(self, send_event, shown):
        send_event("customer.updated", customer_json(first_name="Augusta"))

        assert send_event("customer.created", customer_json()) == "outdated"
        assert shown()["first_name"] == "Augusta"

    def test_created_reserves_the_next_ids_for_the_store(self, send_event):
        send_event("customer.created", customer_json())

        mine = make_user(addresses=[address()])
        assert mine.pk > 10**9
        assert mine.addresses.get().pk > 10**9
        assert send_event("customer.created", customer_json(mine.pk - 1)) == "applied"
        assert make_user().pk > 2 * 10**9

    def test_created_staff_is_ignored(self, send_event):
        assert send_event("customer.created", customer_json(user_type="dashboard")) == "ignored"
        assert not User.objects.exists()


class TestUpdated:
    def test_updated_is_shown_as_the_store_shows_it(self, send_event, shown):
        send_event(
            "customer.created",
            customer_json(addresses=[address_json(1, is_default_for_shipping=True), address_json(2)]),
        )
        new = customer_json(
            email="new@live.example",
            first_name="",
            phone_number=None,
            language=None,
            tags=["b", "a"],
            metadata={"b": 1.5, "a": [True, 1]},
            total_spent="10.00",
            orders_count=1,
            user_type="customer",
            addresses=[
                address_json(2, is_default_for_shipping=True, line1="2 High St"),
                address_json(3, is_default_for_billing=True),
            ],
        )

        assert send_event("customer.updated", new) == "applied"
        assert shown() == new

    def test_updated_time_of_joining_moves_the_customer_in_the_count(self, send_event, monkeypatch):
        monkeypatch.setattr(customer_count, "MILESTONE_EVERY", 1)
        send_event("customer.created", customer_json())
        make_users(3)
        customer_count.count(up_to=User.objects.latest("pk").pk)

        assert send_event("customer.updated", customer_json(date_joined="2027-01-05T10:00:00Z")) == "applied"

        middle = customer_places.Place(datetime(2027, 1, 1, tzinfo=UTC), 0)
        assert customer_places.number_joined(customer_places.BEGINNING, middle) == 3
        assert customer_count.number_of_customers() == 4

    def test_updated_is_in_the_timeline_without_an_actor(self, send_event):
        send_event("customer.created", customer_json())
        send_event("customer.updated", customer_json(first_name="Augusta", is_blocked=True, addresses=[]))

        events = Event.objects.filter(user=5001).order_by("pk")
        assert [event.kind for event in events] == ["created", "blocked", "changed", "address_deleted"]
        assert events[2].changes == {"first_name": ["Ada", "Augusta"]}
        assert {event.actor_id for event in events} == {None}

    def test_updated_is_sent_to_local_webhooks_once(self, send_event, mirrored_store):
        send_event("customer.created", customer_json())
        subscribed = ["customer.created", "customer.updated"]
        make_webhook(events=subscribed)

        send_event("customer.updated", customer_json(tags=[]))
        send_event("customer.updated", customer_json(tags=[]))
        send_event("customer.created", customer_json(5002))

        sent = Delivery.objects.order_by("pk").values_list("event_type", "object_id")
        assert list(sent) == [("customer.updated", 5001), ("customer.created", 5002)]

    def test_updated_without_a_difference_writes_nothing(self, send_event):
        send_event("customer.created", customer_json())
        former = User.objects.get().updated_at

        assert send_event("customer.updated", customer_json()) == "unchanged"
        assert User.objects.get().updated_at == former
        assert Event.objects.count() == 1

    def test_updated_creates_an_unknown_customer(self, send_event, shown):
        assert send_event("customer.updated", customer_json()) == "applied"
        assert shown() == customer_json()

    def test_updated_leaves_absent_fields_unchanged(self, send_event, shown):
        send_event("customer.created", customer_json())

        assert send_event("customer.updated", {"id": 5001, "first_name": "Augusta"}) == "applied"
        assert shown() == customer_json(first_name="Augusta")

    def test_updated_takes_the_email_from_another_mirrored_customer(self, send_event, shown):
        send_event("customer.created", customer_json())
        send_event("customer.created", customer_json(5002))

        assert send_event("customer.updated", customer_json(5002, email="5001@LIVE.example")) == "applied"
        assert shown()["email"] is None

        assert send_event("customer.updated", customer_json(email="5002@live.example")) == "applied"
        assert (shown(5001)["email"], shown(5002)["email"]) == ("5002@live.example", "5001@LIVE.example")


class TestReplay:
    def test_replayed_events_change_nothing(self, send_event, shown):
        send_event("customer.created", customer_json(), "one")
        send_event("customer.updated", customer_json(first_name="Grace"), "two")

        send_event("customer.created", customer_json(), "one")
        send_event("customer.updated", customer_json(first_name="Grace"), "two")
        send_event("customer.updated", customer_json(first_name="Mary"), "three")
        send_event("customer.updated", customer_json(first_name="Grace"), "two")

        assert shown()["first_name"] == "Mary"
        assert ReceivedEvent.objects.count() == 3

    def test_event_id_of_another_store_is_no_replay(self, send_event, shown):
        other = get_or_create_store("https://other.example")
        ReceivedEvent.objects.create(store=other, event_id="one", event_type="customer.created")

        send_event("customer.created", customer_json(), "one")

        assert shown() == customer_json()


class TestConflict:
    def test_conflict_with_the_id_of_a_local_customer_changes_nobody(self, send_event, shown):
        mine = make_user(first_name="Mine")

        for what in ("created", "updated", "deleted", "redacted"):
            assert send_event(f"customer.{what}", customer_json(mine.pk)) == "conflict"

        assert shown(mine.pk)["first_name"] == "Mine"
        assert User.objects.get(first_name="Mine").email
        assert ReceivedEvent.objects.latest("pk").detail == "another customer here has this id"
        assert not MirroredCustomer.objects.exists()

    def test_conflict_with_the_email_of_a_local_customer_changes_nobody(self, send_event):
        mine = make_user(email="ada@live.example")

        assert send_event("customer.created", customer_json(email="ADA@live.example")) == "conflict"
        assert list(User.objects.all()) == [mine]
        assert ReceivedEvent.objects.get().detail == "another customer here has this email"

    def test_conflict_with_the_address_of_a_local_customer_changes_nobody(self, send_event):
        mine = make_user(addresses=[address()]).addresses.get()

        assert send_event("customer.created", customer_json(addresses=[address_json(mine.pk)])) == "conflict"
        assert Address.objects.get() == mine

    def test_conflict_with_local_staff_changes_nobody(self, send_event, shown):
        send_event("customer.created", customer_json())
        User.objects.filter(pk=5001).update(user_type="dashboard")

        assert send_event("customer.updated", customer_json(first_name="Mallory")) == "conflict"
        assert send_event("customer.deleted", {"id": 5001}) == "rejected"
        assert shown()["first_name"] == "Ada"

    def test_conflict_ends_once_the_local_customer_has_another_email(self, send_event, shown):
        mine = make_user(email="5001@live.example")
        send_event("customer.created", customer_json())
        services.update_user(mine.pk, by=SYSTEM, email="elsewhere@example.com")

        assert send_event("customer.updated", customer_json()) == "applied"
        assert shown() == customer_json()

    def test_conflict_with_a_customer_of_another_store_changes_nobody(self, send_event, mirrored_store):
        send_event("customer.created", customer_json())
        MirroredCustomer.objects.update(store=get_or_create_store("https://other.example"))

        assert send_event("customer.updated", customer_json(first_name="Grace")) == "conflict"
        assert send_event("customer.redacted", {"id": 5001}) == "conflict"

    def test_no_conflict_with_the_same_customer_of_a_restored_dump(self, send_event, shown):
        send_event("customer.created", customer_json())
        MirroredCustomer.objects.all().delete()

        assert send_event("customer.updated", customer_json(first_name="Grace")) == "applied"
        assert shown()["first_name"] == "Grace"


class TestErasing:
    @pytest.mark.parametrize("verb", ["deleted", "redacted"])
    def test_deleted_and_redacted_erase_the_customer(self, send_event, shown, verb):
        send_event("customer.created", customer_json(orders_count=2, total_spent="9.00", user_type="customer"))
        send_event(
            "order.created", order(user={"id": 5001}, date_placed="2020-01-01T00:00:00Z", shipping_address={"a": "b"})
        )

        assert send_event(f"customer.{verb}", {"id": 5001, "email": "5001@live.example"}) == "applied"

        assert shown() == erased_json(orders_count=2, total_spent="9.00", user_type="customer")
        assert "shipping_address" not in User.objects.get(pk=5001).orders.get().document
        assert not Event.objects.exclude(changes={}).exists()

    def test_redacted_customer_stays_erased_whatever_comes_late(self, send_event, shown):
        send_event("customer.created", customer_json())
        send_event("customer.redacted", {"id": 5001})

        send_event("customer.updated", customer_json(first_name="Grace"))
        send_event("customer.created", customer_json())
        send_event("order.updated", order(user={"id": 5001, "email": "ada@live.example"}))
        assert send_event("customer.redacted", {"id": 5001}) == "unchanged"

        shown = shown()
        assert (shown["email"], shown["first_name"], shown["addresses"]) == (None, "", [])
        assert "user" not in User.objects.get(pk=5001).orders.get().document

    def test_customer_who_was_deleted_before_they_came_is_never_created(self, send_event):
        assert send_event("customer.deleted", {"id": 5001}) == "applied"

        assert send_event("customer.created", customer_json()) == "outdated"
        assert not User.objects.exists()

    def test_updated_without_personal_data_erases_the_customer(self, send_event, shown):
        send_event("customer.created", customer_json())

        assert send_event("customer.updated", erased_json()) == "applied"

        assert shown() == erased_json()
        assert Event.objects.filter(user=5001, kind="erased").exists()

    def test_unknown_erased_customer_is_created_with_the_counters(self, send_event, shown):
        assert (
            send_event("customer.updated", erased_json(orders_count=1, total_spent="5.00", user_type="customer"))
            == "applied"
        )
        assert shown() == erased_json(orders_count=1, total_spent="5.00", user_type="customer")
        assert not User.objects.get(pk=5001).is_active

    def test_updated_with_a_part_of_the_fields_does_not_erase(self, send_event, shown):
        send_event("customer.created", customer_json())

        send_event("customer.updated", {"id": 5001, "email": None, "addresses": []})

        assert shown() == customer_json(email=None, addresses=[])


class TestMailbox:
    @each("first,second", SAME_MAILBOX)
    def test_mirrored_customer_with_the_mailbox_of_another_is_a_conflict(self, send_event, first, second):
        user = make_user(email=first)

        assert send_event("customer.created", customer_json(id=user.pk + 5000, email=second)) != "applied"

        assert User.objects.with_email(second).get() == user

    @each("email", ["\u212aelvin@example.com", "a@mu\u0308nchen.example", "e\u0301@example.com", "R8@EXAMPLE.com"])
    def test_mirrored_email_is_shown_as_the_store_shows_it(self, send_event, shown, email):
        assert send_event("customer.created", customer_json(email=email)) == "applied"

        assert shown()["email"] == email

    @each("email", ["no address", "a@☃.example", "A@ex_ample.com"])
    def test_mirrored_email_without_canonical_form_is_kept_and_found(self, send_event, api, email):
        assert send_event("customer.created", customer_json(email=email)) == "applied"

        found = api("users:read").get(USERS, {"email": email.upper()}).json()["results"]
        assert [user["email"] for user in found] == [email]


class TestLineBreaks:
    def test_mirrored_lines_take_no_line_breaks(self, send_event):
        lines = {"line1": "1 High St\nFlat 2", "line4": "London\r\nSW1", "state": "New\nYork", "notes": "Ring.\nWait."}
        customer = customer_json(first_name="Ada\nAugusta", tags=["a\nb"], addresses=[address_json(1, **lines)])

        assert send_event("customer.created", customer) == "applied"

        user = User.objects.get()
        assert (user.first_name, user.tags) == ("Ada Augusta", ["a b"])
        kept = ["1 High St, Flat 2", "London, SW1", "New York", "Ring.\nWait."]
        assert list(user.addresses.values_list(*lines).get()) == kept
