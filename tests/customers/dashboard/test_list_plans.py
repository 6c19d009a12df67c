"""No list reads the whole table of customers: checked by PostgreSQL's plans."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.dashboard.customers.list import CustomerListAdmin
from customers.metadata.services import create_definition
from tests.support.crowd import A_PART, explained, insert_crowd, needs, rows_read, scans_of_customers
from tests.support.dashboard import CUSTOMERS

pytestmark = pytest.mark.skipif(connection.vendor != "postgresql", reason="looks at PostgreSQL's plans")

COLUMN = {name: number for number, name in enumerate(CustomerListAdmin.list_display)}
QUERIES = [
    {},
    {"p": "40"},
    {"user_type": "customer"},
    {"user_type": "lead"},
    {"language": "fr"},
    {"language": "th"},
    {"is_blocked": "True"},
    {"is_blocked": "False"},
    {"accepts_marketing": "True"},
    {"accepts_marketing": "False"},
    {"tag": "vip"},
    {"tag": "newsletter"},
    {"tag": "none"},
    {"joined_from": "2026-01-02", "joined_to": "2026-01-02"},
    {"joined_to": "2025-12-31"},
    {"spent_from": "150"},
    {"spent_to": "0"},
    {"spent_from": "100.50", "spent_to": "101"},
    {"orders_from": "15"},
    {"orders_from": "1000"},
    *({"o": f"{sign}{number}"} for number in map(COLUMN.get, CustomerListAdmin.sortable_by) for sign in ("", "-")),
    {"user_type": "customer", "o": f"{COLUMN['spent']}"},
    {"user_type": "lead", "o": f"-{COLUMN['spent']}"},
    {"spent_from": "100", "o": f"{COLUMN['order_count']}"},
    {"orders_from": "2", "o": f"{COLUMN['spent']}"},
    {"tag": "vip", "o": f"{COLUMN['name']}"},
]
SEARCHES = [
    {"q": "c4ca4238"},
    {"q": "no such name"},
    {"q": "c4ca c81e"},
    {"q": "c4ca example"},
    {"q": "example"},
    {"q": "c4"},
    {"q": "zz"},
    {"q": "020 7000 0777"},
    {"q": "person-777@", "o": f"{COLUMN['name']}"},
]
PLACES = [
    {"country": "IS"},
    {"country": "US"},
    {"city": "Reykjavík"},
    {"state": "none"},
    {"postcode": "777"},
    {"city": "kjav"},
    {"city": "Re"},
    {"street": "1777 High"},
    {"street": "no such street"},
    {"street": "high st", "city": "springfield"},
    {"country": "US", "city": "reykjavík"},
]

DEFINED = [("points", "integer"), ("tier", "text"), ("vip", "boolean"), ("words", "multi_text")]
METADATA = [
    {"metadata.points": "777"},
    {"metadata.points": "777", "o": f"{COLUMN['name']}"},
    {"metadata.tier": "gold"},
    {"metadata.tier": "none"},
    {"metadata.vip": "True"},
    {"metadata.vip": "False"},
    {"metadata.words": "rare"},
    {"metadata.words": "common", "metadata.tier": "gold"},
]


@pytest.fixture
def crowd(as_role):
    """The browser of a viewer in a store of 20,000 customers."""
    viewer = as_role("Viewer")
    insert_crowd()
    return viewer


def wasteful(browser, query: dict) -> list[str]:
    """The plans of a page's queries that read more than a part of the customers, or all to find few."""
    with CaptureQueriesContext(connection) as queries:
        page = browser.get(CUSTOMERS, query)
    assert page.status_code == 200
    few = page.context_data["cl"].result_count < page.context_data["cl"].paginator.per_page * 10
    statements = [each["sql"] for each in queries if 'FROM "customers_user"' in each["sql"]]
    assert len(statements) >= 3  # who is found, the page, the newest ones' tags
    plans = [explained(sql) for sql in statements]
    return [
        json.dumps(plan, indent=1)
        for plan in plans
        if rows_read(plan) > A_PART or (few and "Seq Scan" in scans_of_customers(plan))
    ]


class TestListsOfACrowd:
    def test_filters_and_orders_read_only_a_part_of_the_table(self, crowd):
        plans = {str(query): wasteful(crowd, query) for query in QUERIES}

        assert {query: plan for query, plan in plans.items() if plan} == {}

    def test_search_reads_only_a_part_of_the_table(self, crowd):
        needs("pg_trgm")

        plans = {str(query): wasteful(crowd, query) for query in SEARCHES}

        assert {query: plan for query, plan in plans.items() if plan} == {}

    def test_address_filters_read_only_a_part_of_the_table(self, crowd):
        needs("pg_trgm")

        plans = {str(query): wasteful(crowd, query) for query in PLACES}

        assert {query: plan for query, plan in plans.items() if plan} == {}

    def test_custom_field_filters_read_only_a_part_of_the_table(self, crowd):
        for key, type in DEFINED:
            create_definition(object="customer", key=key, name=key, type=type, enable_filter=True)

        plans = {str(query): wasteful(crowd, query) for query in METADATA}

        assert {query: plan for query, plan in plans.items() if plan} == {}

    def test_list_shows_an_estimate_of_many_customers(self, crowd):
        assert "about 20,000 customers" in crowd.get(CUSTOMERS).content.decode()
        assert "more than 2,000 customers" in crowd.get(CUSTOMERS, {"tag": "newsletter"}).content.decode()
