"""A connection that the server has closed is replaced, whenever that happened."""

import psycopg
import pytest
from django.db import DatabaseError, InterfaceError, OperationalError, connection

from tests.support.clients import USERS

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="PostgreSQL's connections"),
]


@pytest.fixture(autouse=True)
def fresh_connection():
    yield
    connection.close()


def end_our_session() -> None:
    """As a restart of the server, or a failover, would."""
    with psycopg.connect(**_parameters(), autocommit=True) as other:
        # With a time limit, in milliseconds, it waits until the session has ended.
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid])


def _parameters() -> dict:
    connection.ensure_connection()
    info = connection.connection.info
    return {"host": info.host, "port": info.port, "dbname": info.dbname, "user": info.user, "password": info.password}


class TestHealthCheck:
    def test_connection_check_sends_no_query_on_an_idle_connection(self):
        connection.ensure_connection()

        with connection.execute_wrapper(lambda *args: pytest.fail("a round trip")):
            assert connection.is_usable()

    def test_connection_check_detects_connection_closed_while_idle(self):
        connection.ensure_connection()

        end_our_session()

        assert not connection.is_usable()

    def test_connection_check_detects_connection_closed_in_a_query(self):
        end_our_session()
        with pytest.raises((OperationalError, InterfaceError, DatabaseError)), connection.cursor() as cursor:
            cursor.execute("SELECT 1")

        assert not connection.is_usable()

    def test_connection_check_lets_the_next_request_reconnect(self, anonymous):
        end_our_session()
        with pytest.raises((OperationalError, InterfaceError, DatabaseError)), connection.cursor() as cursor:
            cursor.execute("SELECT 1")

        connection.close_if_unusable_or_obsolete()

        assert anonymous.get(USERS).status_code == 401
