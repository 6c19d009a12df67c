"""That no list goes through the whole table: what PostgreSQL reads for it."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.dashboard.customers.list import CustomerListAdmin
from customers.metadata.services import create_definition
from tests.customers.dashboard.conftest import CUSTOMERS

pytestmark = pytest.mark.skipif(connection.vendor != "postgresql", reason="looks at PostgreSQL's plans")

PEOPLE = 20_000
# What the first 2,000 of every fourth row are found in.
A_PART = PEOPLE // 2

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
    """Of 20,000 people one in a hundred is rare in each way; the oldest and the newest are not alike."""
    viewer = as_role("Viewer")
    with connection.cursor() as cursor:
        cursor.execute(f"""
            INSERT INTO customers_user
                (email, first_name, last_name, phone_number, language, user_type, is_blocked, accepts_marketing,
                 date_joined, updated_at, password, is_superuser, is_active, tags, orders_count, subscriptions_count,
                 total_spent, metadata)
            SELECT 'person-' || n || '@example.com', md5(n::text), md5((n + 1)::text), '+4420' || (70000000 + n),
                   CASE WHEN n % 100 = 0 THEN 'fr' WHEN n % 2 = 0 THEN 'en' END,
                   CASE WHEN n % 4 = 1 THEN 'customer' ELSE 'lead' END, n % 100 = 2, n % 100 = 3,
                   '2026-01-01'::timestamptz + n * interval '1 minute', now(), '!', false, true,
                   CASE WHEN n < 200 THEN '["vip"]'::jsonb WHEN n % 2 = 0 THEN '["newsletter"]' ELSE '[]' END,
                   CASE WHEN n % 4 = 1 THEN 1 + n % 17 ELSE 0 END, 0, CASE WHEN n % 4 = 1 THEN n / 125.0 ELSE 0 END,
                   CASE WHEN n % 2 = 0 THEN jsonb_build_object(
                       'points', n % 1000, 'tier', CASE WHEN n % 100 = 0 THEN 'gold' ELSE 'silver' END,
                       'vip', n < 100, 'words', CASE WHEN n < 200 THEN '["common", "rare"]'::jsonb ELSE '["common"]' END
                   ) END
            FROM generate_series(1, {PEOPLE}) n
        """)
        cursor.execute("""
            INSERT INTO customers_address
                (user_id, first_name, last_name, line1, line2, line3, line4, state, postcode, country, phone_number,
                 notes, is_default_for_shipping, is_default_for_billing, created_at, updated_at)
            SELECT id, '', '', '1 High St', '', '', CASE WHEN id % 100 = 0 THEN 'Reykjavík' ELSE 'Springfield' END, '',
                   id % 5000, CASE WHEN id % 100 = 0 THEN 'IS' ELSE 'US' END, '', '', true, true,
                   now(), now()
            FROM customers_user WHERE user_type <> 'dashboard'
        """)
        for index in ("user_search_text_trigrams", "user_tags", "user_metadata", "address_place"):
            # As a vacuum would: rows that wait to be put into an index make it look dearer than it is.
            cursor.execute("SELECT gin_clean_pending_list(oid) FROM pg_class WHERE relname = %s", [index])
        cursor.execute("ANALYZE customers_user, customers_address")
    return viewer


def needs(extension: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_extension WHERE extname = %s)", [extension])
        if not cursor.fetchone()[0]:
            pytest.skip(f"the extension {extension} is not installed on this server")


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


def explained(sql: str) -> dict:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}".replace("%", "%%"))
        (plan,) = cursor.fetchone()
    return (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]


def nodes(plan: dict) -> list[dict]:
    return [plan, *(node for part in plan.get("Plans", []) for node in nodes(part))]


def scans_of_customers(plan: dict) -> dict[str, int]:
    """The kinds of scans, each with the rows that it looked at."""
    scans: dict[str, int] = {}
    for node in nodes(plan):
        if node.get("Relation Name") == "customers_user":
            looked_at = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
            scans[node["Node Type"]] = scans.get(node["Node Type"], 0) + looked_at * node["Actual Loops"]
    return scans


def rows_read(plan: dict) -> int:
    return sum(scans_of_customers(plan).values())


class TestListsOfACrowd:
    def test_read_a_part_of_it_for_every_filter_and_order(self, crowd):
        plans = {str(query): wasteful(crowd, query) for query in QUERIES}

        assert {query: plan for query, plan in plans.items() if plan} == {}

    def test_read_a_part_of_it_for_a_search(self, crowd):
        needs("pg_trgm")

        plans = {str(query): wasteful(crowd, query) for query in SEARCHES}

        assert {query: plan for query, plan in plans.items() if plan} == {}

    def test_read_a_part_of_it_for_an_address(self, crowd):
        needs("btree_gin")

        plans = {str(query): wasteful(crowd, query) for query in PLACES}

        assert {query: plan for query, plan in plans.items() if plan} == {}

    def test_read_a_part_of_it_for_a_defined_key_of_metadata(self, crowd):
        for key, type in DEFINED:
            create_definition(object="customer", key=key, name=key, type=type, enable_filter=True)

        plans = {str(query): wasteful(crowd, query) for query in METADATA}

        assert {query: plan for query, plan in plans.items() if plan} == {}

    def test_say_about_how_many_there_are(self, crowd):
        assert "about 20,000 customers" in crowd.get(CUSTOMERS).content.decode()
        assert "more than 2,000 customers" in crowd.get(CUSTOMERS, {"tag": "newsletter"}).content.decode()
