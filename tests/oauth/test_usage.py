"""How often apps call, counted in the process and added up in a table."""

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from oauth import api_usage
from oauth.models import ApiUsage, App
from oauth.scopes import Scope
from tests.support.clients import USERS


def table() -> dict[str, int]:
    return dict(api_usage.calls_by_app(datetime.now(UTC) - timedelta(days=1)))


@contextmanager
def renamed(table: str):
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO away")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE away RENAME TO {table}")


def test_usage_counts_every_authenticated_call(api, anonymous):
    erp, mailer = api(Scope.USERS_READ, app_name="ERP"), api(app_name="Mailer")
    erp.get(USERS)
    erp.get(f"{USERS}987654321/")
    mailer.get(USERS)
    anonymous.get(USERS)

    api_usage.add_to_table()

    assert table() == {"ERP": 2}


def test_usage_adds_to_earlier_counts(api):
    client = api(Scope.USERS_READ, app_name="ERP")
    for _ in range(2):
        client.get(USERS)
        api_usage.add_to_table()

    assert table() == {"ERP": 2}
    assert ApiUsage.objects.count() <= 2  # where the hour has just changed
    assert all(row.hour.minute == 0 for row in ApiUsage.objects.all())


def test_usage_costs_no_query_before_the_interval_ends(api, settings):
    client = api(Scope.USERS_READ)
    client.get(USERS)

    with CaptureQueriesContext(connection) as counted:
        client.get(USERS)
    settings.API_USAGE_INTERVAL = 0
    with CaptureQueriesContext(connection) as added:
        client.get(USERS)

    statements = [query["sql"] for query in added if "apiusage" in query["sql"]]
    assert not [query for query in counted if "apiusage" in query["sql"]]
    assert len(statements) == 1


def test_usage_of_all_apps_is_added_in_one_statement(api):
    for number in range(5):
        api(Scope.USERS_READ, app_name=f"App no. {number}").get(USERS)

    with CaptureQueriesContext(connection) as queries:
        api_usage.add_to_table()

    assert len([query for query in queries if "INSERT" in query["sql"]]) == 1
    assert len(table()) == 5


@pytest.mark.django_db(transaction=True)
def test_usage_survives_a_failing_database(api, settings):
    client = api(Scope.USERS_READ, app_name="ERP")
    client.get(USERS)
    settings.API_USAGE_INTERVAL = 0

    with renamed("oauth_apiusage"):
        answer = client.get(USERS)
    api_usage.add_to_table()

    assert answer.status_code == 200
    assert table() == {"ERP": 2}


def test_usage_of_a_deleted_app_is_no_error(api):
    client = api(Scope.USERS_READ)
    client.get(USERS)
    App.objects.all().delete()

    api_usage.add_to_table()

    assert table() == {}
