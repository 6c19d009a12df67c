"""4 requests per second and token, counted where every worker sees it."""

import logging
import shutil
import socket
import subprocess
import tempfile
import time
from io import StringIO
from pathlib import Path

import pytest
import redis
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.core import ratelimit
from oauth.accounts.own_roles import create_role
from oauth.accounts.roles import Role
from oauth.actor import SYSTEM
from oauth.models import AccessToken, App
from oauth.scopes import Scope, grants
from tests.support.cases import each
from tests.support.clients import USERS
from tests.support.concurrency import at_once, most_within_a_second
from tests.support.factories import make_user
from tests.support.operations import CREATE_OPERATIONS
from tests.support.timing import again_if_too_slow, require_no_pause_of, require_within

REDIS_SERVER = shutil.which("redis-server") or shutil.which("valkey-server")


@pytest.fixture
def limited(api):
    """`limited(4)`: a client that may call so often; None: as often as the store's setting says."""
    return lambda rate_limit=None: api(Scope.USERS_READ, Scope.USERS_WRITE, rate_limit=rate_limit)


@pytest.fixture
def redis_url(settings):
    """A server of the test's own."""
    if REDIS_SERVER is None:
        pytest.skip("neither redis-server nor valkey-server is installed")
    with tempfile.TemporaryDirectory(prefix="redis-", dir="/tmp") as folder:  # a socket's path has to be short
        path = Path(folder) / "socket"
        server = subprocess.Popen(
            [REDIS_SERVER, "--port", "0", "--unixsocket", str(path), "--save", "", "--dir", folder],
            stdout=subprocess.DEVNULL,
        )
        try:
            settings.REDIS_URL = f"unix://{path}"
            wait_for_redis(settings.REDIS_URL)
            ratelimit._redis_counter.cache_clear()
            yield settings.REDIS_URL
        finally:
            ratelimit._redis_counter.cache_clear()
            server.terminate()
            server.wait()


def wait_for_redis(url):
    client, deadline = redis.Redis.from_url(url), time.monotonic() + 60
    while True:
        try:
            return client.ping()
        except redis.ConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


@pytest.fixture
def redis_away(settings):
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        settings.REDIS_URL = f"redis://127.0.0.1:{free.getsockname()[1]}"
        ratelimit._redis_counter.cache_clear()
        yield
        ratelimit._redis_counter.cache_clear()


def statuses(client, times):
    """Of requests within less than a second."""
    began = time.monotonic()
    found = [client.get(USERS).status_code for _ in range(times)]
    require_within(0.9, began)
    return found


