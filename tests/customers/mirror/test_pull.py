"""`manage.py pull_store`: all customers of another store."""

import io
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers import services
from customers.jobs.models import Job
from customers.mirror import apply, client, payload
from customers.mirror import pull as pulling
from customers.mirror.models import Copy, FollowedStore
from customers.mirror.services import store_at
from customers.models import Address, Event, User
from oauth.actor import SYSTEM
from oauth.scopes import Scope
from tests.customers.mirror.conftest import erased, place, told
from tests.customers.mirror.shop import TOKEN, opened
from tests.support.clients import user_url
from tests.support.factories import address, make_user
from tests.support.order_documents import full

IDS = range(5008, 5000, -1)


@pytest.fixture
def shop(monkeypatch):
    monkeypatch.setenv("STORE_TOKEN", TOKEN)
    with opened() as served:
        served.customers = [told(id) for id in IDS]
        yield served


@pytest.fixture
def pull(shop, db):
    """What the command prints, and its exit code."""

    def run(*options: str, url: str = shop.url, rate: str = "0") -> tuple[str, int]:
        out = io.StringIO()
        try:
            call_command("pull_store", url, "--rate", rate, *options, stdout=out, stderr=out)
        except SystemExit as end:
            return out.getvalue(), end.code
        return out.getvalue(), 0

    return run


@pytest.fixture
def shown(api):
    client = api(Scope.USERS_READ)
    return lambda ids=IDS: [client.get(user_url(id)).json() for id in ids]


class TestPull:
    def test_brings_in_everybody_under_their_ids(self, shop, pull, shown):
        assert pull() == ("8 looked at: 8 new, 0 changed, 0 as they were, 0 not kept, 0 who work there left out.\n", 0)
        assert shown() == shop.customers

    def test_changes_nothing_a_second_time(self, pull):
        pull()
        events = Event.objects.count()

        assert pull()[0].startswith("8 looked at: 0 new, 0 changed, 8 as they were")
        assert Event.objects.count() == events

    def test_brings_in_what_differs_a_second_time(self, shop, pull, shown):
        pull()
        shop.customers[0] |= {"first_name": "Grace", "tags": []}
        shop.customers[4] |= {"addresses": [place(7), place(8, is_default_for_shipping=True)]}
        shop.customers.insert(0, told(5009))
        swapped = shop.customers[6]["email"], shop.customers[7]["email"]
        shop.customers[7]["email"], shop.customers[6]["email"] = swapped

        assert pull()[0].startswith("9 looked at: 1 new, 4 changed, 4 as they were")
        assert shown([5009, *IDS]) == shop.customers

    def test_leaves_new_ids_to_the_other_store(self, pull):
        pull()

        assert make_user(addresses=[address()]).pk > 10**9

    def test_leaves_out_who_works_there(self, shop, pull):
        shop.customers[0]["user_type"] = "dashboard"

        assert pull()[0].endswith("1 who work there left out.\n")
        assert not User.objects.filter(pk=5008).exists()

    def test_brings_in_who_was_erased_there(self, shop, pull, shown):
        shop.customers[1] = erased(5007)
        shop.customers[2] = erased(5006)

        pull()
        shop.customers[0] = erased(5008)

        assert pull()[0].startswith("8 looked at: 0 new, 1 changed")
        assert shown() == shop.customers

    def test_tells_of_whom_it_can_not_keep_and_goes_on(self, shop, pull):
        mine = make_user(email="5003@live.example")
        User.objects.bulk_create([User(pk=5008, email="mine@example.com", first_name="Mine")])
        shop.customers[2]["phone_number"] = "5" * 200
        shop.customers[3] = "nobody"

        said, code = pull()

        assert code == 1
        assert "Customer 5008: another customer here has this id.\n" in said
        assert "Customer 5003: another customer here has this email.\n" in said
        assert "Customer 5006: phone_number can't be kept, and was left out.\n" in said
        assert said.endswith("8 looked at: 5 new, 0 changed, 0 as they were, 3 not kept, 0 who work there left out.\n")
        assert User.objects.get(pk=5008).first_name == "Mine"
        assert User.objects.get(email="5003@live.example") == mine

    def test_does_not_undo_what_was_told_meanwhile(self, shop, pull):
        pull()
        store = FollowedStore.objects.get()
        later = apply.now()
        Copy.objects.filter(pk=5008).update(state_at="2999-01-01T00:00:00Z")
        shop.customers[0]["first_name"] = "Former"

        pull()

        assert User.objects.get(pk=5008).first_name == "Ada"
        old = apply.copy(store, [payload.customer(told(5007, first_name="Former"))], as_of=later.replace(year=2000))
        assert old.outdated == {5007}

    def test_takes_as_many_queries_for_many_as_for_some(self, shop, pull):
        shop.page_size, shop.customers = 100, [told(id) for id in range(1, 3)]
        with CaptureQueriesContext(connection) as some:
            pull()
        shop.customers = [told(id) for id in range(101, 161)]
        with CaptureQueriesContext(connection) as many:
            pull()

        # The store is known, and the former pull is replaced.
        assert abs(len(many) - len(some)) <= 8


