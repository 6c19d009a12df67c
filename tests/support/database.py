"""What differs between PostgreSQL and SQLite in a test."""

from django.db import connection


def by_database(*, postgresql, sqlite):
    """The value for the database that the tests run on, such as a number of queries."""
    return {"postgresql": postgresql, "sqlite": sqlite}[connection.vendor]
