"""Which requests the server keeps from holding up others, because they may hash a password, and how it runs them."""

import asyncio
import threading
from io import BytesIO

import pytest

from config.server.hashing import MAX_REQUESTS, HashingThread, may_hash
from tests.support.cases import each

HASHES = {
    "sign-in": ("/dashboard/login/", b"username=ada&password=x"),
    "a field in percent encoding": ("/dashboard/login/", b"username=ada&%70assword=x"),
    "a new password": ("/dashboard/password_reset/MQ/set-password/", b"new_password1=x&new_password2=x"),
    "a confirmation": ("/dashboard/customers/customer/1/erase/", b"identity-password=x"),
    "consent with a confirmation": ("/oauth2/authorize/", b"identity-password=x"),
    "Medusa's sign-in": ("/admin/auth", b'{"email": "a@b.example", "password": "x"}'),
    "an account of Medusa": ("/Admin/Customers", b'{"password": "x"}'),
    "a key in JSON's escapes": ("/admin/customers", b'{"\\u0070assword": "x"}'),
    "an empty password before another": ("/admin/customers", b'{"password": "", "password": "x"}'),
    "a large body": ("/admin/customers/cus_1", b" " * 70_000 + b'{"password": "x"}'),
}
HASHES_NOT = {
    "the Admin API": ("/api/admin/users/", b'{"first_name": "password"}'),
    "a guest of Medusa": ("/admin/customers", b'{"email": "a@b.example", "password": ""}'),
    "a change of a name": ("/admin/customers/cus_1", b'{"first_name": "100%"}'),
    "a token": ("/oauth2/token/", b"client_secret=password"),
    "another form": ("/dashboard/customers/customer/1/change/", b"email=ada%40example.com"),
}


def environ(path, method="POST"):
    return {"REQUEST_METHOD": method, "PATH_INFO": path}


@each("path, body", HASHES)
def test_request_with_a_password_may_hash_and_its_body_stays_whole(path, body):
    file = BytesIO(body)

    assert may_hash(environ(path), file)
    assert file.read() == body


@each("path, body", HASHES_NOT)
def test_request_without_a_password_hashes_nothing(path, body):
    assert not may_hash(environ(path), BytesIO(body))


def test_request_that_is_no_post_hashes_nothing():
    assert not may_hash(environ("/dashboard/login/", "GET"), BytesIO(b"password"))


def test_calls_run_one_at_a_time_beside_the_event_loop_until_too_many_wait():
    started, may_end = [], threading.Event()

    def call():
        started.append(threading.current_thread())
        assert may_end.wait(timeout=60)
        return len(started)

    async def run_as_many_as_may_wait():
        hashing = HashingThread()
        tasks = [asyncio.create_task(hashing.run(call)) for _ in range(MAX_REQUESTS)]
        async with asyncio.timeout(60):
            while not started:
                await asyncio.sleep(0.001)
        assert (len(started), hashing.is_full) == (1, True)
        may_end.set()
        assert await asyncio.gather(*tasks) == list(range(1, MAX_REQUESTS + 1))
        assert not hashing.is_full
        hashing.stop()

    asyncio.run(run_as_many_as_may_wait())
    assert len(set(started)) == 1
    assert threading.current_thread() not in started


def test_call_that_fails_raises_its_error_and_makes_room_for_the_next():
    async def run_twice():
        hashing = HashingThread()
        with pytest.raises(ZeroDivisionError):
            await hashing.run(lambda: 1 // 0)
        assert hashing.waiting == 0
        assert await hashing.run(lambda: 1) == 1
        hashing.stop()

    asyncio.run(run_twice())


def test_thread_pauses_only_after_a_call_beside_other_requests(monkeypatch):
    pauses = []

    async def pause(seconds):
        pauses.append(seconds)

    async def run_alone_and_beside_others():
        hashing = HashingThread()
        await hashing.run(lambda: None)
        assert pauses == []
        await hashing.run(lambda: setattr(hashing, "others", 1))
        hashing.stop()

    monkeypatch.setattr(asyncio, "sleep", pause)
    asyncio.run(run_alone_and_beside_others())
    assert len(pauses) == 1
    assert pauses[0] > 0
