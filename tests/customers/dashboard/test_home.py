"""The numbers and charts on the home page."""

import re
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from customers.core.dates import start_of_day
from customers.dashboard import home, home_numbers, periods, statistics
from customers.dashboard.models import HomeNumbers
from customers.dashboard.statistics import Buyers, Part
from customers.dashboard.templatetags import charts
from customers.models import User
from customers.orders.services import record_order
from customers.privacy.erasure import erase
from oauth.actor import SYSTEM
from oauth.models import ApiUsage, App
from oauth.scopes import Scope
from tests.support.clients import USERS
from tests.support.dashboard import DASHBOARD
from tests.support.factories import address, make_owner, make_user, make_users
from tests.support.order_documents import order


def joined(parts) -> list[int]:
    return statistics.joined_within([part.moments for part in parts])


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

        days, months = periods.days(30, today), periods.months(12, today)

        assert joined(days) == [0] * 28 + [1, 2]
        assert joined(months) == [0] * 10 + [1, 6]
        assert [months[0].first.isoformat(), months[-1].end.isoformat()] == ["2025-04-01", "2026-04-01"]
        weeks = periods.days(13, today, length=7)
        assert [weeks[0].first.isoformat(), weeks[-1].end.isoformat()] == ["2025-12-01", "2026-03-02"]

    def test_new_customers_exclude_staff_and_the_erased(self, dashboard_client):
        make_users(3, user_type="customer")
        erase(make_users(2)[0].pk, by=SYSTEM)
        make_owner()

        page = dashboard_client.get(DASHBOARD)

        assert "New customers 4 none before" in text(page)
        assert "4 customers in all" in text(page)

    def test_charts_have_a_table_and_columns_that_lead_to_the_customers(self, dashboard_client):
        make_users(3)
        today = timezone.localdate()

        page = dashboard_client.get(DASHBOARD).content.decode()

        url = f"/dashboard/customers/customer/?joined_from={today}&amp;joined_to={today}"
        assert f'<a class="plot-column" href="{url}" tabindex="0" aria-label="{today:%d %b}, so far: 3">' in page
        assert f'<th scope="row">{today:%d %b} (so far)</th><td class="number"><a href="{url}">3</a></td>' in page
        assert 'y="0.00%" width="2.50%" height="100.00%" fill="url(#joined-partial)"' in page
        assert "<script>" not in page
        assert "style=" not in page

    def test_period_is_chosen_and_compared_with_the_one_before(self, dashboard_client):
        now = timezone.now()
        make_users(3, date_joined=now)
        make_users(2, date_joined=now - timedelta(days=7, minutes=1))

        page = text(dashboard_client.get(DASHBOARD, {"days": "7"}))
        assert "New customers 3 +50 % (2)" in page
        assert "Compared with the 7 days before" in page
        for other in ("30", "91", "365", "x", ""):
            assert "New customers 5" in text(dashboard_client.get(DASHBOARD, {"days": other})), other


class TestSales:
    def test_revenue_and_orders_of_the_period_lead_to_the_orders(self, dashboard_client, ada):
        bought(ada, days=1, total_incl_tax="1200.50", currency="USD")
        bought(ada, days=0, total_incl_tax="100", currency="USD")
        bought(ada, days=2, total_incl_tax="7", currency="EUR")
        bought(ada, days=40, total_incl_tax="650.25", currency="USD")

        page = dashboard_client.get(DASHBOARD)

        assert "Revenue 1,300.50 USD and 7.00 EUR +100 % (650.25 USD) Orders 3 +200 % (1)" in text(page)
        link = re.search(r'href="([^"]*)"><span class="figure-title">Orders', page.content.decode())
        assert dashboard_client.get(link[1].replace("&amp;", "&")).context_data["cl"].result_count == 3

    def test_scale_of_a_chart_has_round_numbers(self):
        for highest, ticks in [
            (0, [0, 1]), (1, [0, 1]), (3, [0, 1, 2, 3]), (5, [0, 2, 4, 6]), (31, [0, 10, 20, 30, 40]),
            (1300.5, [0, 500, 1000, 1500]),
        ]:  # fmt: skip
            assert charts.ticks_up_to(highest) == ticks, highest


class TestBuyers:
    def test_buyers_are_new_with_a_first_order_and_returning_with_a_second(self, dashboard_client, ada):
        grace, mary, joan = make_user(), make_user(), make_user()
        bought(ada, days=3)
        bought(ada, days=2)
        bought(grace, days=200)
        bought(grace, days=2)
        bought(mary, days=200)  # not within the period
        bought(joan, days=1, payment_status="voided")  # does not count

        since = start_of_day(days_ago(29).date())
        assert statistics.buyers_within((since, timezone.now())) == Buyers(new=1, returning=1)
        page = dashboard_client.get(DASHBOARD).content.decode()
        for title, customer in [("First-time buyers", ada), ("Returning buyers", grace)]:
            link = re.search(rf'href="([^"]*)"><span class="figure-title">{title}', page)
            found = dashboard_client.get(link[1].replace("&amp;", "&")).context_data["cl"].result_list
            assert [each.pk for each in found] == [customer.pk], title

    def test_buyers_are_new_if_earlier_orders_did_not_count(self, ada):
        bought(ada, days=200, is_test=True)
        bought(ada, days=2)

        since = start_of_day(days_ago(29).date())
        assert statistics.buyers_within((since, timezone.now())).new == 1


