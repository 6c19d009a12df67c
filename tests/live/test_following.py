"""Two served stores, one of which follows the other: pulled, and from then on told by webhooks alone."""

import os
import random
import subprocess
import sys
import time
from typing import Any

import pytest

from tests.live.conftest import PROJECT, Store

CUSTOMERS = int(os.environ.get("FOLLOWED_CUSTOMERS", "120"))
CHANGES = int(os.environ.get("FOLLOWED_CHANGES", "60"))
SEED = int(os.environ.get("FOLLOWED_SEED", "1"))
PATIENCE = 60 + CHANGES  # seconds, for what is on its way
COUNT = "from customers.jobs.models import Job; print([job.position for job in Job.objects.all()])"
WORDS = ["vip", "wholesale", "Émigré", "50%", "late payer", "{}"]
NAMES = ["Ada", "Grace", "Zoë", "李", "O'Brien", "", "Anne-Marie de la Tour"]


@pytest.fixture
def filled(store, tmp_path):
    """`filled(300, RATE_LIMIT="4")`: a served store with so many customers."""

    def make(customers: int, **environment: str) -> Store:
        shop = store(VAR_DIR=str(tmp_path / "live"), WEBHOOKS_RETRY_SECONDS="0.2", **environment)
        shop.manage("demo", "--customers", str(customers), "--force")
        return shop

    return make


@pytest.fixture
def follow(store, tmp_path):
    """`follow(live)`: a store of its own, not served yet, with a token of the other one."""

    def make(live: Store) -> Store:
        scopes = ("users:read", "webhooks:read", "webhooks:write")
        token = live.manage("create_token", "--app", "Follower", "--scope", *scopes).strip()
        environment = {"RATE_LIMIT": "0", "FOLLOWED_STORE_RATE": "0", "STORE_TOKEN": token}
        shop = store(is_served=False, VAR_DIR=str(tmp_path / "follower"), **environment)
        shop.manage("migrate")
        return shop

    return make


@pytest.mark.parametrize("keeps_token", [False, True], ids=["at its word", "with a token"])
def test_a_pulled_store_stays_the_same_by_webhooks_alone(filled, follow, keeps_token):
    live = filled(CUSTOMERS, RATE_LIMIT="0")
    follower = follow(live)
    pulled = follower.manage("pull_store", live.url, "--orders")
    follower.start()
    follower.manage("follow_store", live.url, "--at", follower.url, *(["--keep-token"] if keeps_token else []))
    again = follower.manage("pull_store", live.url, "--orders")

    assert " 0 changed, 0 as they were, 0 not kept" in pulled
    assert ": 0 new, 0 changed, " in again
    assert customers(live)
    assert customers(follower) == customers(live)
    assert reports(follower) == reports(live)

    change(live, random.Random(SEED))
    deadline = time.monotonic() + PATIENCE
    while customers(follower) != customers(live) and time.monotonic() < deadline:
        time.sleep(1)

    assert customers(follower) == customers(live)
    assert reports(follower) == reports(live)


def test_a_pull_that_was_killed_goes_on_where_it_was(filled, follow):
    live = filled(300, RATE_LIMIT="0")
    follower = follow(live)
    command = [sys.executable, "manage.py", "pull_store", live.url, "--rate", "0.1"]
    process = subprocess.Popen(command, cwd=PROJECT, env=follower.environment)
    while "[250]" not in follower.manage("shell", "-c", COUNT):
        time.sleep(0.5)
    process.kill()
    process.wait()

    resumed = follower.manage("pull_store", live.url, "--resume")
    follower.start()

    assert "Going on after 250 customers." in resumed
    assert customers(follower) == customers(live)


def test_a_pull_keeps_to_the_rate_limit_of_the_store(filled, follow):
    live = filled(12, RATE_LIMIT="4")
    follower = follow(live)

    follower.manage("pull_store", live.url, "--orders")  # it asks again where it was too fast
    follower.start()

    assert customers(follower) == customers(live)


