"""The rate limit of a token: requests within any second, counted over all workers and nodes.

The times of a token's latest requests are kept where every worker sees them: in the database, or in Redis or Valkey if
`REDIS_URL` is set. One statement, or one script in Redis, checks and counts, so that two simultaneous requests never
take the same place.

| store      | clock      | written in                                           |
|------------|------------|------------------------------------------------------|
| PostgreSQL | database   | an unlogged table: a crash forgets at most a second  |
| SQLite     | web server | a table                                              |
| Redis      | Redis      | a list per token that expires after the window       |
"""

import logging
import time
from functools import cache

import redis
from django.conf import settings
from django.db import connection

from oauth.models import AccessToken

logger = logging.getLogger(__name__)

TABLE = "customers_ratelimit"
WINDOW = 1  # second

# It returns a row only if the request is allowed: otherwise the condition of the update fails.
TAKE = {
    "postgresql": f"""
        INSERT INTO {TABLE} AS log (token_id, moments)
        VALUES (%(token)s, ARRAY[extract(epoch FROM clock_timestamp())::float8])
        ON CONFLICT (token_id) DO UPDATE
        SET moments = (log.moments || extract(epoch FROM clock_timestamp())::float8)
                      [greatest(1, cardinality(log.moments) + 2 - %(limit)s::int):]
        WHERE cardinality(log.moments) < %(limit)s::int
           OR log.moments[cardinality(log.moments) + 1 - %(limit)s::int]
              <= extract(epoch FROM clock_timestamp()) - {WINDOW}
        RETURNING (SELECT count(*) FROM unnest(moments) AS moment
                   WHERE moment > extract(epoch FROM clock_timestamp()) - {WINDOW})
    """,  # noqa: S608  only constants are put in
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
    """,  # noqa: S608  only constants are put in
}

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


def take(token_id: int, limit: int) -> int | None:
    """Counts a request. Returns how many more are allowed within this second, or None if this one is not allowed."""
    used = _redis_counter().take(token_id, limit) if settings.REDIS_URL else _take_in_database(token_id, limit)
    return None if used is None else limit - used


def _take_in_database(token_id: int, limit: int) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(TAKE[connection.vendor], {"token": token_id, "limit": limit, "now": time.time()})
        row = cursor.fetchone()
    return row and row[0]


class RedisCounter:
    """Allows all requests while Redis is unavailable: a missing limit does less harm than an API that is down."""

    RETRY_AFTER = 5  # seconds without a request to a server that did not answer

    def __init__(self, url: str):
        client = redis.Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5)
        self._take = client.register_script(TAKE_SCRIPT)
        self._unavailable_until = 0.0

    def take(self, token_id: int, limit: int) -> int | None:
        if self._unavailable_until > time.monotonic():
            return 0
        try:
            used = self._take(keys=[f"ratelimit:{token_id}"], args=[limit, WINDOW])
        except redis.RedisError as error:
            if not self._unavailable_until:
                logger.warning("Redis is unavailable; requests pass without a rate limit: %s", error)
            self._unavailable_until = time.monotonic() + self.RETRY_AFTER
            return 0
        if self._unavailable_until:
            logger.warning("Redis is available again; the rate limit applies again.")
            self._unavailable_until = 0.0
        return used


@cache
def _redis_counter() -> RedisCounter:
    return RedisCounter(settings.REDIS_URL)


def forget_replaced_tokens() -> int:
    """Deletes the rows of tokens that no longer exist; returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {TABLE} WHERE token_id NOT IN (SELECT id FROM {AccessToken._meta.db_table})"  # noqa: S608  names of tables
        )
        return cursor.rowcount
