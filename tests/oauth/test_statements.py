import pytest
from django.db import DatabaseError, connection, transaction
from django.db.transaction import TransactionManagementError

from oauth.statements import fetch_rows


@pytest.mark.django_db(transaction=True)
class TestFetchRows:
    def test_statement_is_sent_over_a_new_connection_after_the_former_one_was_closed(self):
        assert fetch_rows("SELECT 1 + %s", [1]) == [(2,)]
        connection.close()

        assert fetch_rows("SELECT 1 + %s", [2]) == [(3,)]

    def test_statement_works_after_one_that_failed_with_an_error_of_django(self):
        with pytest.raises(DatabaseError):
            fetch_rows("SELECT nothing FROM nowhere", [])

        assert fetch_rows("SELECT 1", []) == [(1,)]

    def test_statement_in_a_broken_transaction_is_refused(self):
        with transaction.atomic():
            transaction.set_rollback(True)
            with pytest.raises(TransactionManagementError):
                fetch_rows("SELECT 1", [])
