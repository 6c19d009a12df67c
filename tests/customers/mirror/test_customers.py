"""Events about customers, of a store that is taken at its word: what becomes of the customers here."""

import pytest

from customers import services
from customers.mirror.models import Copy, ReceivedEvent
from customers.mirror.services import store_at
from customers.models import Address, Event, Tag, User
from customers.webhooks.models import Delivery
from customers.webhooks.services import create_webhook
from oauth.actor import SYSTEM
from oauth.scopes import Scope
from tests.customers.mirror.conftest import erased, place, told
from tests.support.clients import user_url
from tests.support.factories import address, make_owner, make_user
from tests.support.order_documents import order


@pytest.fixture
def read(api):
    """What the API shows of a customer."""
    client = api(Scope.USERS_READ)
    return lambda id=5001: client.get(user_url(id)).json()


class TestCreated:
    def test_is_shown_as_it_was_told(self, tell, read):
        full = told(
            user_type="customer",
            orders_count=3,
            subscriptions_count=1,
            total_spent="120.50",
            is_blocked=True,
            ip="::ffff:192.0.2.1",
            addresses=[place(9, is_default_for_shipping=True), place(8, is_default_for_billing=True, state="CA")],
        )

        assert tell("customer.created", full) == "applied"

        assert read() == {**full, "addresses": full["addresses"][::-1]}
        assert Tag.objects.filter(name="vip").exists()

    def test_of_who_is_known_changes_nothing(self, tell, read):
        """It is told before any change, and comes late."""
        tell("customer.updated", told(first_name="Augusta"))

        assert tell("customer.created", told()) == "outdated"
        assert read()["first_name"] == "Augusta"

    def test_leaves_the_ids_beyond_to_the_other_store(self, tell):
        tell("customer.created", told())

        mine = make_user(addresses=[address()])
        assert mine.pk > 10**9
        assert mine.addresses.get().pk > 10**9
        assert tell("customer.created", told(mine.pk - 1)) == "applied"
        assert make_user().pk > 2 * 10**9

    def test_of_staff_is_left_out(self, tell):
        assert tell("customer.created", told(user_type="dashboard")) == "ignored"
        assert not User.objects.exists()


class TestUpdated:
    def test_is_shown_as_it_was_told(self, tell, read):
        tell("customer.created", told(addresses=[place(1, is_default_for_shipping=True), place(2)]))
        new = told(
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
                place(2, is_default_for_shipping=True, line1="2 High St"),
                place(3, is_default_for_billing=True),
            ],
        )

        assert tell("customer.updated", new) == "applied"
        assert read() == new

    def test_is_in_the_timeline_as_the_stores_doing(self, tell):
        tell("customer.created", told())
        tell("customer.updated", told(first_name="Augusta", is_blocked=True, addresses=[]))

        events = Event.objects.filter(user=5001).order_by("pk")
        assert [event.kind for event in events] == ["created", "blocked", "changed", "address_deleted"]
        assert events[2].changes == {"first_name": ["Ada", "Augusta"]}
        assert {event.actor_id for event in events} == {None}

    def test_is_told_to_those_who_subscribed_here(self, tell, followed):
        tell("customer.created", told())
        subscribed = ["customer.created", "customer.updated"]
        create_webhook(target="https://app.example/", events=subscribed, api_version="2024-04-01")

        tell("customer.updated", told(tags=[]))
        tell("customer.updated", told(tags=[]))
        tell("customer.created", told(5002))

        told_here = Delivery.objects.values_list("event_type", "object_id")
        assert list(told_here) == [("customer.updated", 5001), ("customer.created", 5002)]

    def test_that_changes_nothing_leaves_no_trace(self, tell):
        tell("customer.created", told())
        former = User.objects.get().updated_at

        assert tell("customer.updated", told()) == "same"
        assert User.objects.get().updated_at == former
        assert Event.objects.count() == 1

    def test_of_who_is_not_known_brings_them_in(self, tell, read):
        assert tell("customer.updated", told()) == "applied"
        assert read() == told()

    def test_without_some_fields_leaves_them(self, tell, read):
        tell("customer.created", told())

        assert tell("customer.updated", {"id": 5001, "first_name": "Augusta"}) == "applied"
        assert read() == told(first_name="Augusta")

    def test_takes_an_email_from_another_customer_of_the_store(self, tell, read):
        """Who has it there no longer: their own event is on its way."""
        tell("customer.created", told())
        tell("customer.created", told(5002))

        assert tell("customer.updated", told(5002, email="5001@LIVE.example")) == "applied"
        assert read()["email"] is None

        assert tell("customer.updated", told(email="5002@live.example")) == "applied"
        assert (read(5001)["email"], read(5002)["email"]) == ("5002@live.example", "5001@LIVE.example")


class TestReplay:
    def test_changes_nothing(self, tell, read):
        tell("customer.created", told(), "one")
        tell("customer.updated", told(first_name="Grace"), "two")

        tell("customer.created", told(), "one")
        tell("customer.updated", told(first_name="Grace"), "two")
        tell("customer.updated", told(first_name="Mary"), "three")
        tell("customer.updated", told(first_name="Grace"), "two")

        assert read()["first_name"] == "Mary"
        assert ReceivedEvent.objects.count() == 3

    def test_of_an_id_that_another_store_used_is_none(self, tell, read):
        other = store_at("https://other.example")
        ReceivedEvent.objects.create(store=other, event_id="one", event_type="customer.created")

        tell("customer.created", told(), "one")

        assert read() == told()


