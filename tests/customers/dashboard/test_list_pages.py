"""The list of customers: its order, its pages, and the number of customers."""

import re
from urllib.parse import parse_qsl

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from customers import customer_count
from customers.dashboard.customers import counting, paging
from customers.dashboard.customers.list import CustomerListAdmin
from customers.models import User, UserType
from customers.orders.services import record_new
from tests.support.customer_list import found, page
from tests.support.dashboard import CUSTOMERS
from tests.support.factories import address, make_address, make_user, make_users
from tests.support.order_documents import order


class TestOrder:
    @pytest.fixture
    def people(self):
        names = {"b": ("Ben", 2, "10"), "a": ("", 0, "0"), "c": ("ada", 1, "30.5")}
        for email, (name, orders, spent) in names.items():
            person = make_user(email=f"{email}@example.com", first_name=name)
            User.objects.filter(pk=person.pk).update(
                orders_count=orders, total_spent=spent, user_type=UserType.CUSTOMER if orders else UserType.LEAD
            )

    def test_list_orders_by_column_both_ways(self, dashboard_client, people):
        for column, emails in [
            ("name", "cba"),  # those without a name are last
            ("mail", "abc"),
            ("orders", "acb"),
            ("spent", "abc"),
            ("joined", "bac"),
        ]:
            assert "".join(email[0] for email in found(dashboard_client, o=column)) == emails, column
            assert "".join(email[0] for email in found(dashboard_client, o=f"-{column}")) == emails[::-1], column

    def test_list_is_newest_first_by_default(self, dashboard_client, people):
        assert [email[0] for email in found(dashboard_client)] == ["c", "a", "b"]

    def test_actions_are_before_the_rows_for_the_keyboard(self, dashboard_client, people):
        content = page(dashboard_client)

        bar, head, row = map(content.index, ('class="bar-bottom"', 'id="action-toggle"', "c@example.com"))
        assert bar < head < row

    def test_click_on_a_header_sorts_and_the_next_one_turns_the_order(self, dashboard_client, people):
        def header(column: str, given: str) -> tuple[str, ...]:
            content = page(dashboard_client, o=given)
            return re.search(rf'column-{column}[^>]*?(?:aria-sort="(\w+)")?><a href="\?o=([^"]+)"', content).groups("")

        for column, given, expected in [
            ("name", "", ("", "name")),
            ("name", "name", ("ascending", "-name")),
            ("name", "-name", ("descending", "name")),
            ("spent", "name", ("", "-spent")),
            ("spent", "-spent", ("descending", "spent")),
            ("spent", "spent", ("ascending", "-spent")),
            ("joined", "", ("descending", "joined")),
        ]:
            assert header(column, given) == expected, (column, given)

    def test_list_survives_invalid_orders(self, dashboard_client, people):
        for wanted in ["99", "x", "-", "1.x", "3", "..", "-1.2.3"]:
            assert len(found(dashboard_client, o=wanted)) == 3, wanted


def walked(browser, direction: str, **query) -> list[str]:
    """The emails on all pages, from the first to the last one or the other way round."""
    start = {} if direction == "next" else {"last": "1"}
    emails: list[str] = []
    while True:
        cl = browser.get(CUSTOMERS, {**query, **start}).context_data["cl"]
        here = [customer.email or f"#{customer.pk}" for customer in cl.result_list]
        emails = [*emails, *here] if direction == "next" else [*here, *emails]
        if not (url := cl.next_url if direction == "next" else cl.previous_url):
            return emails
        ((name, value),) = ((n, v) for n, v in parse_qsl(url[1:]) if n in ("after", "before"))
        start = {name: value}


