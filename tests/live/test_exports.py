"""An export as an app sees it: requested over HTTP, made by a worker that is killed, sent to a webhook, downloaded."""

import contextlib
import csv
import os
import time

import psutil
import requests

from tests.live.conftest import Store
from tests.support.exports import ALL_CUSTOMERS
from tests.support.webhook_receiver import served

CUSTOMERS = int(os.environ.get("EXPORT_CUSTOMERS", "20000"))
PATIENCE = 60 + CUSTOMERS / 1000  # seconds


def test_export_is_complete_although_its_worker_is_killed(store, tmp_path):
    shop = store(RATE_LIMIT="0")
    import_customers(shop, tmp_path / "customers.csv")
    app = shop.session()
    scopes = ("exports:read", "exports:write", "webhooks:write")
    app.headers["Authorization"] = f"Bearer {shop.manage('create_token', '--app', 'BI', '--scope', *scopes).strip()}"
    api = f"{shop.url}/api/admin"

    with served() as receiver:
        webhook = {"target": receiver.url, "events": ["export.created"]}
        assert app.post(f"{api}/webhooks/", json=webhook).status_code == 201
        export = app.post(f"{api}/exports/", json=ALL_CUSTOMERS).json()
        kill_worker_in_the_middle(shop, tmp_path)
        wait_for(lambda: receiver.received)

    # Killed after it had sent the event, and before it noted that, the worker's successor sends it again.
    [event] = {each.event["event_id"]: each.event for each in receiver.received}.values()
    available = app.get(f"{api}/exports/{export['id']}/").json()
    assert available == {**export, "status": "available"}
    assert event["data"] == available
    link = app.get(f"{available['url']}download/").json()["url"]
    with requests.get(link, timeout=30) as file:
        rows = list(csv.DictReader(file.text.splitlines()))
    assert [row["email"] for row in rows] == ["ada@example.com", *map(email, range(CUSTOMERS))]


def email(number: int) -> str:
    return f"c{number}@example.com"


def import_customers(shop: Store, path) -> None:
    path.write_text("email\n" + "".join(f"{email(number)}\n" for number in range(CUSTOMERS)))
    shop.manage("import_customers", str(path))


def kill_worker_in_the_middle(shop: Store, folder) -> None:
    """Kills the worker after it has written a part of the export; `make run` starts another one."""
    parts = folder / "files" / "jobs" / "exports"
    wait_for(lambda: parts.is_dir() and any(parts.iterdir()))
    [worker] = workers(shop)
    worker.kill()
    wait_for(lambda: [each for each in workers(shop) if each.pid != worker.pid])


def workers(shop: Store) -> list[psutil.Process]:
    found = []
    for child in psutil.Process(shop.process.pid).children():
        with contextlib.suppress(psutil.Error):
            if "run_worker" in child.cmdline():
                found.append(child)
    return found


def wait_for(condition) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
