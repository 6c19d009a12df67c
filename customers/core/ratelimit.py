"""The rate limit of a token: requests within any second, counted over all workers and nodes.

The times of a token's latest requests are kept where every worker sees them: in the database, or in Redis or Valkey if
`REDIS_URL` is set. One statement, or one script in Redis, checks and counts, so that two simultaneous requests never
take the same place. On PostgreSQL the statement that looks for the token does so, too.

| store      | clock      | written in                                           |
|------------|------------|------------------------------------------------------|
| PostgreSQL | database   | an unlogged table: a crash forgets at most a second  |
| SQLite     | web server | a table: a power cut forgets the last seconds        |
| Redis      | Redis      | a list per token that expires after the window       |
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

import redis
from django.conf import settings
from django.db import connection

from oauth import tokens
from oauth.models import AccessToken
from oauth.scopes import Scope
from oauth.statements import fetch_rows
from oauth.tokens import Bearer

logger = logging.getLogger(__name__)

TABLE = "customers_ratelimit"
WINDOW = 1  # second

NOW = "date_part('epoch', clock_timestamp())"
# How many of a token's moments, which are in order, have left the window.
PAST = f"width_bucket({NOW} - {WINDOW}, log.moments)"


def _take_on_postgresql(row: str, limit: str) -> str:
    """`row`: a SELECT or VALUES of the id to count under, and an array of NOW. `limit`: an expression."""
    return f"""
        INSERT INTO {TABLE} AS log (token_id, moments) {row}
        ON CONFLICT (token_id) DO UPDATE SET moments = log.moments[{PAST} + 1:] || {NOW}
        WHERE cardinality(log.moments) - {PAST} < {limit}
        RETURNING cardinality(moments) AS used
    """


# It returns a row only if the request is allowed: otherwise the condition of the update fails.
TAKE = {
    "postgresql": _take_on_postgresql(f"VALUES (%(token)s, ARRAY[{NOW}])", "%(limit)s::int"),
    "sqlite": f"""
        INSERT INTO {TABLE} AS log (token_id, moments) VALUES (%(token)s, json_array(%(now)s))
        ON CONFLICT (token_id) DO UPDATE
        SET moments = (
            SELECT json_group_array(value) FROM (
                SELECT value FROM json_each(json_insert(log.moments, '$[#]', %(now)s))
                WHERE key > json_array_length(log.moments) - %(limit)s ORDER BY key
            )
        )
        WHERE json_array_length(log.moments) < %(limit)s
           OR json_extract(log.moments, '$[#-' || %(limit)s || ']') <= %(now)s - {WINDOW}
        RETURNING (SELECT count(*) FROM json_each(moments) WHERE value > %(now)s - {WINDOW})
    """,  # noqa: S608  TABLE and WINDOW are constants; all values are parameters
}

# The row of TOKEN_QUERY, then the limit if the request counts, then how much of it is used, null if that is exceeded.
# A statement of SQLite can't write and read, and a write waits for any other: there the token has its own.
AUTHENTICATE_AND_TAKE = f"""
    WITH bearer AS ({tokens.TOKEN_QUERY}),
    counted AS (
        SELECT token_id, coalesce(rate_limit, %(default)s::int) AS most FROM bearer
        WHERE coalesce(rate_limit, %(default)s::int) > 0 AND {tokens.MAY}
    ),
    taken AS ({_take_on_postgresql(f"SELECT token_id, ARRAY[{NOW}] FROM counted", "(SELECT most FROM counted)")})
    SELECT bearer.*, counted.most, taken.used FROM bearer LEFT JOIN counted ON true LEFT JOIN taken ON true
"""  # noqa: S608  constants of this module and of oauth.tokens are put in; all values are parameters

COUNTS_WITH_TOKEN = connection.vendor == "postgresql"  # Django needs 1.5 µs to say so

# Does in Redis what TAKE does: a list per token, which expires a window after the latest request.
TAKE_SCRIPT = """
    local time = redis.call('TIME')
    local now, limit = time[1] + time[2] / 1000000, tonumber(ARGV[1])
    local moment = redis.call('LINDEX', KEYS[1], -limit)
    if moment and tonumber(moment) > now - ARGV[2] then return false end
    redis.call('RPUSH', KEYS[1], string.format('%.6f', now))
    redis.call('LTRIM', KEYS[1], -limit, -1)
    redis.call('EXPIRE', KEYS[1], ARGV[2] + 1)
    local used = 0
    for _, past in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
        if tonumber(past) > now - ARGV[2] then used = used + 1 end
    end
    return used
