"""The clock of the database, on which all nodes agree.

Leases, retries and signs of life go by it: a worker whose own clock is wrong neither takes the work of another one nor
keeps its own from others.
"""

from datetime import datetime

from django.db import connection
from django.utils import timezone

from oauth.statements import fetch_rows


def database_now() -> datetime:
    """One statement on PostgreSQL. SQLite has the clock of its one machine."""
    return fetch_rows("SELECT clock_timestamp()", [])[0][0] if connection.vendor == "postgresql" else timezone.now()
