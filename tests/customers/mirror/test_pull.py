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
from customers.mirror.arguments import clean_store_url
from customers.mirror.models import MirroredCustomer, MirroredStore
from customers.mirror.services import get_or_create_store
from customers.models import Address, Event, User
from oauth.actor import SYSTEM
from oauth.clock import database_now
from oauth.errors import ServiceError
from tests.support.factories import address, make_user
from tests.support.order_documents import full
from tests.support.remote_payloads import address_json, customer_json, erased_json
from tests.support.remote_store import TOKEN, serve_remote_store

IDS = range(5008, 5000, -1)


@pytest.fixture
def remote_store(remote_store, monkeypatch):
    monkeypatch.setenv("STORE_TOKEN", TOKEN)
    remote_store.customers = [customer_json(id) for id in IDS]
    return remote_store


@pytest.fixture
def pull(remote_store, db):
    """What the command prints, and its exit code."""

    def run(*options: str, url: str = remote_store.url, rate: str = "0") -> tuple[str, int]:
        out = io.StringIO()
        try:
            call_command("pull_store", url, "--rate", rate, *options, stdout=out, stderr=out)
        except SystemExit as end:
            return out.getvalue(), end.code
        return out.getvalue(), 0

    return run


@pytest.fixture
def all_shown(shown):
    """The customers as the Admin API shows them."""
    return lambda ids=IDS: [shown(id) for id in ids]


class TestPull:
    def test_pull_creates_all_customers_under_their_ids(self, remote_store, pull, all_shown):
        assert pull() == ("8 read: 8 created, 0 updated, 0 unchanged, 0 conflicts, 0 staff skipped.\n", 0)
        assert all_shown() == remote_store.customers

    def test_second_pull_changes_nothing(self, pull):
        pull()
        events = Event.objects.count()

        assert pull()[0].startswith("8 read: 0 created, 0 updated, 8 unchanged")
        assert Event.objects.count() == events

    def test_second_pull_updates_what_differs(self, remote_store, pull, all_shown):
        pull()
        remote_store.customers[0] |= {"first_name": "Grace", "tags": []}
        remote_store.customers[4] |= {"addresses": [address_json(7), address_json(8, is_default_for_shipping=True)]}
        remote_store.customers.insert(0, customer_json(5009))
        swapped = remote_store.customers[6]["email"], remote_store.customers[7]["email"]
        remote_store.customers[7]["email"], remote_store.customers[6]["email"] = swapped

        assert pull()[0].startswith("9 read: 1 created, 4 updated, 4 unchanged")
        assert all_shown([5009, *IDS]) == remote_store.customers

    def test_pull_reserves_the_next_ids_for_the_store(self, pull):
        pull()

        assert make_user(addresses=[address()]).pk > 10**9

    def test_pull_skips_staff(self, remote_store, pull):
        remote_store.customers[0]["user_type"] = "dashboard"

        assert pull()[0].endswith("1 staff skipped.\n")
        assert not User.objects.filter(pk=5008).exists()

    def test_pull_of_erased_customers(self, remote_store, pull, all_shown):
        remote_store.customers[1] = erased_json(5007)
        remote_store.customers[2] = erased_json(5006)

        pull()
        remote_store.customers[0] = erased_json(5008)

        assert pull()[0].startswith("8 read: 0 created, 1 updated")
        assert all_shown() == remote_store.customers

    def test_pull_reports_conflicts_and_dropped_values_and_continues(self, remote_store, pull):
        mine = make_user(email="5003@live.example")
        User.objects.bulk_create([User(pk=5008, email="mine@example.com", first_name="Mine")])
        remote_store.customers[2]["phone_number"] = "5" * 200
        remote_store.customers[3] = "nobody"

        output, code = pull()

        assert code == 1
        assert "Customer 5008: another customer here has this id.\n" in output
        assert "Customer 5003: another customer here has this email.\n" in output
        assert "Customer 5006: phone_number: the value can't be stored and was dropped.\n" in output
        assert output.endswith("8 read: 5 created, 0 updated, 0 unchanged, 3 conflicts, 0 staff skipped.\n")
        assert User.objects.get(pk=5008).first_name == "Mine"
        assert User.objects.get(email="5003@live.example") == mine

    def test_pull_does_not_overwrite_a_newer_state(self, remote_store, pull):
        pull()
        store = MirroredStore.objects.get()
        later = database_now()
        MirroredCustomer.objects.filter(pk=5008).update(synced_as_of="2999-01-01T00:00:00Z")
        remote_store.customers[0]["first_name"] = "Former"

        pull()

        assert User.objects.get(pk=5008).first_name == "Ada"
        former = payload.parse_customer(customer_json(5007, first_name="Former"))
        old = apply.sync(store, [former], as_of=later.replace(year=2000))
        assert old.outdated == {5007}

    def test_queries_of_a_pull_do_not_depend_on_the_size_of_a_page(self, remote_store, pull):
        remote_store.page_size, remote_store.customers = 100, [customer_json(id) for id in range(1, 3)]
        with CaptureQueriesContext(connection) as some:
            pull()
        remote_store.customers = [customer_json(id) for id in range(101, 161)]
        with CaptureQueriesContext(connection) as many:
            pull()

        # The store is known, and the former pull is replaced.
        assert abs(len(many) - len(some)) <= 8


