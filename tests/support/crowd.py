"""20,000 customers, and what PostgreSQL reads of them for a query."""

import json

import pytest
from django.db import connection

PEOPLE = 20_000
# What the first 2,000 of every fourth row are found in.
A_PART = PEOPLE // 2
# `full_name` and `search_text` of the person with the number n.
FOLDED = r"""
    md5(n::text) || E'\n' || md5((n + 1)::text),
    concat_ws(' ', md5(n::text), md5((n + 1)::text), 'person-' || n || '@example.com', '+4420' || (70000000 + n))
"""


def insert_crowd() -> None:
    """Of 20,000 people one in a hundred is rare in each way; the oldest and the newest are not alike.

    Deletes all people first. Otherwise the size of the files that other tests leave would decide PostgreSQL's plans.
    """
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE customers_user CASCADE")
        cursor.execute(f"""
            INSERT INTO customers_user
                (email, email_key, first_name, last_name, phone_number, language, user_type, is_blocked,
                 accepts_marketing, date_joined, updated_at, password, is_superuser, is_active, tags,
                 orders_count, subscriptions_count, total_spent, metadata, full_name, search_text)
            SELECT 'person-' || n || '@example.com', 'person-' || n || '@example.com',
                   md5(n::text), md5((n + 1)::text), '+4420' || (70000000 + n),
                   CASE WHEN n % 100 = 0 THEN 'fr' WHEN n % 2 = 0 THEN 'en' END,
                   CASE WHEN n % 4 = 1 THEN 'customer' ELSE 'lead' END, n % 100 = 2, n % 100 = 3,
                   '2026-01-01'::timestamptz + n * interval '1 minute', now(), '!', false, true,
                   CASE WHEN n < 200 THEN '["vip"]'::jsonb WHEN n % 2 = 0 THEN '["newsletter"]' ELSE '[]' END,
                   CASE WHEN n % 4 = 1 THEN 1 + n % 17 ELSE 0 END, 0, CASE WHEN n % 4 = 1 THEN n / 125.0 ELSE 0 END,
                   CASE WHEN n % 2 = 0 THEN jsonb_build_object(
                       'points', n % 1000, 'tier', CASE WHEN n % 100 = 0 THEN 'gold' ELSE 'silver' END,
                       'vip', n < 100, 'words', CASE WHEN n < 200 THEN '["common", "rare"]'::jsonb ELSE '["common"]' END
                   ) END,
                   {FOLDED}
            FROM generate_series(1, {PEOPLE}) n
        """)
        cursor.execute("""
            INSERT INTO customers_address
                (user_id, first_name, last_name, line1, line2, line3, line4, state, postcode, country, phone_number,
                 notes, is_default_for_shipping, is_default_for_billing, created_at, updated_at,
                 search_city, search_postcode, search_street, search_text)
            SELECT id, '', '', id || ' High St', '', '',
                   CASE WHEN id % 100 = 0 THEN 'Reykjavík' ELSE 'Springfield' END, '',
                   id % 5000, CASE WHEN id % 100 = 0 THEN 'IS' ELSE 'US' END, '', '', true, true,
                   now(), now(), CASE WHEN id % 100 = 0 THEN 'reykjavík' ELSE 'springfield' END, id % 5000,
                   id || ' high st', concat_ws(' ', id || ' high st',
                   CASE WHEN id % 100 = 0 THEN 'reykjavík' ELSE 'springfield' END, id % 5000)
            FROM customers_user WHERE user_type <> 'dashboard'
        """)
        cursor.execute("""
            INSERT INTO orders_buyer (user_id, date_joined, first_order_at, last_order_at)
            SELECT id, date_joined, first, first + mod(id, 17) * interval '1 day'
            FROM customers_user, LATERAL (
                SELECT date_joined + (orders_count = 1)::int * interval '1 day' AS first
            ) part
            WHERE orders_count > 0
        """)
        for index in ("user_search_text_trigrams", "user_tags", "user_metadata", "address_search_text_trigrams"):
            # As a vacuum would: rows that wait to be put into an index make it look dearer than it is.
            cursor.execute("SELECT gin_clean_pending_list(oid) FROM pg_class WHERE relname = %s", [index])
        cursor.execute("ANALYZE customers_user, customers_address, orders_buyer")


def needs(extension: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_extension WHERE extname = %s)", [extension])
        if not cursor.fetchone()[0]:
            pytest.skip(f"the extension {extension} is not installed on this server")


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
