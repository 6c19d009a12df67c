"""No filter of the list of users scans the table on PostgreSQL."""

import pytest
from django.db import connection

from tests.support.clients import USERS
from tests.support.crowd import FOLDED

QUERIES = [
    {},
    {"email": "person-777@example.com"},
    {"email": "nobody@example.com"},
    {"language": "fr"},
    {"language": "th"},
    {"user_type": "customer"},
    {"user_type": "dashboard"},
    {"user_type": "nonsense"},
    {"is_blocked": "true"},
    {"is_blocked": "false"},
    {"accepts_marketing": "true"},
    {"accepts_marketing": "false"},
    {"date_joined_from": "2026-01-01", "date_joined_to": "2026-01-02"},
    {"date_joined_from": "2026-01-05"},
    {"date_joined_to": "2025-12-31"},
    {"language": "fr", "is_blocked": "true"},
    {"page_size": "250"},
]


@pytest.fixture
def admin_client(api):
    """Its store has 20,000 people; one in a hundred is rare in each way."""
    if connection.vendor != "postgresql":
        pytest.skip("looks at PostgreSQL's plans")
    with connection.cursor() as cursor:
        cursor.execute(f"""
            INSERT INTO customers_user
                (email, email_key, first_name, last_name, phone_number, language,
                 user_type, is_blocked, accepts_marketing, date_joined, updated_at,
                 password, is_superuser, is_active, tags, orders_count, subscriptions_count, total_spent,
                 full_name, search_text)
            SELECT 'person-' || n || '@example.com', 'person-' || n || '@example.com',
                   md5(n::text), md5((n + 1)::text), '+4420' || (70000000 + n),
                   CASE WHEN n % 100 = 0 THEN 'fr' WHEN n % 2 = 0 THEN 'en' END,
                   CASE WHEN n % 100 = 1 THEN 'customer' ELSE 'lead' END, n % 100 = 2, n % 100 = 3,
                   '2026-01-01'::timestamptz + n * interval '1 minute', now(), '!', false, true, '[]', 0, 0, 0,
                   {FOLDED}
            FROM generate_series(1, 20000) n
        """)
        cursor.execute("ANALYZE customers_user")
    return api("users:read")


def plan_with_scan(client, query, capture) -> str | None:
    """The plan of the list's query where it scans the table."""
    with capture as queries:
        page = client.get(USERS, query)
    assert page.status_code == 200
    (sql,) = [each["sql"] for each in queries if 'FROM "customers_user"' in each["sql"]]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}".replace("%", "%%"))
        plan = "\n".join(line for (line,) in cursor.fetchall())
    return plan if "Seq Scan on customers_user" in plan else None


def test_every_filter_of_users_is_served_by_an_index(admin_client, django_assert_max_num_queries):
    plans = {str(query): plan_with_scan(admin_client, query, django_assert_max_num_queries(5)) for query in QUERIES}

    assert {query: plan for query, plan in plans.items() if plan} == {}


def test_cursor_in_the_middle_is_served_by_an_index(admin_client, django_assert_max_num_queries):
    page = admin_client.get(USERS, {"page_size": 250}).json()
    for _ in range(3):
        page = admin_client.get(page["next"]).json()
    cursor = page["next"].partition("cursor=")[2].partition("&")[0]

    assert plan_with_scan(admin_client, {"cursor": cursor}, django_assert_max_num_queries(5)) is None


def test_part_of_name_or_phone_number_is_served_by_an_index(admin_client, django_assert_max_num_queries):
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_trgm')")
        if not cursor.fetchone()[0]:
            pytest.skip("the extension pg_trgm is not installed on this server")
        # As a vacuum would: rows that wait to be put into an index raise its estimated cost.
        cursor.execute("SELECT gin_clean_pending_list('user_search_text_trigrams'::regclass)")

    for query in (
        {"name": "c4ca4238"},
        {"name": "no such name"},
        {"phone_number": "70000777"},
        {"phone_number": "999999"},
    ):
        assert plan_with_scan(admin_client, query, django_assert_max_num_queries(8)) is None, query


def test_part_of_a_name_is_planned_for_itself_each_time(admin_client):
    """A prepared statement soon has one plan for all names, which is wrong for most of them."""
    for _ in range(3):
        admin_client.get(USERS, {"name": "c4ca4238"})
        admin_client.get(USERS, {"language": "fr"})

    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements WHERE statement LIKE '%\"language\" = %'")
        assert cursor.fetchall()
        cursor.execute("SELECT statement FROM pg_prepared_statements WHERE statement LIKE '%search_text%'")
        assert cursor.fetchall() == []