class TestRateLimit:
    @again_if_too_slow
    def test_rate_limit_of_4_rejects_the_fifth_request_within_a_second(self, limited):
        client = limited()

        assert statuses(client, 5) == [200, 200, 200, 200, 429]

    @again_if_too_slow
    def test_rate_limited_answer_is_429_with_retry_after(self, limited):
        client = limited(1)
        began = time.monotonic()
        client.get(USERS)

        response = client.get(USERS)

        require_within(0.9, began)
        assert response.status_code == 429
        assert response.headers["Retry-After"] == "1"
        assert "throttled" in response.json()["detail"]
        assert response.headers["Content-Type"] == "application/json"

    @again_if_too_slow
    def test_rate_limit_allows_requests_after_a_second(self, limited):
        client = limited(2)
        assert statuses(client, 3) == [200, 200, 429]

        time.sleep(1.05)

        assert statuses(client, 3) == [200, 200, 429]

    def test_rate_limit_does_not_count_rejected_requests(self, limited):
        client = limited(1)
        start = time.monotonic()
        client.get(USERS)

        while client.get(USERS).status_code == 429:
            assert time.monotonic() < start + 60
            time.sleep(0.05)

        assert time.monotonic() > start + 0.99

    @again_if_too_slow
    def test_rate_limit_uses_a_sliding_window(self, limited):
        client = limited(2)
        began = time.monotonic()
        first = client.get(USERS).status_code
        time.sleep(0.6)

        asked = time.monotonic()
        later = statuses(client, 2)
        require_within(0.95, began)
        assert (first, *later) == (200, 200, 429)
        time.sleep(0.5)
        latest = statuses(client, 2)
        require_within(0.95, asked)
        assert latest == [200, 429]

    @again_if_too_slow
    def test_rate_limit_headers_show_what_remains(self, limited):
        client = limited(3)

        began = time.monotonic()
        fields = [client.get(USERS).headers for _ in range(4)]
        require_within(0.9, began)

        assert {each["RateLimit-Policy"] for each in fields} == {'"token";q=3;w=1'}
        assert [each["RateLimit"] for each in fields] == [f'"token";r={left};t=1' for left in (2, 1, 0, 0)]

    @again_if_too_slow
    def test_rate_limit_of_the_store_applies_without_one_of_the_app(self, limited, settings):
        settings.RATE_LIMIT = 2

        assert statuses(limited(), 3) == [200, 200, 429]

    @again_if_too_slow
    def test_rate_limit_of_the_app_overrides_that_of_the_store(self, limited, settings):
        settings.RATE_LIMIT = 1

        assert statuses(limited(6), 7) == [200] * 6 + [429]

    @again_if_too_slow
    def test_lowered_rate_limit_applies_at_once(self, limited):
        client = limited(10)
        began = time.monotonic()
        statuses(client, 5)

        App.objects.update(rate_limit=3)

        refused = client.get(USERS).status_code
        require_within(0.9, began)
        assert refused == 429

    @pytest.mark.parametrize("off", ["store", "app"])
    @again_if_too_slow
    def test_rate_limit_of_zero_is_no_limit(self, limited, settings, off):
        settings.RATE_LIMIT = 0 if off == "store" else 1

        client = limited(None if off == "store" else 0)

        assert statuses(client, 20) == [200] * 20
        assert "RateLimit" not in client.get(USERS).headers

    @again_if_too_slow
    def test_rate_limit_counts_each_token_separately(self, limited):
        one, other = limited(1), limited(1)

        assert statuses(one, 2) == [200, 429]
        assert statuses(other, 2) == [200, 429]

    @again_if_too_slow
    def test_rate_limit_applies_to_every_viewset(self, limited, ada):
        client = limited(1)
        began = time.monotonic()
        client.get(USERS)

        answers = {operation.name: operation(client, user=ada).status_code for operation in CREATE_OPERATIONS}

        require_within(0.9, began)
        assert answers == dict.fromkeys(answers, 429)

    @again_if_too_slow
    def test_rate_limit_counts_failed_requests(self, limited):
        client = limited(2)
        began = time.monotonic()

        answers = [client.post(USERS, "{").status_code for _ in range(3)]

        require_within(0.9, began)
        assert answers == [400, 400, 429]

    @pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite counts in a statement of its own")
    @each("role", [None, *Role, "Support"])
    def test_token_statement_counts_what_the_permission_allows(self, api, role):
        create_role(name="Support", levels={"customers": "edit"}, by=SYSTEM)
        member = make_user(email="member@store.example", user_type="dashboard", is_superuser=role == Role.OWNER)
        member.groups.set(Group.objects.filter(name=role))
        for scopes in ([Scope.USERS_WRITE], [Scope.ADMIN_READ, Scope.STORE_READ]):
            token = api(*scopes, owner=member, rate_limit=1000).token
            for required in Scope:
                bearer, counted = ratelimit.authenticate_and_take(token, required, 0)

                assert (counted is not None) == grants(bearer.scopes, required), (scopes, required)

    @again_if_too_slow
    def test_rate_limit_does_not_count_requests_without_the_scope(self, api):
        client = api(Scope.ORDERS_READ, rate_limit=1)

        assert statuses(client, 3) == [403, 403, 403]


@pytest.mark.django_db(transaction=True)
class TestManyAtOnce:
    @pytest.mark.parametrize("limit", [1, 4])
    @again_if_too_slow
    def test_concurrent_takes_never_exceed_the_rate_limit(self, limit):
        grants = []
        moments = [began := time.monotonic()]
        end = began + 2.2

        def call():
            while (asked := time.monotonic()) < end:
                moments.append(asked)
                if ratelimit.take(7, limit) is not None:
                    grants.append((asked, time.monotonic()))
                time.sleep(0.005)

        at_once([call] * 16)

        require_no_pause_of(0.3, [*moments, end])
        assert most_within_a_second(grants) <= limit
        assert 2 * limit <= len(grants) <= 3 * limit

    def test_counting_a_request_does_not_wait_for_the_disk_on_sqlite(self):
        if connection.vendor != "sqlite":
            pytest.skip("the table of PostgreSQL is not logged")
        connection.ensure_connection()
        statements: list[str] = []
        connection.connection.set_trace_callback(statements.append)
        try:
            ratelimit.take(7, 1)
        finally:
            connection.connection.set_trace_callback(None)

        names = [statement.strip().partition(" (")[0] for statement in statements]
        insert = next(name for name in names if name.startswith("INSERT"))
        assert names == ["PRAGMA synchronous=NORMAL", insert, "PRAGMA synchronous=FULL"]

    @again_if_too_slow
    def test_concurrent_requests_get_exactly_the_rate_limit(self, limited):
        client = limited(4)

        began = time.monotonic()
        answers = at_once([lambda: client.get(USERS).status_code] * 16)
        require_within(0.9, began)

        assert sorted(answers) == [200] * 4 + [429] * 12


