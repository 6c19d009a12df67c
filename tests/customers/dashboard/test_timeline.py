"""The timeline on the page of a customer."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from customers import history, services, timeline
from customers.models import Event, Note
from customers.orders.models import Order
from customers.orders.services import record_order, record_subscription
from oauth.actor import SYSTEM, Actor
from oauth.models import App
from tests.support.dashboard import customer_url
from tests.support.factories import make_address, make_note, make_user
from tests.support.order_documents import order, subscription


def entries_of(page) -> list[str]:
    """Their texts, without the tags."""
    found = re.findall(
        r'<li class="customer-\w+">(.*?)</li>\s*(?=<li class="customer-|</ol>)', page.content.decode(), re.S
    )
    exact = [re.sub(r'<time[^>]*title="([^"]*)"[^>]*>[^<]*', r"\1", each) for each in found]
    return [" ".join(re.sub("<[^>]+>", " ", each).split()).replace(" ,", ",") for each in exact]


def links_of(page) -> dict[str, str]:
    """To other pages of the timeline."""
    return dict(
        reversed(pair) for pair in re.findall(r'<a href="(\?[^"]*)#timeline"[^>]*>(\w+)</a>', page.content.decode())
    )


@pytest.fixture
def actor(owner):
    return Actor(user_id=owner.pk)


@pytest.fixture
def through_an_app(owner, api):
    api(app_name="Mailer")
    return Actor(user_id=owner.pk, app_id=App.objects.get().pk)


class TestEntries:
    def test_timeline_is_newest_first_across_kinds(self, dashboard_client, ada, owner):
        moments = iter(datetime(2026, 1, day, tzinfo=UTC) for day in range(1, 9))
        Event.objects.update(at=next(moments))
        record_order(user_id=ada.pk, document=order(number="A1", date_placed=next(moments).isoformat()))
        Event.objects.filter(kind="changed").delete()
        make_note(ada, author=owner, message="Hello")
        Note.objects.update(created_at=next(moments))
        record_subscription(user_id=ada.pk, document=subscription(id=7, date_created=next(moments).isoformat()))
        make_note(make_user(), author=owner, message="of another")

        entries = entries_of(dashboard_client.get(customer_url(ada)))

        assert entries == [
            "2026-01-04 00:00:00 UTC Subscription 7, active",
            "2026-01-03 00:00:00 UTC Note by Olive Owner Hello",
            "2026-01-02 00:00:00 UTC Order A1, 20.00, paid",
            "2026-01-01 00:00:00 UTC Created by the store",
        ]

    def test_timeline_shows_actor_and_app(self, dashboard_client, ada, actor, through_an_app):
        services.update_user(ada.pk, by=actor, is_blocked=True)
        services.update_user(ada.pk, by=through_an_app, is_blocked=False)
        services.add_note(ada.pk, by=through_an_app, message="Hello")

        noted, unblocked, blocked, _ = entries_of(dashboard_client.get(customer_url(ada)))

        assert "Note by Olive Owner through Mailer" in noted
        assert unblocked.endswith("Unblocked by Olive Owner through Mailer")
        assert blocked.endswith("Blocked by Olive Owner")

    def test_timeline_shows_values_before_and_after(self, dashboard_client, ada, actor):
        changes = {"first_name": "Augusta", "tags": ["vip", "b2b"], "accepts_marketing": True, "metadata": {"a": [1]}}
        services.update_user(ada.pk, by=actor, **changes)

        changed = entries_of(dashboard_client.get(customer_url(ada)))[0]

        assert "Changed by Olive Owner" in changed
        assert "First name: Ada → Augusta" in changed
        assert "Tags: — → vip, b2b" in changed
        assert "Accepts marketing: no → yes" in changed
        assert "A: — → 1" in changed

    def test_timeline_shows_address_changes(self, dashboard_client, ada, actor):
        address = make_address(ada)
        services.update_address(ada.pk, address.pk, by=actor, line4="Leeds")
        services.delete_address(ada.pk, address.pk, by=actor)

        deleted, changed, added, _ = entries_of(dashboard_client.get(customer_url(ada)))

        assert "Address added by the store" in added
        assert "City: — → London" in added
        assert "Is default for billing: — → yes" in added
        assert changed.endswith("Address changed by Olive Owner City: London → Leeds")
        assert "City: Leeds → —" in deleted
        assert "Id:" not in added + changed + deleted

    def test_timeline_shows_times_in_the_store_time_zone(self, dashboard_client, ada, settings):
        settings.TIME_ZONE = "Asia/Bangkok"
        Event.objects.update(at=datetime(2026, 1, 1, 20, 30, tzinfo=UTC))

        (created,) = entries_of(dashboard_client.get(customer_url(ada)))

        assert created.startswith("2026-01-02 03:30:00 +07 (2026-01-01 20:30:00 UTC)")

    @pytest.mark.parametrize("changes", [{}, {"file": "customers.csv"}, {"rows": 3}, {"a": [1, 2, 3]}, {"a": None}])
    def test_timeline_survives_events_of_any_content(self, dashboard_client, ada, changes):
        history.record([history.event(ada.pk, Event.Kind.EXPORTED, SYSTEM, changes)])

        assert "Exported by the store" in entries_of(dashboard_client.get(customer_url(ada)))[0]

    def test_timeline_of_a_customer_without_events_is_empty(self, dashboard_client, ada):
        Event.objects.all().delete()

        assert "Nothing yet." in dashboard_client.get(customer_url(ada)).content.decode()


class TestPages:
    def test_timeline_pages_hold_fifty_entries_and_lead_to_older_ones(self, dashboard_client, ada, owner):
        for number in range(60):
            history.record([history.event(ada.pk, Event.Kind.EXPORTED, SYSTEM, {"number": [None, f"e{number}."]})])
            make_note(ada, author=owner, message=f"n{number}.")
        moment = timezone.now().replace(microsecond=123456)
        # Most at the same moment: a page may end anywhere within them.
        Event.objects.update(at=moment)
        Note.objects.update(created_at=moment)
        for note in Note.objects.all()[:5]:
            Note.objects.filter(pk=note.pk).update(created_at=moment - timedelta(microseconds=note.pk))

        seen, page, sizes = [], dashboard_client.get(customer_url(ada)), []
        while True:
            entries = entries_of(page)
            seen += entries
            sizes.append(len(entries))
            links = links_of(page)
            if "Older" not in links:
                break
            page = dashboard_client.get(customer_url(ada) + links["Older"])

        assert sizes == [50, 50, 21]
        named = re.findall(r"\b[en]\d+\.", " ".join(seen))
        assert len(named) == len(set(named)) == 120
        assert "Newest" in links

    def test_timeline_pages_stay_stable_when_events_are_added(self, dashboard_client, ada, owner):
        for number in range(60):
            make_note(ada, author=owner, message=f"n{number}.")
        older = customer_url(ada) + links_of(dashboard_client.get(customer_url(ada)))["Older"]
        before = entries_of(dashboard_client.get(older))

        make_note(ada, author=owner)

        assert entries_of(dashboard_client.get(older)) == before

    def test_timeline_survives_any_position(self, dashboard_client, ada):
        for position in [
            "x",
            "\0",
            "2026-01-01T00:00:00Z",
            "2026-01-01T00:00:00_1_1",
            "0001-01-01T00:00:00+14:00_1_1",
            "9999-12-31T23:59:59.999999Z_9_999999999999999999",
            "0001-01-01T00:00:00Z_0_1",
            f"{'9' * 5000}_1_1",
        ]:
            assert dashboard_client.get(customer_url(ada), {"before": position}).status_code == 200, position

    def test_timeline_query_count_is_constant(self, ada, owner, through_an_app, django_assert_num_queries):
        def fill():
            for _ in range(3):
                history.record([history.event(ada.pk, Event.Kind.EXPORTED, through_an_app)])
                services.add_note(ada.pk, by=through_an_app, message="Hello")
                record_order(user_id=ada.pk, document=order())
                record_subscription(user_id=ada.pk, document=subscription())

        for _ in range(2):
            fill()
            with django_assert_num_queries(5):  # events, notes, orders, subscriptions, carts
                page = timeline.read(ada.pk)
                assert all(str(entry.who) and str(entry.app) and entry.title for entry in page.entries)

    def test_timeline_leaves_out_hidden_kinds(self, ada):
        record_order(user_id=ada.pk, document=order())

        page = timeline.read(ada.pk, without=["order"])

        assert Order.objects.exists()
        assert {entry.kind for entry in page.entries} == {"event"}
