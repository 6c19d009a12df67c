"""Which customers and values an export contains."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest

from customers.jobs import runner
from customers.jobs.exports import parts
from customers.jobs.exports.parts import EXPORT
from customers.jobs.models import Job
from customers.orders.services import record_order
from customers.privacy.erasure import erase
from oauth.actor import SYSTEM
from oauth.scopes import Scope
from tests.support.exports import ALL_CUSTOMERS, EXPORTS, downloaded, make_exports
from tests.support.factories import make_owner, make_user
from tests.support.order_documents import order

pytestmark = pytest.mark.usefixtures("files")


def rows(text: str) -> list[dict]:
    return list(csv.DictReader(io.StringIO(text)))


def emails(text: str) -> list[str]:
    return [row["email"] for row in rows(text)]


class TestWhatIsExported:
    def test_export_contains_every_customer_with_all_columns(self, admin_client, anonymous):
        ada = make_user(email="ada@example.com", first_name="Ada", ip="203.0.113.7", tags=["vip"], metadata={"a": 1})
        make_user(email="bo@example.com")
        make_owner()
        for number, day in enumerate((3, 1, 2)):
            placed = f"2026-03-0{day}T10:00:00+02:00"
            record_order(user_id=ada.pk, document=order(number=f"A{number}", date_placed=placed))
        record_order(user_id=ada.pk, document=order(number="X", date_placed="2020-01-01T00:00:00Z", is_test=True))

        export = admin_client.post(EXPORTS, ALL_CUSTOMERS).json()
        make_exports()
        first, second = rows(downloaded(admin_client, export, by=anonymous))

        assert (first["email"], first["ip"], first["orders_count"]) == ("ada@example.com", "203.0.113.7", "3")
        assert first["first_purchase_date"] == "2026-03-01T08:00:00+00:00"
        assert first["last_purchase_date"] == "2026-03-03T08:00:00+00:00"
        assert (second["email"], second["first_purchase_date"], second["last_purchase_date"]) == (
            "bo@example.com", "", "",
        )  # fmt: skip

    def test_export_contains_customers_between_both_dates_included(self, admin_client, anonymous):
        start, end = datetime(2026, 1, 1, 0, 0, 0, 123456, UTC), datetime(2026, 2, 1, 0, 0, 0, 654321, UTC)
        tick = timedelta(microseconds=1)
        for name, joined in {"a": start - tick, "b": start, "c": end, "d": end + tick}.items():
            make_user(email=f"{name}@example.com", date_joined=joined)

        export = admin_client.post(
            EXPORTS, {"type": "customer_list", "date_from": start.isoformat(), "date_to": end.isoformat()}
        ).json()
        make_exports()

        assert emails(downloaded(admin_client, export, by=anonymous)) == ["b@example.com", "c@example.com"]
        assert (export["date_from"], export["date_to"]) == (
            "2026-01-01T00:00:00.123456Z", "2026-02-01T00:00:00.654321Z",
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("query", "found"),
        [("language=de", ["ada"]), ("name=ada+love", ["ada"]), ("email=ADA@example.com", ["ada"]),
         ("phone_number=7946", ["ada"]), ("user_type=lead", ["ada", "bo"]), ("user_type=dashboard", []),
         ("is_blocked=true", ["bo"]), ("is_blocked=false", ["ada"]), ("accepts_marketing=true", ["ada"]),
         ("date_joined_from=2026-06-01", ["bo"]), ("date_joined_to=2026-06-01", ["ada"]),
         ("unknown=x&language=", ["ada", "bo"]), ("language=de&is_blocked=true", [])],
    )  # fmt: skip
    def test_export_applies_the_filters_of_the_list(self, admin_client, api, anonymous, query, found):
        make_user(
            email="ada@example.com", first_name="Ada", last_name="Lovelace", language="de", accepts_marketing=True,
            phone_number="+442079460018", date_joined=datetime(2026, 1, 1, tzinfo=UTC),
        )  # fmt: skip
        make_user(email="bo@example.com", is_blocked=True, date_joined=datetime(2026, 7, 1, tzinfo=UTC))

        export = admin_client.post(f"{EXPORTS}?{query}", ALL_CUSTOMERS).json()
        make_exports()

        listed = api(Scope.USERS_READ).get(f"/api/admin/users/?{query}").json()["results"]
        exported = emails(downloaded(admin_client, export, by=anonymous))
        assert exported == [f"{name}@example.com" for name in found]
        assert {user["email"] for user in listed if user["user_type"] != "dashboard"} == set(exported)

    def test_finished_export_does_not_keep_its_filters(self, admin_client):
        admin_client.post(f"{EXPORTS}?email=ada@example.com", ALL_CUSTOMERS)

        make_exports()

        assert "ada@example.com" not in str(Job.objects.values().get())

    def test_export_is_complete_if_a_customer_is_erased_meanwhile(self, admin_client, anonymous, monkeypatch):
        monkeypatch.setattr(parts, "PART_SIZE", 1)
        people = [make_user(email=f"p{number}@example.com") for number in range(4)]
        export = admin_client.post(EXPORTS, ALL_CUSTOMERS).json()
        job = Job.objects.get()
        runner.work(job, EXPORT.steps(job), until=lambda: job.position >= 2)

        erase(people[0].pk, by=SYSTEM)
        make_exports()

        assert emails(downloaded(admin_client, export, by=anonymous)) == [
            f"p{number}@example.com" for number in (1, 2, 3)
        ]