class TestRedis:
    @again_if_too_slow
    def test_redis_rate_limit_counts_like_the_database(self, redis_url, limited):
        client = limited(3)
        began = time.monotonic()

        with CaptureQueriesContext(connection) as queries:
            fields = [client.get(USERS) for _ in range(4)]
        require_within(0.9, began)

        assert len(queries) == 3 * 2 + 1  # a refused request looks for its token only

        assert [each.status_code for each in fields] == [200, 200, 200, 429]
        assert [each.headers["RateLimit"] for each in fields] == [f'"token";r={left};t=1' for left in (2, 1, 0, 0)]

    @again_if_too_slow
    def test_redis_rate_limit_allows_requests_after_a_second(self, redis_url, limited):
        client = limited(1)
        assert statuses(client, 2) == [200, 429]

        time.sleep(1.05)

        assert statuses(client, 2) == [200, 429]

    @pytest.mark.django_db(transaction=True)
    @again_if_too_slow
    def test_redis_rate_limit_is_shared_by_workers(self, redis_url):
        workers = [ratelimit.RedisCounter(redis_url), ratelimit.RedisCounter(redis_url)]
        grants = []
        moments = [began := time.monotonic()]
        end = began + 2.2

        def call(worker):
            while (asked := time.monotonic()) < end:
                moments.append(asked)
                if worker.take(7, 4) is not None:
                    grants.append((asked, time.monotonic()))
                time.sleep(0.005)

        at_once([lambda worker=worker: call(worker) for worker in workers * 8])

        require_no_pause_of(0.3, [*moments, end])
        assert most_within_a_second(grants) <= 4
        assert 8 <= len(grants) <= 12

    def test_redis_rate_limit_keys_expire(self, redis_url):
        ratelimit.take(7, 4)

        assert 0 < redis.Redis.from_url(redis_url).ttl("ratelimit:7") <= 2


class TestRedisAway:
    @again_if_too_slow
    def test_without_redis_the_database_counts_and_one_warning_is_logged(self, redis_away, limited, caplog):
        client = limited(2)

        with caplog.at_level(logging.WARNING, logger="customers.core.ratelimit"):
            assert statuses(client, 6) == [200] * 2 + [429] * 4

        assert [record.getMessage().partition(";")[0] for record in caplog.records] == ["Redis is unavailable"]

    @again_if_too_slow
    def test_redis_counts_again_after_an_outage(self, redis_url, settings, limited, caplog, monkeypatch):
        monkeypatch.setattr(ratelimit.RedisCounter, "RETRY_AFTER", 0)
        ratelimit._redis_counter.cache_clear()
        caplog.clear()
        client = limited(1)
        connection = redis.Redis.from_url(redis_url)
        connection.config_set("maxclients", 1)  # the next one is turned away

        with caplog.at_level(logging.WARNING, logger="customers.core.ratelimit"):
            assert statuses(client, 3) == [200, 429, 429]
            connection.config_set("maxclients", 100)
            assert statuses(client, 3) == [200, 429, 429]

        assert [record.getMessage().partition(";")[0] for record in caplog.records] == [
            "Redis is unavailable",
            "Redis is available again",
        ]


class TestClearExpired:
    def test_clear_expired_deletes_counters_of_replaced_tokens(self, api, owner):
        api(Scope.USERS_READ, app_name="ERP", rate_limit=9).get(USERS)
        kept = api(Scope.USERS_READ, app_name="ERP", rate_limit=9)
        kept.get(USERS)

        call_command("clear_expired", stdout=StringIO())

        with connection.cursor() as cursor:
            cursor.execute(f"SELECT token_id FROM {ratelimit.TABLE}")
            assert cursor.fetchall() == [(AccessToken.objects.get().pk,)]