class TestPages:
    @pytest.fixture
    def small(self, monkeypatch):
        monkeypatch.setattr(counting, "MAX_COUNTED", 6)
        monkeypatch.setattr(CustomerListAdmin, "list_per_page", 2)
        cache.clear()

    @pytest.fixture
    def people(self, small):
        """Nine customers, many of them alike in each order."""
        for number in range(9):
            name, spent = ["", "ada", "Ben"][number % 3], number // 4
            joined = f"2026-01-0{1 + number // 3}T00:00:00Z"
            person = make_user(first_name=name, phone_number="+442079460018", date_joined=joined)
            type = UserType.CUSTOMER if spent else UserType.LEAD
            User.objects.filter(pk=person.pk).update(total_spent=spent, orders_count=spent, user_type=type)
            if number % 4 == 3:
                person.email = None
                User.objects.bulk_update([person], ["email"])

    def test_pages_reach_everybody_once_in_every_order_both_ways(self, dashboard_client, people):
        for query in ({}, {"q": "7946"}, {"q": "ada"}):  # all, more than are counted, and few
            for name in paging.ORDERS:
                for sign in ("", "-"):
                    order = f"{sign}{name}"
                    emails = walked(dashboard_client, "next", o=order, **query)
                    assert len(set(emails)) == len(emails) == (3 if query.get("q") == "ada" else 9), (query, order)
                    assert walked(dashboard_client, "previous", o=order, **query) == emails, (query, order)
                    if not sign:
                        assert walked(dashboard_client, "next", o=f"-{name}", **query) == emails[::-1], (query, order)

    def test_pages_and_number_of_those_who_ordered_until_a_day_are_whole(self, dashboard_client, people):
        newest = make_user(first_name="New").pk
        make_user(erased_at=timezone.now())
        days = {pk: "2026-02-02" if pk == newest else "2026-02-01" for pk in User.objects.values_list("pk", flat=True)}
        record_new([(pk, order(number=f"{pk}", date_placed=f"{day}T12:00:00Z")) for pk, day in days.items()], [])

        emails = walked(dashboard_client, "next", ordered_to="2026-02-01")
        assert len(set(emails)) == len(emails) == 9  # nobody from the staff, and nobody who was erased
        assert walked(dashboard_client, "previous", ordered_to="2026-02-01") == emails
        assert walked(dashboard_client, "next", ordered_to="2026-02-01", o="joined") == emails[::-1]
        for query in ("ordered_to=2026-02-01", "ordered_from=2026-01-01&last_order_to=2026-02-01"):
            answer = dashboard_client.get(f"{CUSTOMERS}count/?{query}", headers={"Accept": "application/json"})
            assert answer.json()["number"] == "9 customers", query

    def test_page_survives_parameters_that_lead_nowhere(self, dashboard_client, small):
        make_users(3)

        for query in [{"after": "x"}, {"after": "9" * 30}, {"after": "-1"}, {"before": "999"}, {"p": "7"}]:
            assert len(found(dashboard_client, **query)) == 2, query

    @pytest.mark.parametrize(("quantity", "text"), [(0, "0 customers"), (1, "1 customer"), (7, "7 customers")])
    def test_list_shows_the_exact_number_of_customers(self, dashboard_client, small, quantity, text):
        people = make_users(quantity)
        if people:
            customer_count.count(up_to=people[len(people) // 2].pk)

        assert re.search(rf"\b{text}\b", page(dashboard_client))

    def test_list_asks_for_the_number_of_many_matches_and_keeps_it(self, dashboard_client, small):
        make_users(7, language="fr")

        content = page(dashboard_client, language="fr")
        assert "more than 6 customers" in content
        assert 'data-url="/dashboard/customers/customer/count/?language=fr"' in content

        url = f"{CUSTOMERS}count/?language=fr"
        answer = dashboard_client.get(url, headers={"Accept": "application/json"}).json()
        assert answer["number"] == "7 customers"
        assert answer["counted_at"] == "counted just now"
        assert re.search("7 customers, counted <time [^>]+>just now</time>", page(dashboard_client, language="fr"))
        back = dashboard_client.get(url, headers={"Accept": "text/html"})
        assert back.headers["Location"] == f"{CUSTOMERS}?language=fr"

    def test_list_query_count_is_constant(self, dashboard_client, ada, django_assert_num_queries):
        make_address(ada)
        with CaptureQueriesContext(connection) as few:
            dashboard_client.get(CUSTOMERS)
        for _ in range(30):
            make_user(addresses=[address(), address()], tags=["vip"])

        with django_assert_num_queries(len(few)):
            dashboard_client.get(CUSTOMERS)
