"""PostgreSQL reads a list off its indexes, and counts what it can't remember."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers import customer_count
from customers.medusa import counting
from customers.models import User
from oauth.scopes import Scope
from tests.support.crowd import A_PART, PEOPLE, explained, insert_crowd, needs, rows_read
from tests.support.medusa import CUSTOMERS

pytestmark = pytest.mark.skipif(connection.vendor != "postgresql", reason="looks at PostgreSQL's plans")

QUERIES = [
    {},
    {"limit": "1000"},
    {"order": "created_at"},
    {"order": "-id"},
    {"order": "email"},
    {"order": "-email"},
    {"has_account": "true"},
    {"has_account": "false"},
    {"created_at[gt]": "2026-01-14T00:00:00Z"},
    {"created_at[lt]": "2026-01-01T05:00:00Z"},
    {"created_at[gt]": "2026-01-02T00:00:00Z", "created_at[lt]": "2026-01-02T03:00:00Z"},
]
SEARCHES = [{"q": "c4ca4238"}, {"q": "no such name"}, {"q": "person-777@"}, {"q": "c81e728"}]


@pytest.fixture
def crowd(db):
    insert_crowd()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE customers_user SET password = 'argon2$x' WHERE id % 100 = 7")
        cursor.execute("ANALYZE customers_user")


@pytest.fixture
def reader(crowd, api):
    return api(Scope.USERS_READ)


def plans_of_page(medusa_client, query: dict) -> list[dict]:
    counting.forget()
    with CaptureQueriesContext(connection) as queries:
        assert medusa_client.get(CUSTOMERS, query).status_code == 200
    statements = [
        each["sql"] for each in queries if 'FROM "customers_user"' in each["sql"] and not is_kept(each["sql"])
    ]
    pages = [sql for sql in statements if "LIMIT" in sql]
    assert len(pages) == 1
    assert len(statements) <= 2  # the last page needs no count
    return [explained(sql) for sql in (pages if "q" not in query else statements)]


def is_kept(sql: str) -> bool:
    return 'FROM "customers_customercount"' in sql


def wasteful(medusa_client, queries: list[dict]) -> dict[str, list[int]]:
    read = {str(query): [rows_read(plan) for plan in plans_of_page(medusa_client, query)] for query in queries}
    return {query: numbers for query, numbers in read.items() if max(numbers) > A_PART}


class TestListsOfACrowd:
    def test_list_reads_a_part_of_the_table(self, reader):
        assert wasteful(reader, QUERIES) == {}

    def test_search_and_count_read_a_part_of_the_table(self, reader):
        needs("pg_trgm")

        assert wasteful(reader, SEARCHES) == {}

    def test_number_of_all_customers_reads_only_those_who_are_new(self, reader):
        last = User.objects.latest("pk").pk
        customer_count.count(up_to=last - 10)
        reader.get(CUSTOMERS)

        with CaptureQueriesContext(connection) as queries:
            assert reader.get(CUSTOMERS).json()["count"] == PEOPLE

        (sql,) = [each["sql"] for each in queries if is_kept(each["sql"])]
        assert rows_read(explained(sql)) < 100

    def test_list_counts_once(self, reader):
        query = {"created_at[gt]": "2000-01-01T00:00:00Z"}
        assert reader.get(CUSTOMERS, query).json()["count"] == PEOPLE

        with CaptureQueriesContext(connection) as queries:
            assert reader.get(CUSTOMERS, query).json()["count"] == PEOPLE
        assert not [each["sql"] for each in queries if "COUNT(" in each["sql"]]