def customers(shop: Store) -> dict[int, dict[str, Any]]:
    """Everybody but those who work there, as the API tells of them."""
    session, url, found = shop.session(), f"{shop.url}/api/admin/users/?page_size=250", {}
    while url:
        page = session.get(url).json()
        found |= {each["id"]: each for each in page["results"] if each["user_type"] != "dashboard"}
        url = page["next"]
    return found


def reports(shop: Store) -> dict[tuple[int, str], list[dict[str, Any]]]:
    session = shop.session()
    return {
        (id, name): session.get(f"{shop.url}/api/admin/users/{id}/{name}/").json()
        for id, customer in customers(shop).items()
        for name in ("orders", "subscriptions")
        if customer[f"{name}_count"]
    }


def change(live: Store, dice: random.Random) -> None:
    session, users = live.session(), f"{live.url}/api/admin/users/"
    known = customers(live)
    done = 0
    while done < CHANGES:
        id = dice.choice(list(known))
        what = dice.choice([create, rename, rename, retag, block, swap_emails, add_address, put_address, drop_address])
        answer = what(session, users, known[id], dice)
        if answer is not None:
            assert answer.ok, answer.text
            done += 1
            if what is create:
                id = answer.json()["id"]
            known[id] = session.get(f"{users}{id}/").json()


def new_email(dice) -> str:
    return f"{dice.randrange(10**9)}@new.example"


def create(session, users, customer, dice):
    book = [place(dice) for _ in range(dice.randrange(3))]
    metadata = dice.choice([None, {"points": dice.randrange(100), "nested": {"b": [1.5, None, "é"], "a": True}}])
    return session.post(users, json={"email": new_email(dice), "addresses": book, "metadata": metadata})


def rename(session, users, customer, dice):
    fields = {
        "first_name": dice.choice(NAMES),
        "last_name": dice.choice(NAMES),
        "phone_number": dice.choice(["+442079460958", "+14165550123", "", None]),
        "language": dice.choice(["en", "fr", "", None]),
        "accepts_marketing": dice.random() < 0.5,
        "ip": dice.choice([None, "203.0.113.9", "2001:db8::1", "::ffff:192.0.2.1"]),
        "user_agent": dice.choice([None, "", "Mozilla/5.0"]),
        "email": new_email(dice),
        "metadata": dice.choice([None, {}, {"points": dice.randrange(10**6), "note": "ünïcode", "ratio": 1 / 3}]),
    }
    chosen = dice.sample(list(fields), dice.randrange(1, 4))
    return session.patch(f"{users}{customer['id']}/", json={name: fields[name] for name in chosen})


def retag(session, users, customer, dice):
    return session.patch(f"{users}{customer['id']}/", json={"tags": dice.sample(WORDS, dice.randrange(4))})


def block(session, users, customer, dice):
    return session.patch(f"{users}{customer['id']}/", json={"is_blocked": not customer["is_blocked"]})


def swap_emails(session, users, customer, dice):
    """What was theirs becomes that of a newcomer."""
    former = customer["email"]
    assert session.patch(f"{users}{customer['id']}/", json={"email": new_email(dice)}).ok
    answer = session.post(users, json={"email": former})
    assert answer.ok, answer.text
    return answer


def place(dice) -> dict[str, Any]:
    return {
        "line1": f"{dice.randrange(100)} High St",
        "line4": dice.choice(["Leeds", "Zürich"]),
        "country": dice.choice(["GB", "CH"]),
        "notes": dice.choice(["", "Ring twice."]),
        "is_default_for_shipping": dice.random() < 0.5,
        "is_default_for_billing": dice.random() < 0.5,
    }


def add_address(session, users, customer, dice):
    return session.post(f"{users}{customer['id']}/addresses/", json=place(dice))


def put_address(session, users, customer, dice):
    if not customer["addresses"]:
        return None
    id = dice.choice(customer["addresses"])["id"]
    return session.put(f"{users}{customer['id']}/addresses/{id}/", json=place(dice))


def drop_address(session, users, customer, dice):
    if not customer["addresses"]:
        return None
    return session.delete(f"{users}{customer['id']}/addresses/{dice.choice(customer['addresses'])['id']}/")
