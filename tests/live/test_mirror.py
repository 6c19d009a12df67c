"""Two served stores: one mirrors the other, first by a pull, then by webhooks alone."""

import os
import random
import subprocess
import sys
import time
from typing import Any

import psycopg
import pytest

from tests.live.conftest import PROJECT, Store

CUSTOMERS = int(os.environ.get("MIRROR_CUSTOMERS", "120"))
CHANGES = int(os.environ.get("MIRROR_CHANGES", "60"))
SEED = int(os.environ.get("MIRROR_SEED", "1"))
PATIENCE = 60 + CHANGES  # seconds, until all events have arrived
WORDS = ["vip", "wholesale", "Émigré", "50%", "late payer", "{}"]
NAMES = ["Ada", "Grace", "Zoë", "李", "O'Brien", "", "Anne-Marie de la Tour"]


@pytest.fixture
def filled(store, tmp_path):
    """`filled(300, RATE_LIMIT="4")`: a served store with 300 generated customers."""

    def make(customers: int, **environment: str) -> Store:
        shop = store(VAR_DIR=str(tmp_path / "live"), WEBHOOKS_RETRY_SECONDS="0.2", **environment)
        shop.manage("demo", "--customers", str(customers), "--force")
        return shop

    return make


@pytest.fixture
def make_mirror(store, tmp_path):
    """`make_mirror(live)`: another store, not served yet, with an API token of `live`."""

    def make(live: Store) -> Store:
        scopes = ("users:read", "webhooks:read", "webhooks:write")
        token = live.manage("create_token", "--app", "Mirror", "--scope", *scopes).strip()
        environment = {"RATE_LIMIT": "0", "MIRRORED_STORE_RATE": "0", "STORE_TOKEN": token}
        return store(is_served=False, VAR_DIR=str(tmp_path / "mirror"), **environment)

    return make


@pytest.mark.parametrize("keeps_token", [False, True], ids=["without token", "with token"])
def test_mirror_stays_the_same_by_webhooks_alone(filled, make_mirror, keeps_token):
    live = filled(CUSTOMERS, RATE_LIMIT="0")
    mirror = make_mirror(live)
    pulled = mirror.manage("pull_store", live.url, "--orders")
    mirror.start()
    mirror.manage("mirror_store", live.url, "--at", mirror.url, *(["--keep-token"] if keeps_token else []))
    again = mirror.manage("pull_store", live.url, "--orders")

    assert " 0 updated, 0 unchanged, 0 conflicts" in pulled
    assert ": 0 created, 0 updated, " in again
    assert customers(live)
    assert customers(mirror) == customers(live)
    assert documents(mirror) == documents(live)

    change(live, random.Random(SEED))
    deadline = time.monotonic() + PATIENCE
    while customers(mirror) != customers(live) and time.monotonic() < deadline:
        time.sleep(1)

    assert customers(mirror) == customers(live)
    assert documents(mirror) == documents(live)


def test_killed_pull_can_be_resumed(filled, make_mirror):
    live = filled(300, RATE_LIMIT="0")
    mirror = make_mirror(live)
    command = [sys.executable, "manage.py", "pull_store", live.url, "--rate", "0.1"]
    process = subprocess.Popen(command, cwd=PROJECT, env=mirror.environment)
    with psycopg.connect(mirror.environment["DATABASE_URL"], autocommit=True) as connection:
        while connection.execute("SELECT position FROM jobs_job").fetchall() != [(250,)]:
            assert process.poll() is None
            time.sleep(0.1)
    process.kill()
    process.wait()

    resumed = mirror.manage("pull_store", live.url, "--resume")
    mirror.start()

    assert "Continuing after 250 customers." in resumed
    assert customers(mirror) == customers(live)


def test_pull_respects_the_rate_limit_of_the_store(filled, make_mirror):
    live = filled(12, RATE_LIMIT="4")
    mirror = make_mirror(live)

    mirror.manage("pull_store", live.url, "--orders")  # it retries after each 429
    mirror.start()

    assert customers(mirror) == customers(live)


