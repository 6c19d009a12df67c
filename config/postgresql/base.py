"""Django's PostgreSQL backend, with a health check that costs no round trip, and times that are read in C."""

import select
from datetime import UTC

import psycopg
from django.conf import settings
from django.db.backends.postgresql import base
from psycopg.adapt import Loader
from psycopg.pq import Format

# Of libpq. When a network is cut, nobody says that the connection is gone: without these, a request waits a quarter of
# an hour. DATABASE_URL may have other values.
CUT_CONNECTIONS = {
    "connect_timeout": 5,  # seconds
    "tcp_user_timeout": 10_000,  # milliseconds until what was sent has to be received
    "keepalives_idle": 5,  # seconds without a packet: then the server is asked whether it is there
    "keepalives_interval": 2,
    "keepalives_count": 3,
}
# PostgreSQL's own settings. DATABASE_URL may have other values.
# jit: each search has a plan of its own. To compile it can take longer than to run it.
# gin_pending_list_limit: how much of new rows may wait to be sorted into the indexes of texts. Each search reads all of
# it, or even the whole table instead. With 4 MB, the default, a search took twice as long, and once ten times. A create
# takes no longer with less.
SERVER_SETTINGS = "-c jit=off -c gin_pending_list_limit=256kB"

TIMESTAMPTZ = psycopg.adapters.types["timestamptz"].oid


class TimestamptzLoader(Loader):
    """psycopg's own, in C where there is one: a tenth of the time. Django's is in Python, to put a time into the zone
    in which the connection gives it already."""

    timezone = UTC  # Django asks
    _psycopgs: type = psycopg.adapters.get_loader(TIMESTAMPTZ, Format.TEXT)  # type: ignore[assignment]  # it is never None

    def __new__(cls, oid, context=None):
        return cls._psycopgs(oid, context)


class DatabaseWrapper(base.DatabaseWrapper):
    def get_connection_params(self):
        params = {**CUT_CONNECTIONS, **super().get_connection_params()}
        if not settings.DATABASE_POOLER:  # PgBouncer refuses the parameter
            params["options"] = f"{SERVER_SETTINGS} {params.get('options', '')}".strip()
        return params

    def get_new_connection(self, conn_params):
        connection = super().get_new_connection(conn_params)
        connection.adapters.register_loader(TIMESTAMPTZ, TimestamptzLoader)
        return connection

    def is_usable(self):
        """An idle connection has nothing to say. One that was closed, by the server or on the way, is readable: only
        then is the server asked."""
        idle = select.poll()
        try:
            idle.register(self.connection.pgconn.socket, select.POLLIN)
        except self.Database.Error:  # known to be lost: it has no socket any more
            return False
        return not idle.poll(0) or super().is_usable()