class TestOrders:
    @pytest.fixture(autouse=True)
    def bought(self, shop):
        shop.customers[0] |= {"orders_count": 9, "subscriptions_count": 1, "total_spent": "900.00"}
        shop.reports = {(5008, "orders"): [full("order")], (5008, "subscriptions"): [full("subscription")]}

    def test_are_brought_in_where_they_are_asked_for(self, pull):
        pull("--orders")

        user = User.objects.get(pk=5008)
        assert user.orders.get().document == full("order")
        assert user.subscriptions.get().document == full("subscription")

    def test_leave_the_counters_as_the_store_tells_them(self, pull):
        pull("--orders")

        user = User.objects.get(pk=5008)
        assert (user.orders_count, user.total_spent, user.subscriptions_count) == (9, Decimal("900.00"), 1)

    def test_are_asked_for_of_those_who_have_any(self, shop, pull):
        pull("--orders")

        assert [path for path in shop.asked if "orders" in path] == ["/api/admin/users/5008/orders/"]

    def test_are_left_alone_else(self, shop, pull):
        pull()

        assert not any("orders" in path for path in shop.asked)

    def test_that_make_no_sense_are_told_of(self, shop, pull):
        shop.reports[5008, "orders"] = [{"number": "1"}, "nonsense", full("order")]

        said, _ = pull("--orders")

        assert "Customer 5008: order: date_placed.\n" in said
        assert User.objects.get(pk=5008).orders.count() == 1


class TestPatience:
    @pytest.fixture
    def waited(self, monkeypatch):
        """Seconds; nobody waits for them."""
        seconds: list[float] = []
        monkeypatch.setattr(client.time, "sleep", seconds.append)
        return seconds

    def test_waits_as_long_as_it_is_told_to(self, shop, pull, waited, shown):
        shop.moods, shop.retry_after = [200, 429, 429], "3"

        pull()

        assert waited == [3, 3]
        assert shown() == shop.customers

    def test_waits_ever_longer_for_a_store_that_is_away(self, shop, pull, waited, shown):
        shop.moods = [500, 502, "hang up", 503]

        pull()

        assert waited == [1, 2, 0, 8]
        assert shown() == shop.customers

    def test_comes_to_an_end_and_can_be_gone_on_with(self, shop, pull, waited, shown):
        shop.moods = [200, *[503] * client.TRIES]

        with pytest.raises(CommandError, match=r"503 Service Unavailable\. What was brought in is kept; --resume"):
            pull()
        assert User.objects.filter(pk__lt=10**9, pk__gt=5000).count() == 3
        shop.asked.clear()

        said, _ = pull("--resume")

        assert said.splitlines()[0] == "Going on after 3 customers."
        assert shop.asked == [f"/api/admin/users/?cursor={number}" for number in (3, 6)]
        assert shown() == shop.customers

    def test_asks_no_faster_than_it_may(self, pull, waited):
        pull(rate="0.25")

        assert len(waited) == 2
        assert all(0 < each < 4.1 for each in waited)


class TestRefusals:
    @pytest.mark.parametrize(
        "url", ["store.example", "ftp://store.example", "https://", "https://a:b@c", "https://a/b/"]
    )
    def test_of_what_is_no_address(self, pull, url):
        with pytest.raises(CommandError, match="address of a store"):
            pull(url=url)

    def test_of_plain_http_where_the_store_is_in_production(self, pull, settings):
        settings.WEBHOOKS_ALLOW_HTTP = False

        with pytest.raises(CommandError, match="address of a store"):
            pull()

    def test_of_a_wrong_token(self, pull, monkeypatch):
        monkeypatch.setenv("STORE_TOKEN", "wrong")

        with pytest.raises(CommandError, match="401 Unauthorized"):
            pull()

    def test_of_no_token(self, pull, monkeypatch):
        monkeypatch.delenv("STORE_TOKEN")

        with pytest.raises(CommandError, match="STORE_TOKEN"):
            pull()

    def test_of_what_is_no_page(self, shop, pull):
        shop.customers = []

        with pytest.raises(CommandError, match="a page of customers"):
            pull()

    def test_to_take_the_token_elsewhere(self, shop, pull, shown):
        with opened() as elsewhere:
            shop.link_to = elsewhere.url

            pull()

        assert elsewhere.asked == []
        assert shown() == shop.customers

    def test_to_go_on_with_nothing(self, pull):
        with pytest.raises(CommandError, match="no pull"):
            pull("--resume")


class TestKept:
    def test_is_a_page_with_the_place_of_the_next_one(self, shop, pull, shown):
        """As after a kill: the steps end anywhere, between transactions."""
        store = store_at(shop.url)
        job = pulling.begin(store, with_reports=False)
        steps = pulling.steps(job, client.StoreClient(shop.url, TOKEN, 0))
        next(steps)  # was read, and not stored
        steps.close()
        assert not Copy.objects.exists()

        assert pull("--resume")[0].endswith(
            "8 looked at: 8 new, 0 changed, 0 as they were, 0 not kept, 0 who work there left out.\n"
        )
        assert shown() == shop.customers

    def test_is_no_token(self, pull):
        pull()

        assert FollowedStore.objects.get().token == ""
        assert TOKEN not in str(Job.objects.get().options)

    def test_are_changes_that_are_made_here_until_the_next_pull(self, pull):
        pull()
        services.update_user(5008, by=SYSTEM, first_name="Mine")
        Address.objects.filter(user=5008).delete()

        assert pull()[0].startswith("8 looked at: 0 new, 1 changed, 7 as they were")
        assert User.objects.get(pk=5008).first_name == "Ada"
        assert Address.objects.filter(user=5008).count() == 1