class TestParts:
    def test_customers_by_language_exclude_staff(self, db):
        make_users(2, language="fr")
        make_users(1, language=None)
        make_owner(language="fr")
        make_owner(language="de")

        assert statistics.people_by_language() == [Part("French", 2, "fr"), Part("not known", 1, None)]

    def test_customers_by_country_use_the_default_address(self, db):
        make_user(addresses=[address(country="GB"), address(country="FR")])
        make_user(addresses=[address(country="GB"), address(country="FR", is_default_for_shipping=True)])
        make_user(addresses=[address(country="FR")])

        assert statistics.people_by_country() == [Part("France", 2, "FR"), Part("United Kingdom", 1, "GB")]

    def test_rare_values_are_summed_up_as_others(self, db):
        codes = ["GB", "FR", "DE", "TH", "US", "CA", "SE", "NO", "IT", "ES"]
        for number, country in enumerate(codes):
            for _ in range(len(codes) - number):
                make_user(addresses=[address(country=country)])

        counts = statistics.people_by_country()

        assert len(counts) == 9
        assert counts[-1] == Part("others", 3, None)

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
    def test_home_of_a_new_store_shows_the_first_steps(self, dashboard_client, as_role, ada):
        make_users(4)
        assert "First steps" not in text(dashboard_client.get(DASHBOARD))
        erase(User.objects.exclude(pk=ada.pk).filter(is_staff=False).first().pk, by=SYSTEM)

        page = text(dashboard_client.get(DASHBOARD))

        assert "First steps Import your customers" in page
        assert "Invite a colleague Each with a role Create an API token" in page
        make_owner()
        assert "Each with a role Done" in text(dashboard_client.get(DASHBOARD))
        assert "Invite a colleague" not in text(as_role("Staff").get(DASHBOARD))
        assert "First steps" not in text(as_role("Viewer").get(DASHBOARD))

    def test_home_shows_no_numbers_to_staff_without_a_role(self, dashboard_client, owner):
        User.objects.filter(pk=owner.pk).update(is_superuser=False)

        page = text(dashboard_client.get(DASHBOARD))

        assert "New customers" not in page

    def test_home_query_count_is_constant(self, dashboard_client, django_assert_num_queries):
        make_users(home.NEW_STORE)
        dashboard_client.get(DASHBOARD)
        with CaptureQueriesContext(connection) as few:
            dashboard_client.get(DASHBOARD)
        for user in make_users(20, language="th", user_type="customer"):
            bought(user, days=user.pk % 5)

        with django_assert_num_queries(len(few)):
            dashboard_client.get(DASHBOARD)

    def test_home_of_a_large_store_shows_what_the_worker_kept_and_counts_nothing(self, dashboard_client, monkeypatch):
        monkeypatch.setattr(home_numbers, "KEPT_FROM", 1)
        bought(make_user(email="first@example.com", language="th"), days=1)
        home_numbers.run(Event(), until_empty=True)
        make_user(email="second@example.com", language="sv")
        for name in home_numbers.COMPUTED:
            monkeypatch.setitem(home_numbers.COMPUTED, name, None)  # a page that computes fails

        pages = [text(dashboard_client.get(DASHBOARD, {"days": days})) for days in periods.CHOICES]

        assert all("second@example.com" in page and "Thai" in page and "Swedish" not in page for page in pages)
        assert all("Orders 1" in page for page in pages)

    def test_worker_computes_home_again_when_it_is_due_and_on_a_new_day(self, db, monkeypatch, noon):
        monkeypatch.setattr(home_numbers, "KEPT_FROM", 1)
        make_user()
        home_numbers.run(Event(), until_empty=True)
        ages = {"sales-7": home_numbers.KEPT_FOR, "sales-365": home_numbers.KEPT_FOR, "customers-91": timedelta(days=1)}
        for name, age in ages.items():
            HomeNumbers.objects.filter(pk=name).update(computed_at=timezone.now() - age, values={})
        settled = HomeNumbers.objects.values_list("pk", "values")

        home_numbers.run(Event(), until_empty=True)

        assert {name for name, values in settled if not values} == {"sales-365"}

    def test_home_of_a_large_store_without_a_worker_computes_and_keeps_the_numbers(self, dashboard_client, monkeypatch):
        monkeypatch.setattr(home_numbers, "KEPT_FROM", 1)
        make_user(language="th")
        assert "Thai" in text(dashboard_client.get(DASHBOARD))
        make_user(language="sv")

        assert "Swedish" not in text(dashboard_client.get(DASHBOARD))
        HomeNumbers.objects.update(computed_at=timezone.now() - 3 * home_numbers.KEPT_FOR)
        assert "Swedish" in text(dashboard_client.get(DASHBOARD))

    def test_home_links_to_the_own_account(self, dashboard_client):
        assert 'href="/dashboard/account/"' in dashboard_client.get(DASHBOARD).content.decode()

    def test_home_refuses_api_tokens(self, api):
        client = api(Scope.USERS_READ)

        assert client.get(USERS).status_code == 200
        assert client.get(DASHBOARD).status_code == 302
