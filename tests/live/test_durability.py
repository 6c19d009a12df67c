"""Races and crashes: an answered write is kept, and one email makes one customer."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Barrier, Event, Lock

import pytest
import requests

from tests.live.conftest import PATIENCE

pytestmark = pytest.mark.both_databases

ADDRESS = {"line1": "1 High St", "line4": "Leeds", "country": "GB"}


class TestRace:
    def test_32_concurrent_creates_with_one_email_make_one_customer(self, store):
        shop = store(RATE_LIMIT="0")
        together = Barrier(32)

        def create(number: int) -> requests.Response:
            session = shop.session()
            together.wait()
            email = "Grace@example.com" if number % 2 else "grace@EXAMPLE.com"
            return session.post(f"{shop.url}/api/admin/users/", json={"email": email, "tags": ["a", "b"]})

        with ThreadPoolExecutor(32) as pool:
            answers = list(pool.map(create, range(32)))

        assert Counter(answer.status_code for answer in answers) == {201: 1, 400: 31}
        assert all(list(answer.json()) == ["email"] for answer in answers if answer.status_code == 400)
        found = shop.session().get(f"{shop.url}/api/admin/users/?email=grace@example.com").json()["results"]
        assert len(found) == 1


class TestKilledServer:
    def test_kill_minus_9_keeps_every_customer_answered_with_201(self, store):
        shop = store(RATE_LIMIT="0")
        arrived: list[dict] = []
        numbers, lock, enough = count(1), Lock(), Event()

        def create(_) -> None:
            """One customer after the other, until the server is gone."""
            while True:
                with lock:
                    number = next(numbers)
                body = {"email": f"{number}@example.com", "tags": ["new", str(number)], "addresses": [ADDRESS, ADDRESS]}
                try:
                    answer = shop.session().post(f"{shop.url}/api/admin/users/", json=body, timeout=PATIENCE)
                except requests.ConnectionError:
                    return
                assert answer.status_code == 201
                arrived.append(answer.json())
                if len(arrived) >= 60:
                    enough.set()

        with ThreadPoolExecutor(16) as pool:
            creating = pool.map(create, range(16))
            assert enough.wait(PATIENCE)
            shop.kill()
            list(creating)
        shop.start()

        session = shop.session()
        for customer in arrived:
            assert session.get(f"{shop.url}/api/admin/users/{customer['id']}/").json() == customer
        # Nor is anybody there by half.
        everybody = session.get(f"{shop.url}/api/admin/users/?page_size=250").json()["results"]
        newcomers = [person for person in everybody if person["tags"][:1] == ["new"]]
        assert newcomers
        assert all(len(person["addresses"]) == 2 for person in newcomers)


class TestRevokedToken:
    def test_replaced_token_is_refused_by_every_worker_at_once(self, store):
        shop = store(RATE_LIMIT="0")
        session = shop.session()
        assert session.get(f"{shop.url}/api/admin/users/").status_code == 200

        replaced = shop.manage("create_token", "--app", "Quickstart", "--scope", "users:read").strip()

        # New connections, so that every worker is met.
        answers = [requests.get(f"{shop.url}/api/admin/users/", headers=session.headers) for _ in range(12)]
        assert {answer.status_code for answer in answers} == {401}
        fresh = requests.get(f"{shop.url}/api/admin/users/", headers={"Authorization": f"Bearer {replaced}"})
        assert fresh.status_code == 200
