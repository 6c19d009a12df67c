"""A backup that is made while the store is served, the loss of the database, and the restore."""

import json
import os
import stat
import subprocess
from pathlib import Path
from threading import Event, Thread

import pytest

from tests.live.conftest import Store
from tests.support.postgresql import binary

pytestmark = pytest.mark.both_databases

ERASE = "from customers.privacy.erasure import erase; from oauth.actor import SYSTEM; erase({id}, by=SYSTEM)"


def test_restored_backup_has_every_customer_and_nobody_who_was_erased_since(store, tmp_path):
    shop = store(RATE_LIMIT="0")
    customers = [create(shop, number) for number in range(20)]

    with writing(shop):
        restore = backup(shop, store, tmp_path / "backups")
    shop.manage("shell", "-c", ERASE.format(id=customers[0]["id"]))
    shop.stop()
    output = restore()

    assert f"1 customers erased again.\nCustomer {customers[0]['id']}\n" in output
    shop.start()
    session = shop.session()
    for customer in customers[1:]:
        assert session.get(f"{shop.url}/api/admin/users/{customer['id']}/").json() == customer
    erased = session.get(f"{shop.url}/api/admin/users/{customers[0]['id']}/").json()
    assert (erased["email"], erased["first_name"]) == (None, "")


def create(shop: Store, number: int) -> dict:
    body = {"email": f"c{number}@example.com", "first_name": "Ada"}
    return shop.session().post(f"{shop.url}/api/admin/users/", json=body, timeout=30).json()


class writing(Thread):  # noqa: N801  a context manager
    """Creates customers until the block ends."""

    def __init__(self, shop: Store):
        super().__init__()
        self.shop, self.stop = shop, Event()

    def run(self) -> None:
        for number in range(1000, 10_000):
            if self.stop.is_set():
                return
            create(self.shop, number)

    def __enter__(self) -> None:
        self.start()

    def __exit__(self, *_) -> None:
        self.stop.set()
        self.join()


def backup(shop: Store, store, folder: Path):
    """Makes a backup, as docs/backup.md says. Returns what restores it, as `shop`, and returns the output."""
    if url := shop.environment.get("DATABASE_URL"):
        folder.mkdir()
        subprocess.run([binary("pg_dump", url), "--format=custom", f"--file={folder / 'store.dump'}", url], check=True)

        def restore() -> str:
            empty = store(is_served=False, is_migrated=False)  # a database of its own: that of `shop` is lost
            url = empty.environment["DATABASE_URL"]
            command = [binary("pg_restore", url), "--exit-on-error", "--no-owner", f"--dbname={url}"]
            subprocess.run([*command, str(folder / "store.dump")], check=True)
            shop.environment["DATABASE_URL"] = url
            shop.manage("migrate")
            return shop.manage("apply_erasures")

    else:
        made = Path(shop.manage("backup", str(folder)).strip())
        manifest = json.loads((made / "manifest.json").read_text())
        assert manifest["rows"]["customers_user"] >= 20
        private = [stat.S_IMODE(each.stat().st_mode) for each in (made, *sorted(made.iterdir()))]
        assert private == [0o700, 0o600, 0o600]

        def restore() -> str:
            for file in Path(shop.environment["VAR_DIR"]).glob("store.sqlite3*"):
                os.remove(file)
            return shop.manage("restore", str(made))

    return restore
