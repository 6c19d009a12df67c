"""A connection that the server has closed is replaced, whenever that happened."""

from contextlib import contextmanager

import psycopg
import pytest
from django.db import DatabaseError, InterfaceError, OperationalError, connection

from config.postgresql.limits import limit_statements
from oauth.scopes import Scope
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


def test_connection_behind_a_cut_network_ends_within_seconds():
    connection.ensure_connection()

    parameters = connection.connection.info.get_parameters()

    names = ("tcp_user_timeout", "keepalives_idle", "keepalives_interval", "keepalives_count")
    assert [parameters[name] for name in names] == ["10000", "5", "2", "3"]


def test_connection_has_the_settings_that_make_searches_fast_unless_the_owner_chose_others():
    def shown() -> list[str]:
        with connection.cursor() as cursor:
            return [cursor.execute(f"SHOW {name}").fetchone()[0] for name in ("jit", "gin_pending_list_limit")]

    assert shown() == ["off", "256kB"]
    with other_options() as options:
        options["options"] = "-c gin_pending_list_limit=1MB"
        assert shown() == ["off", "1MB"]


@contextmanager
def other_options():
    """The block may change the options of its connection. After it, the next connection has the usual ones again."""
    options = connection.settings_dict["OPTIONS"]
    former = dict(options)
    connection.close()
    try:
        yield options
    finally:
        options.clear()
        options.update(former)
        connection.close()


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


@contextmanager
def busy():
    """Another session keeps the customers to itself, and the store gives a statement a second."""
    parameters = _parameters()
    with other_options(), psycopg.connect(**parameters) as other:
        limit_statements(1)
        other.execute("LOCK TABLE customers_user")
        yield


class TestStatementLimit:
    def test_statement_that_takes_too_long_is_the_error_of_the_api(self, api):
        token = api(Scope.ADMIN_READ)

        with busy():
            answers = [token.get(path) for path in (USERS, f"{USERS}?email=a@example.com", "/admin/customers")]

        for answer in answers:
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
            assert "database did not answer" in answer.content.decode()

    def test_statement_that_takes_too_long_is_an_error_page_of_the_dashboard(self, client):
        client.raise_request_exception = False

        with busy():
            page = client.post("/dashboard/login/", {"username": "owner@store.example", "password": "secret"})

        assert (page.status_code, page.headers["Retry-After"]) == (503, "1")
        assert "Try again in a moment" in page.content.decode()

    def test_store_answers_after_a_statement_that_took_too_long(self, api):
        token = api(Scope.ADMIN_READ)

        with busy():
            assert token.get(USERS).status_code == 503

        assert token.get(USERS).status_code == 200

    def test_processes_that_serve_nothing_have_no_limit(self):
        with connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            assert cursor.fetchone() == ("0",)