"""


class Counted(NamedTuple):
    limit: int
    remaining: int | None  # None: this request is not allowed


def authenticate_and_take(raw: str, scope: Scope, default_limit: int) -> tuple[Bearer | None, Counted | None]:
    """The bearer of a token as `tokens.authenticate` finds it. If the token may do what needs `scope`, the request is
    counted: on PostgreSQL in the same statement. If the second value is None, the request is not counted; the caller
    may call `take`.

    `default_limit` holds for an app without a limit of its own. A limit of 0 counts nothing.
    """
    if settings.REDIS_URL or not COUNTS_WITH_TOKEN:
        return tokens.authenticate(raw), None
    params = {**tokens.token_params(raw), **tokens.may_params(scope), "default": default_limit}
    rows = fetch_rows(AUTHENTICATE_AND_TAKE, params)
    if not rows:
        return None, None
    *bearer, limit, used = rows[0]
    counted = None if limit is None else Counted(limit, None if used is None else limit - used)
    return tokens.bearer_of_row(tuple(bearer)), counted


def take(token_id: int, limit: int) -> int | None:
    """Counts a request. Returns how many more are allowed within this second, or None if this one is not allowed."""
    used = _redis_counter().take(token_id, limit) if settings.REDIS_URL else _take_in_database(token_id, limit)
    return None if used is None else limit - used


def _take_in_database(token_id: int, limit: int) -> int | None:
    with _without_sync():
        rows = fetch_rows(TAKE[connection.vendor], {"token": token_id, "limit": limit, "now": time.time()})
    return rows[0][0] if rows else None


@contextmanager
def _without_sync() -> Iterator[None]:
    """On SQLite, writes do not wait until they are on the disk: a power cut may forget the last seconds of the limits.
    The next other write syncs them, too. Otherwise each request that only reads would wait for the disk."""
    if connection.vendor != "sqlite" or connection.in_atomic_block or settings.SQLITE_SYNCHRONOUS == "NORMAL":
        yield
        return
    connection.ensure_connection()
    sqlite: Any = connection.connection
    sqlite.execute("PRAGMA synchronous=NORMAL")
    try:
        yield
    finally:
        sqlite.execute(f"PRAGMA synchronous={settings.SQLITE_SYNCHRONOUS}")


class RedisCounter:
    """While Redis is unavailable, it counts in the database. At a change from one to the other both may allow the
    limit; so may a Redis that has lost its counts and is back within a second."""

    RETRY_AFTER = 5  # seconds without a request to a server that did not answer

    def __init__(self, url: str):
        client = redis.Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5)
        self._take = client.register_script(TAKE_SCRIPT)
        self._unavailable_until = 0.0

    def take(self, token_id: int, limit: int) -> int | None:
        if self._unavailable_until > time.monotonic():
            return _take_in_database(token_id, limit)
        try:
            used = self._take(keys=[f"ratelimit:{token_id}"], args=[limit, WINDOW])
        except redis.RedisError as error:
            if not self._unavailable_until:
                logger.warning("Redis is unavailable; requests are counted in the database: %s", error)
            self._unavailable_until = time.monotonic() + self.RETRY_AFTER
            return _take_in_database(token_id, limit)
        if self._unavailable_until:
            logger.warning("Redis is available again; it counts the requests.")
            self._unavailable_until = 0.0
        return used


@cache
def _redis_counter() -> RedisCounter:
    return RedisCounter(settings.REDIS_URL)


def delete_replaced_tokens() -> Iterator[int]:
    """Deletes the rows of tokens that no longer exist; yields how many."""
    with connection.cursor() as cursor:
        tokens_table = AccessToken._meta.db_table
        sql = f"DELETE FROM {TABLE} WHERE token_id NOT IN (SELECT id FROM {tokens_table})"  # noqa: S608  names of tables
        cursor.execute(sql)
        yield cursor.rowcount