class TestConflict:
    def test_with_the_id_of_another_customer_changes_nobody(self, tell, read):
        mine = make_user(first_name="Mine")

        for what in ("created", "updated", "deleted", "redacted"):
            assert tell(f"customer.{what}", told(mine.pk)) == "conflict"

        assert read(mine.pk)["first_name"] == "Mine"
        assert User.objects.get(first_name="Mine").email
        assert ReceivedEvent.objects.latest("pk").detail == "another customer here has this id"
        assert not Copy.objects.exists()

    def test_with_the_email_of_another_customer_changes_nobody(self, tell):
        mine = make_user(email="ada@live.example")

        assert tell("customer.created", told(email="ADA@live.example")) == "conflict"
        assert list(User.objects.all()) == [mine]
        assert ReceivedEvent.objects.get().detail == "another customer here has this email"

    def test_with_an_address_of_another_customer_changes_nobody(self, tell):
        mine = make_user(addresses=[address()]).addresses.get()

        assert tell("customer.created", told(addresses=[place(mine.pk)])) == "conflict"
        assert Address.objects.get() == mine

    def test_with_staff_changes_nobody(self, tell, read):
        tell("customer.created", told())
        User.objects.filter(pk=5001).update(user_type="dashboard")

        assert tell("customer.updated", told(first_name="Mallory")) == "conflict"
        assert tell("customer.deleted", {"id": 5001}) == "refused"
        assert read()["first_name"] == "Ada"

    def test_with_the_owner_changes_nobody(self, tell):
        owner = make_owner()

        assert tell("customer.updated", told(owner.pk)) == "conflict"

    def test_is_over_once_the_other_one_gave_way(self, tell, read):
        mine = make_user(email="5001@live.example")
        tell("customer.created", told())
        services.update_user(mine.pk, by=SYSTEM, email="elsewhere@example.com")

        assert tell("customer.updated", told()) == "applied"
        assert read() == told()

    def test_with_a_customer_of_a_further_store_changes_nobody(self, tell, followed):
        tell("customer.created", told())
        Copy.objects.update(store=store_at("https://other.example"))

        assert tell("customer.updated", told(first_name="Grace")) == "conflict"
        assert tell("customer.redacted", {"id": 5001}) == "conflict"

    def test_is_none_with_who_is_the_same(self, tell, read):
        """Such as in a copy of the store's database."""
        tell("customer.created", told())
        Copy.objects.all().delete()

        assert tell("customer.updated", told(first_name="Grace")) == "applied"
        assert read()["first_name"] == "Grace"


@pytest.mark.parametrize("what", ["deleted", "redacted"])
class TestForgotten:
    def test_is_forgotten_here(self, tell, read, what):
        tell("customer.created", told(orders_count=2, total_spent="9.00", user_type="customer"))
        tell("order.created", order(user={"id": 5001}, date_placed="2020-01-01T00:00:00Z", shipping_address={"a": "b"}))

        assert tell(f"customer.{what}", {"id": 5001, "email": "5001@live.example"}) == "applied"

        assert read() == erased(orders_count=2, total_spent="9.00", user_type="customer")
        assert "shipping_address" not in User.objects.get(pk=5001).orders.get().document
        assert not Event.objects.exclude(changes={}).exists()

    def test_stays_forgotten_whatever_comes_late(self, tell, read, what):
        tell("customer.created", told())
        tell(f"customer.{what}", {"id": 5001})

        tell("customer.updated", told(first_name="Grace"))
        tell("customer.created", told())
        tell("order.updated", order(user={"id": 5001, "email": "ada@live.example"}))
        assert tell(f"customer.{what}", {"id": 5001}) == "same"

        shown = read()
        assert (shown["email"], shown["first_name"], shown["addresses"]) == (None, "", [])
        assert "user" not in User.objects.get(pk=5001).orders.get().document

    def test_before_they_were_known_never_come(self, tell, what):
        assert tell(f"customer.{what}", {"id": 5001}) == "applied"

        assert tell("customer.created", told()) == "outdated"
        assert not User.objects.exists()


class TestErased:
    def test_is_erased_where_the_store_shows_nothing_of_them(self, tell, read):
        tell("customer.created", told())

        assert tell("customer.updated", erased()) == "applied"

        assert read() == erased()
        assert Event.objects.filter(user=5001, kind="erased").exists()

    def test_is_brought_in_with_what_is_left(self, tell, read):
        assert tell("customer.updated", erased(orders_count=1, total_spent="5.00", user_type="customer")) == "applied"
        assert read() == erased(orders_count=1, total_spent="5.00", user_type="customer")
        assert not User.objects.get(pk=5001).is_active

    def test_is_nobody_of_whom_little_was_told(self, tell, read):
        tell("customer.created", told())

        tell("customer.updated", {"id": 5001, "email": None, "addresses": []})

        assert read() == told(email=None, addresses=[])