def customers(shop: Store) -> dict[int, dict[str, Any]]:
    """Everybody but staff, as the API shows them."""
    session, url, found = shop.session(), f"{shop.url}/api/admin/users/?page_size=250", {}
    while url:
        page = session.get(url).json()
        found |= {each["id"]: each for each in page["results"] if each["user_type"] != "dashboard"}
        url = page["next"]
    return found


def documents(shop: Store) -> dict[tuple[int, str], list[dict[str, Any]]]:
    session = shop.session()
    return {
        (id, name): session.get(f"{shop.url}/api/admin/users/{id}/{name}/").json()
        for id, customer in customers(shop).items()
        for name in ("orders", "subscriptions")
        if customer[f"{name}_count"]
    }


def change(live: Store, rng: random.Random) -> None:
    session, users = live.session(), f"{live.url}/api/admin/users/"
    known = customers(live)
    done = 0
    while done < CHANGES:
        id = rng.choice(list(known))
        what = rng.choice([create, rename, rename, retag, block, swap_emails, add_address, put_address, drop_address])
        answer = what(session, users, known[id], rng)
        if answer is not None:
            assert answer.ok, answer.text
            done += 1
            if what is create:
                id = answer.json()["id"]
            known[id] = session.get(f"{users}{id}/").json()


def new_email(rng) -> str:
    return f"{rng.randrange(10**9)}@new.example"


def create(session, users, customer, rng):
    book = [place(rng) for _ in range(rng.randrange(3))]
    metadata = rng.choice([None, {"points": rng.randrange(100), "nested": {"b": [1.5, None, "é"], "a": True}}])
    return session.post(users, json={"email": new_email(rng), "addresses": book, "metadata": metadata})


def rename(session, users, customer, rng):
    fields = {
        "first_name": rng.choice(NAMES),
        "last_name": rng.choice(NAMES),
        "phone_number": rng.choice(["+442079460958", "+14165550123", "", None]),
        "language": rng.choice(["en", "fr", "", None]),
        "accepts_marketing": rng.random() < 0.5,
        "ip": rng.choice([None, "203.0.113.9", "2001:db8::1", "::ffff:192.0.2.1"]),
        "user_agent": rng.choice([None, "", "Mozilla/5.0"]),
        "email": new_email(rng),
        "metadata": rng.choice([None, {}, {"points": rng.randrange(10**6), "note": "ünïcode", "ratio": 1 / 3}]),
    }
    chosen = rng.sample(list(fields), rng.randrange(1, 4))
    return session.patch(f"{users}{customer['id']}/", json={name: fields[name] for name in chosen})


def retag(session, users, customer, rng):
    return session.patch(f"{users}{customer['id']}/", json={"tags": rng.sample(WORDS, rng.randrange(4))})


def block(session, users, customer, rng):
    return session.patch(f"{users}{customer['id']}/", json={"is_blocked": not customer["is_blocked"]})


def swap_emails(session, users, customer, rng):
    """A new customer gets the email of this one."""
    former = customer["email"]
    assert session.patch(f"{users}{customer['id']}/", json={"email": new_email(rng)}).ok
    answer = session.post(users, json={"email": former})
    assert answer.ok, answer.text
    return answer


def place(rng) -> dict[str, Any]:
    return {
        "line1": f"{rng.randrange(100)} High St",
        "line4": rng.choice(["Leeds", "Zürich"]),
        "country": rng.choice(["GB", "CH"]),
        "notes": rng.choice(["", "Ring twice."]),
        "is_default_for_shipping": rng.random() < 0.5,
        "is_default_for_billing": rng.random() < 0.5,
    }


def add_address(session, users, customer, rng):
    return session.post(f"{users}{customer['id']}/addresses/", json=place(rng))


def put_address(session, users, customer, rng):
    if not customer["addresses"]:
        return None
    id = rng.choice(customer["addresses"])["id"]
    return session.put(f"{users}{customer['id']}/addresses/{id}/", json=place(rng))


def drop_address(session, users, customer, rng):
    if not customer["addresses"]:
        return None
    return session.delete(f"{users}{customer['id']}/addresses/{rng.choice(customer['addresses'])['id']}/")
