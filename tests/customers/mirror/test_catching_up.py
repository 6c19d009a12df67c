"""A store whose token is kept: its events say that something changed; what it is, is read by the worker."""

import logging

import pytest
from django.core.management import call_command
from django.db import connection

from customers.mirror import client, refresh_worker, services
from customers.mirror.models import Copy, FollowedStore
from customers.mirror.refresh_worker import Reader
from customers.models import User
from oauth.scopes import Scope
from tests.customers.mirror.conftest import told
from tests.customers.mirror.shop import TOKEN, opened
from tests.support.clients import user_url
from tests.support.concurrency import at_once
from tests.support.factories import make_user
from tests.support.order_documents import full, order


@pytest.fixture
def shop():
    with opened() as served:
        served.customers = [told()]
        yield served


@pytest.fixture
def followed(shop, db) -> FollowedStore:
    store = services.store_at(shop.url)
    services.subscribed(store.pk, webhook_id=1, token=TOKEN)
    store.refresh_from_db()
    return store


@pytest.fixture
def catch_up():
    return lambda: call_command("run_worker", "--until-empty")


@pytest.fixture
def shown(api):
    client = api(Scope.USERS_READ)
    return lambda id=5001: client.get(user_url(id)).json()


@pytest.fixture
def known(tell, catch_up, shop):
    """Ada is here, and nothing is left to be read."""
    tell("customer.created", told())
    catch_up()
    shop.asked.clear()


class TestEvents:
    def test_of_a_newcomer_are_taken_at_once(self, tell, shown):
        assert tell("customer.created", told()) == "applied"
        assert shown() == told()

    def test_of_who_is_known_are_read(self, tell, known, catch_up, shop, shown):
        shop.customers = [told(first_name="Grace", tags=["new"])]

        assert tell("customer.updated", told(first_name="Older")) == "to be read"
        assert shown()["first_name"] == "Ada"
        catch_up()

        assert shown() == shop.customers[0]

    def test_in_any_order_lead_to_what_the_store_shows(self, tell, known, catch_up, shop, shown):
        shop.customers = [told(first_name="Third")]

        for name in ("Third", "First", "Second"):
            tell("customer.updated", told(first_name=name))
            catch_up()

        assert shown() == shop.customers[0]

    def test_are_read_together(self, tell, known, catch_up, shop):
        for number in range(5):
            tell("customer.updated", told(tags=[str(number)]))
        catch_up()

        assert shop.asked == ["/api/admin/users/5001/"]

    def test_that_come_again_ask_for_nothing(self, tell, known, catch_up, shop):
        for _ in range(2):
            tell("customer.updated", told(), "one")
            catch_up()

        assert len(shop.asked) == 1

    def test_of_orders_bring_orders_and_counters(self, tell, known, catch_up, shop, shown):
        shop.customers = [told(orders_count=1, total_spent="75.00", user_type="customer")]
        shop.reports = {(5001, "orders"): [full("order")], (5001, "subscriptions"): [full("subscription")]}

        assert tell("order.created", order(user={"id": 5001})) == "to be read"
        catch_up()

        user = User.objects.get(pk=5001)
        assert shown() == shop.customers[0]
        assert (user.orders.get().document, user.subscriptions.count()) == (full("order"), 1)

    def test_of_orders_bring_in_who_was_not_known(self, tell, catch_up, shop, shown):
        tell("order.created", order(user={"id": 5001}))
        catch_up()

        assert shown() == shop.customers[0]

    def test_of_the_forgotten_are_final(self, tell, known, catch_up, shown):
        tell("customer.redacted", {"id": 5001})
        tell("customer.updated", told())
        catch_up()

        assert shown()["email"] is None

    def test_of_who_is_not_found_leave_them_as_they_are(self, tell, known, catch_up, shop, shown):
        shop.customers = [told(1)]
        tell("customer.updated", told(first_name="Grace"))

        catch_up()

        assert shown() == told()
        assert not Copy.objects.exclude(due_at=None).exists()

    def test_with_the_email_of_another_one_bring_both_to_be_read(self, tell, known, catch_up, shop, shown):
        shop.customers = [told(email="new@live.example"), told(5002, email="5001@live.example")]

        assert tell("customer.created", shop.customers[1]) == "applied"
        catch_up()

        assert [shown(id) for id in (5001, 5002)] == shop.customers

    def test_of_a_conflict_ask_for_nothing_more(self, tell, catch_up, shop, db):
        mine = make_user(email="5001@live.example")

        assert tell("customer.updated", told()) == "conflict"
        catch_up()

        assert shop.asked == []
        assert User.objects.get() == mine


class TestReader:
    def test_tries_again_later_where_the_store_is_away(self, tell, known, catch_up, shop, shown, monkeypatch, caplog):
        monkeypatch.setattr(client.time, "sleep", lambda seconds: None)
        shop.customers, shop.moods = [told(first_name="Grace")], [503] * refresh_worker.TRIES
        tell("customer.updated", told())

        with caplog.at_level(logging.WARNING):
            catch_up()

        assert "503 Service Unavailable" in caplog.text
        copy = Copy.objects.get()
        assert (copy.failures, copy.due_at > copy.waiting_since) == (1, True)

        Copy.objects.update(due_at=copy.waiting_since)
        catch_up()
        assert shown()["first_name"] == "Grace"
        assert Copy.objects.values_list("failures", "due_at").get() == (0, None)

    def test_reads_again_where_an_event_came_meanwhile(self, tell, known, catch_up, shop, shown):
        tell("customer.updated", told())
        reader, read = Reader(), []

        def changed_meanwhile(path):
            answer = client.StoreClient(shop.url, TOKEN, 0).get(path)
            if not read:
                shop.customers = [told(first_name="Grace")]
                tell("customer.updated", shop.customers[0])
            read.append(path)
            return answer

        reader.client_of(FollowedStore.objects.get()).get = changed_meanwhile
        while reader.read_next():
            pass

        assert len(read) == 2
        assert shown()["first_name"] == "Grace"

    def test_leaves_the_store_alone_when_its_token_can_not_be_read(self, tell, known, catch_up, shop, settings):
        tell("customer.updated", told())
        settings.SECRET_KEY = "another one"

        catch_up()

        assert shop.asked == []
        assert Copy.objects.get().failures == 1

    @pytest.mark.django_db(transaction=True)
    def test_shares_its_work_with_others(self, tell, shop):
        shop.customers = [told(id) for id in range(5001, 5009)]
        for customer in shop.customers:
            tell("customer.created", customer)
        shop.asked.clear()

        at_once([lambda: [Reader().read_next() for _ in shop.customers]] * 2)

        asked = [path for path in shop.asked if path.count("/") == 5]
        assert len(asked) == len(set(asked)) == len(shop.customers), connection.vendor
