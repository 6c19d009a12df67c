import psycopg
import pytest
from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction
from django.db.transaction import TransactionManagementError

from oauth.models import ApiUsage
from oauth.statements import fetch_rows

on_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL prepares statements")


@pytest.mark.django_db(transaction=True)
class TestFetchRows:
    def test_statement_is_sent_over_a_new_connection_after_the_former_one_was_closed(self):
        assert fetch_rows("SELECT 1 + %s", [1]) == [(2,)]
        connection.close()

        assert fetch_rows("SELECT 1 + %s", [2]) == [(3,)]

    def test_statement_works_after_one_that_failed_with_an_error_of_django(self):
        for _ in range(2):
            with pytest.raises(DatabaseError):
                fetch_rows("SELECT nothing FROM nowhere", [])

        assert fetch_rows("SELECT 1", []) == [(1,)]

    def test_row_that_breaks_a_constraint_raises_integrity_error(self):
        insert = f"INSERT INTO {ApiUsage._meta.db_table} (hour, calls) VALUES (NULL, %s) RETURNING id"

        with pytest.raises(IntegrityError):
            fetch_rows(insert, [1])

    def test_statement_in_a_broken_transaction_is_refused(self):
        with transaction.atomic():
            transaction.set_rollback(True)
            with pytest.raises(TransactionManagementError):
                fetch_rows("SELECT 1", [])

    def test_values_of_all_types_come_back_inside_and_outside_a_transaction(self):
        statement = "SELECT 7 %% %(five)s, %(text)s || '', %(five)s + %(large)s, %(none)s"
        values = {"five": 5, "text": "100 % of %s, ü", "large": 2**40, "none": None, "unused": 1}
        expected = [(2, "100 % of %s, ü", 5 + 2**40, None)]

        assert fetch_rows(statement, values) == expected
        with transaction.atomic():
            assert fetch_rows(statement, values) == expected

    @on_postgresql
    def test_statement_works_after_all_prepared_ones_were_forgotten_or_their_table_was_changed(self):
        fetch_rows("CREATE TABLE changing AS SELECT 1 AS one", [])
        try:
            assert fetch_rows("SELECT * FROM changing", []) == [(1,)]
            with connection.cursor() as cursor:
                cursor.execute("DEALLOCATE ALL")
            assert fetch_rows("SELECT * FROM changing", []) == [(1,)]
            fetch_rows("ALTER TABLE changing ADD COLUMN two int DEFAULT 2", [])
            assert fetch_rows("SELECT * FROM changing", []) == [(1, 2)]
        finally:
            fetch_rows("DROP TABLE changing", [])

    @on_postgresql
    def test_number_of_prepared_statements_is_bounded(self):
        for number in range(150):
            assert fetch_rows(f"SELECT {number}", []) == [(number,)]

        prepared = fetch_rows("SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'fetch_rows%%'", [])
        assert prepared == [(100,)]

    @on_postgresql
    def test_lost_connection_raises_operational_error_and_a_new_one_is_opened_for_the_next_request(self):
        lose_connection()

        with pytest.raises(OperationalError):
            fetch_rows("SELECT 1", [])
        connection.close_if_unusable_or_obsolete()

        assert fetch_rows("SELECT 1", []) == [(1,)]

    @on_postgresql
    def test_connection_that_was_lost_before_a_request_is_replaced(self):
        lose_connection()
        connection.health_check_enabled, connection.health_check_done = True, False  # as when a request starts

        assert fetch_rows("SELECT 1", []) == [(1,)]


def lose_connection() -> None:
    (pid,) = fetch_rows("SELECT pg_backend_pid()", [])[0]
    with psycopg.connect(connection.connection.info.dsn, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
