"""The numbers and charts on the home page."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from customers import services
from customers.dashboard import home, statistics
from customers.models import Event, User
from customers.orders.services import record_order
from oauth.actor import SYSTEM
from oauth.models import ApiUsage, App
from oauth.scopes import Scope
from tests.support.clients import USERS
from tests.support.dashboard import DASHBOARD
from tests.support.database import by_database
from tests.support.factories import address, make_owner, make_user, make_users
from tests.support.order_documents import order


def days_ago(number: int) -> datetime:
    return timezone.now() - timedelta(days=number)


def text(page) -> str:
    """What the page says, without its markup."""
    return " ".join(re.sub(r"<[^>]*>", " ", page.content.decode()).split())


def bought(user, *, days: int, **fields) -> None:
    placed = days_ago(days).isoformat()
    record_order(user_id=user.pk, document=order(number=f"{user.pk}-{days}", date_placed=placed, **fields))


class TestCustomersOverTime:
    def test_new_customers_are_counted_by_day_and_month_in_the_store_time_zone(self, db, settings):
        settings.TIME_ZONE = "Pacific/Kiritimati"  # 14 hours ahead
        timezone.deactivate()
        today = datetime(2026, 3, 1, tzinfo=UTC).date()
        make_users(2, date_joined=datetime(2026, 2, 28, 10, 0, tzinfo=UTC))  # midnight there
        make_users(1, date_joined=datetime(2026, 2, 28, 9, 59, tzinfo=UTC))
        make_users(4, date_joined=datetime(2026, 3, 1, 10, 0, tzinfo=UTC))  # tomorrow

        days, months = statistics.last_days(today), statistics.last_months(today)

        assert statistics.joined_within(days) == [0] * 28 + [1, 2]
        assert statistics.joined_within(months) == [0] * 10 + [1, 6]
        assert [months[0].first.isoformat(), months[-1].end.isoformat()] == ["2025-04-01", "2026-04-01"]

    def test_new_customers_exclude_staff(self, dashboard_client):
        make_users(3)
        make_users(2, user_type="customer")
        make_owner()

        page = text(dashboard_client.get(DASHBOARD))

        assert "New customers in the last 30 days: 5" in page
        assert "New customers in the last 12 months: 5" in page

    def test_charts_have_a_table_for_screen_readers(self, dashboard_client):
        make_users(3)

        page = dashboard_client.get(DASHBOARD).content.decode()

        assert '<rect x="582.0" y="0.0" width="16.0" height="120.0">' in page
        assert "<title>New customers in the last 30 days</title>" in page
        assert f'<th scope="row">{timezone.localdate():%d %b}</th><td>3</td>' in page
        assert "<script>" not in page
        assert "style=" not in page


class TestBuyers:
    def test_buyers_are_new_with_a_first_order_and_returning_with_a_second(self, ada):
        grace, mary, joan = make_user(), make_user(), make_user()
        bought(ada, days=3)
        bought(ada, days=2)
        bought(grace, days=200)
        bought(grace, days=2)
        bought(mary, days=200)  # not within the period
        bought(joan, days=1, payment_status="voided")  # does not count

        buyers = statistics.buyers_since(days_ago(29).date())

        assert buyers == statistics.Buyers(new=1, returning=1)

    def test_buyers_are_new_if_earlier_orders_did_not_count(self, ada):
        bought(ada, days=200, is_test=True)
        bought(ada, days=2)

        assert statistics.buyers_since(days_ago(29).date()).new == 1


class TestLeadsTurnedCustomers:
    def test_leads_turned_customers_are_counted_from_the_timeline(self, ada):
        grace = make_user(user_type="customer")
        bought(ada, days=100)  # reported now
        services.update_user(grace.pk, by=SYSTEM, user_type="lead")

        assert statistics.leads_turned_customers_since(days_ago(29).date()) == 1
        Event.objects.update(at=days_ago(40))
        assert statistics.leads_turned_customers_since(days_ago(29).date()) == 0


class TestParts:
    def test_customers_by_language_exclude_staff(self, db):
        make_users(2, language="fr")
        make_users(1, language=None)
        make_owner(language="fr")
        make_owner(language="de")

        assert statistics.people_by_language() == [("French", 2), ("not known", 1)]

    def test_customers_by_country_use_the_default_address(self, db):
        make_user(addresses=[address(country="GB"), address(country="FR")])
        make_user(addresses=[address(country="GB"), address(country="FR", is_default_for_shipping=True)])
        make_user(addresses=[address(country="FR")])

        assert statistics.people_by_country() == [("France", 2), ("United Kingdom", 1)]

    def test_rare_values_are_summed_up_as_others(self, db):
        codes = ["GB", "FR", "DE", "TH", "US", "CA", "SE", "NO", "IT", "ES"]
        for number, country in enumerate(codes):
            for _ in range(len(codes) - number):
                make_user(addresses=[address(country=country)])

        counts = statistics.people_by_country()

        assert len(counts) == 9
        assert counts[-1] == ("others", 3)

    def test_home_links_to_the_newest_customers(self, dashboard_client, ada):
        page = dashboard_client.get(DASHBOARD).content.decode()

        assert f'<a href="/dashboard/customers/customer/{ada.pk}/change/">Ada Lovelace</a>' in page

    def test_home_escapes_names(self, dashboard_client):
        make_user(first_name="<b>Bobby")

        page = dashboard_client.get(DASHBOARD).content.decode()

        assert "&lt;b&gt;Bobby" in page
        assert "<b>Bobby" not in page


class TestApiCalls:
    def test_api_calls_are_shown_by_app(self, dashboard_client, api):
        api(Scope.USERS_READ, app_name="ERP")
        ApiUsage.objects.create(app=App.objects.get(), hour=days_ago(1), calls=1234)
        ApiUsage.objects.create(app=App.objects.get(), hour=days_ago(40), calls=5)

        page = text(dashboard_client.get(DASHBOARD))

        assert "ERP 1,234 calls, 100 % 1,234" in page

    @pytest.mark.parametrize("role", ["Staff", "Viewer"])
    def test_api_calls_are_shown_only_to_roles_that_may_see_apps(self, as_role, role):
        page = text(as_role(role).get(DASHBOARD))

        assert "API calls" not in page
        assert "New customers" in page


class TestThePage:
    def test_home_works_for_an_empty_store(self, dashboard_client):
        page = dashboard_client.get(DASHBOARD)

        assert page.status_code == 200
        assert "None yet." in text(page)

    def test_home_shows_no_numbers_to_staff_without_a_role(self, dashboard_client, owner):
        User.objects.filter(pk=owner.pk).update(is_superuser=False)

        page = text(dashboard_client.get(DASHBOARD))

        assert "New customers" not in page

    def test_home_query_count_is_constant(self, dashboard_client, django_assert_num_queries):
        dashboard_client.get(DASHBOARD)
        few = by_database(postgresql=14, sqlite=13)  # the one estimates how many people there are
        with django_assert_num_queries(few):
            dashboard_client.get(DASHBOARD)
        for user in make_users(20, language="th", user_type="customer"):
            bought(user, days=user.pk % 5)

        with django_assert_num_queries(few):
            dashboard_client.get(DASHBOARD)

    def test_home_caches_counts_of_many_customers_but_not_the_newest(self, dashboard_client, monkeypatch):
        monkeypatch.setattr(home, "CACHED_FROM", -1)  # what PostgreSQL estimates before its first ANALYZE
        cache.clear()
        make_user(email="first@example.com", language="th")
        assert "Thai" in text(dashboard_client.get(DASHBOARD))
        make_user(email="second@example.com", language="sv")

        page = text(dashboard_client.get(DASHBOARD))

        assert "second@example.com" in page
        assert "Swedish" not in page
        cache.clear()
        assert "Swedish" in text(dashboard_client.get(DASHBOARD))

    def test_home_links_to_the_own_account(self, dashboard_client):
        assert 'href="/dashboard/account/"' in dashboard_client.get(DASHBOARD).content.decode()

    def test_home_refuses_api_tokens(self, api):
        client = api(Scope.USERS_READ)

        assert client.get(USERS).status_code == 200
        assert client.get(DASHBOARD).status_code == 302
