"""No list reads the whole table of customers: checked by PostgreSQL's plans."""

import json

import pytest
from django.db import connection
from django.db.models import Max
from django.test.utils import CaptureQueriesContext

from customers.customer_count import count
from customers.dashboard.customers.paging import ORDERS
from customers.metadata.services import create_definition
from customers.models import User
from tests.support.crowd import A_PART, PEOPLE, explained, insert_crowd, needs, rows_read, scans_of_customers
from tests.support.dashboard import CUSTOMERS

pytestmark = pytest.mark.skipif(connection.vendor != "postgresql", reason="looks at PostgreSQL's plans")

QUERIES = [
    {},
    {"last": "1"},
    {"after": "midst"},
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
    {"tag": ["vip", "newsletter"]},
    {"user_type": ["customer", "lead"], "language": ["fr", "th"]},
    {"ordered_from": "2026-01-28"},
    {"first_order_from": "2026-01-15"},
    {"last_order_to": "2026-01-02"},
    *({"o": f"{sign}{name}"} for name in ORDERS for sign in ("", "-")),
    *({"o": f"{sign}{name}", "after": "midst"} for name in ORDERS for sign in ("", "-")),
    {"o": "-spent", "after": "midst", "user_type": "lead"},
    {"user_type": "customer", "o": "spent"},
    {"user_type": "lead", "o": "-spent"},
    {"spent_from": "100", "o": "orders"},
    {"orders_from": "2", "o": "spent"},
    {"tag": "vip", "o": "name"},
]
SEARCHES = [
    {"q": "c4ca4238"},
    {"q": "no such name"},
    {"q": "c4ca c81e"},
    {"q": "c4ca example"},
    {"q": "example"},
    {"q": "c4"},
    {"q": "zz"},
    {"q": "777"},
    {"q": "020 7000 0777"},
    {"q": "person-777@", "o": "name"},
]
PLACES = [
    {"country": "IS"},
    {"country": "US"},
    {"country": ["IS", "FR"]},
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
    {"metadata.points": "777", "o": "name"},
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
    insert_crowd()
    count(up_to=User.objects.aggregate(last=Max("pk"))["last"])
    return as_role("Viewer")


def read(browser, query: dict) -> tuple[list[dict], int]:
    """The plans of a page's queries of customers, and the number of customers that the page shows."""
    if query.get("after") == "midst":
        query = {**query, "after": User.objects.order_by("pk").values_list("pk", flat=True)[PEOPLE // 2]}
    with CaptureQueriesContext(connection) as queries:
        page = browser.get(CUSTOMERS, query)
    assert page.status_code == 200
    statements = [each["sql"] for each in queries if 'FROM "customers_user"' in each["sql"]]
    assert len(statements) >= 3  # who is found, the page, the newest ones' tags
    return [explained(sql) for sql in statements], page.context_data["cl"].result_count


def wasteful(browser, query: dict) -> list[str]:
    """The plans of a page's queries that read more than a part of the customers, or all to find few."""
    plans, number = read(browser, query)
    return [
        json.dumps(plan, indent=1)
        for plan in plans
        if rows_read(plan) > A_PART or (number < 500 and "Seq Scan" in scans_of_customers(plan))
    ]


class TestListsOfACrowd:
    def test_filters_and_orders_read_only_a_part_of_the_table(self, crowd):
        plans = {str(query): wasteful(crowd, query) for query in QUERIES}

        assert {query: plan for query, plan in plans.items() if plan} == {}

        # Many match, and all joined long ago.
        plans, _ = read(crowd, {"ordered_to": "2026-01-06"})
        assert "buyer_newest" in json.dumps(plans)

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

    def test_list_shows_the_exact_number_of_many_customers(self, crowd):
        assert "20,000 customers" in crowd.get(CUSTOMERS).content.decode()
        assert "more than 2,000 customers" in crowd.get(CUSTOMERS, {"tag": "newsletter"}).content.decode()