class TestOrders:
    @pytest.fixture(autouse=True)
    def bought(self, remote_store):
        remote_store.customers[0] |= {"orders_count": 9, "subscriptions_count": 1, "total_spent": "900.00"}
        remote_store.documents = {(5008, "orders"): [full("order")], (5008, "subscriptions"): [full("subscription")]}

    def test_orders_are_pulled_with_the_option(self, pull):
        pull("--orders")

        user = User.objects.get(pk=5008)
        assert user.orders.get().document == full("order")
        assert user.subscriptions.get().document == full("subscription")

    def test_orders_leave_the_counters_of_the_store(self, pull):
        pull("--orders")

        user = User.objects.get(pk=5008)
        assert (user.orders_count, user.total_spent, user.subscriptions_count) == (9, Decimal("900.00"), 1)

    def test_orders_are_requested_only_for_customers_who_have_any(self, remote_store, pull):
        pull("--orders")

        assert [path for path in remote_store.requests if "orders" in path] == ["/api/admin/users/5008/orders/"]

    def test_orders_are_not_requested_without_the_option(self, remote_store, pull):
        pull()

        assert not any("orders" in path for path in remote_store.requests)

    def test_invalid_orders_are_reported(self, remote_store, pull):
        remote_store.documents[5008, "orders"] = [{"number": "1"}, "nonsense", full("order")]

        output, _ = pull("--orders")

        assert "Customer 5008: order: date_placed.\n" in output
        assert User.objects.get(pk=5008).orders.count() == 1


class TestStoreUnavailable:
    def test_pull_that_gave_up_can_be_resumed(self, remote_store, pull, waits, all_shown):
        remote_store.failures = [200, *[503] * client.ATTEMPTS]

        with pytest.raises(CommandError, match=r"503 Service Unavailable\. What was pulled so far is kept; --resume"):
            pull()
        assert User.objects.filter(pk__lt=10**9, pk__gt=5000).count() == 3
        remote_store.requests.clear()

        output, _ = pull("--resume")

        assert output.splitlines()[0] == "Continuing after 3 customers."
        assert remote_store.requests == [f"/api/admin/users/?cursor={number}" for number in (3, 6)]
        assert all_shown() == remote_store.customers

    def test_pull_keeps_to_the_rate(self, pull, waits):
        pull(rate="0.25")

        assert len(waits) == 2
        assert all(0 < wait < 4.1 for wait in waits)


class TestInvalidArguments:
    @pytest.mark.parametrize(
        "url", ["store.example", "ftp://store.example", "https://", "https://a:b@c", "https://a/b/"]
    )
    def test_invalid_address_of_a_store_is_rejected(self, url):
        with pytest.raises(ServiceError, match="address of a store"):
            clean_store_url(url)

    def test_plain_http_is_rejected_in_production(self, pull, settings):
        settings.WEBHOOKS_ALLOW_HTTP = False

        with pytest.raises(CommandError, match="address of a store"):
            pull()

    @pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "[::127.0.0.1]", "169.254.169.254", "store.example:22"])
    def test_private_addresses_and_other_ports_are_rejected_in_production(self, settings, host):
        settings.WEBHOOKS_ALLOW_PRIVATE = False
        settings.WEBHOOKS_PORTS = [(80, 80), (443, 443), (1024, 65535)]

        with pytest.raises(ServiceError, match="Nothing is sent to this"):
            clean_store_url(f"https://{host}")

    def test_wrong_token_is_rejected(self, pull, monkeypatch):
        monkeypatch.setenv("STORE_TOKEN", "wrong")

        with pytest.raises(CommandError, match="401 Unauthorized"):
            pull()

    def test_missing_token_is_rejected(self, pull, monkeypatch):
        monkeypatch.delenv("STORE_TOKEN")

        with pytest.raises(CommandError, match="STORE_TOKEN"):
            pull()

    def test_answer_that_is_no_page_is_rejected(self, remote_store, pull):
        remote_store.customers = []

        with pytest.raises(CommandError, match="a page of customers"):
            pull()

    def test_resume_without_an_unfinished_pull_is_rejected(self, pull):
        with pytest.raises(CommandError, match="no unfinished pull"):
            pull("--resume")

    def test_links_to_another_host_do_not_get_the_token(self, remote_store, pull, all_shown):
        with serve_remote_store() as elsewhere:
            remote_store.link_to = elsewhere.url

            pull()

        assert elsewhere.requests == []
        assert all_shown() == remote_store.customers


class TestState:
    def test_pull_that_was_killed_between_pages_can_be_resumed(self, remote_store, pull, all_shown):
        store = get_or_create_store(remote_store.url)
        job = pulling.start_pull(store, with_orders=False)
        steps = pulling.steps(job, client.StoreClient(remote_store.url, TOKEN, 0))
        next(steps)  # fetched, and not saved
        steps.close()
        assert not MirroredCustomer.objects.exists()

        assert pull("--resume")[0].endswith(
            "8 read: 8 created, 0 updated, 0 unchanged, 0 conflicts, 0 staff skipped.\n"
        )
        assert all_shown() == remote_store.customers

    def test_pull_does_not_keep_the_token(self, pull):
        pull()

        assert MirroredStore.objects.get().token == ""
        assert TOKEN not in str(Job.objects.get().options_json)

    def test_local_edits_stay_until_the_next_pull(self, pull):
        pull()
        services.update_user(5008, by=SYSTEM, first_name="Mine")
        Address.objects.filter(user=5008).delete()

        assert pull()[0].startswith("8 read: 0 created, 1 updated, 7 unchanged")
        assert User.objects.get(pk=5008).first_name == "Ada"
        assert Address.objects.filter(user=5008).count() == 1
