"""What `manage.py import_customers` stores, and how an import is repeated and resumed."""

import csv
import io
import sys
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError
from django.utils import timezone

from customers import insertion, services
from customers.jobs import runner
from customers.jobs.imports import load
from customers.jobs.models import Job
from customers.models import Address, Event, Tag, User
from oauth.actor import SYSTEM
from oauth.scopes import Scope
from tests.support.clients import USERS
from tests.support.factories import make_owner, make_user

ADA = ["ada@example.com", "Ada", "020 7946 0018", "vip, new", "12 St James's Square", "London", "GB"]
EMPTY = ["", "", "", "", "", ""]


def people(number: int, start: int = 1) -> list[list[str]]:
    return [[f"person-{n}@example.com", *EMPTY] for n in range(start, start + number)]


class TestImportedCustomer:
    def test_import_stores_customer_address_tags_and_event(self, import_file, csv_file):
        code, output = import_file(csv_file([ADA]))

        assert (code, output.splitlines()[-1]) == (0, "1 created, 0 updated, 0 rejected.")
        user = User.objects.get()
        assert (user.email, user.first_name, user.tags) == ("ada@example.com", "Ada", ["vip", "new"])
        assert user.phone_number == "+442079460018"
        assert (user.user_type, user.has_usable_password(), user.is_active) == ("lead", False, True)
        address = user.addresses.get()
        assert (address.line1, address.line4, address.country) == ("12 St James's Square", "London", "GB")
        assert address.is_default_for_shipping
        assert address.is_default_for_billing
        assert set(Tag.objects.values_list("name", flat=True)) == {"new", "vip"}
        assert Event.objects.get().kind == "created"

    def test_import_of_json_gives_the_same_customer_as_the_api(self, import_file, jsonl_file, api):
        body = {
            "email": "Grace@Example.com",
            "first_name": "",
            "last_name": "Hopper 🎉",
            "language": "en",
            "accepts_marketing": True,
            "is_blocked": True,
            "ip": "2001:db8::1",
            "user_agent": "Mark I",
            "tags": ["a", " a ", None, "b"],
            "metadata": {"rank": {"now": ["rear", 1, None, True, 1.5]}},
            "addresses": [
                {"first_name": "Grace", "line1": "1 High St 🏠", "line4": "Leeds", "country": "gb",
                 "phone_number": "0113 496 0000"},
                {"line1": "2 High St", "line4": "Leeds", "country": "GB", "is_default_for_billing": True},
            ],
        }  # fmt: skip
        client = api(*Scope)
        first = client.post(USERS, body).json()
        services.update_user(first["id"], by=SYSTEM, email="another@example.com")

        code, output = import_file(jsonl_file([body]))

        assert code == 0, output
        second = client.get(f"{USERS}{User.objects.get(email='Grace@Example.com').pk}/").json()
        for shown in (first, second):
            del shown["id"], shown["date_joined"]
            for address in shown["addresses"]:
                del address["id"]
        assert second == first

    def test_import_keeps_date_joined_and_user_type(self, import_file, csv_file):
        rows = [["ada@example.com", "2019-05-03 10:11:12 -0400", "customer"], ["bo@example.com", "2020-02-29", "lead"]]

        import_file(csv_file(rows, header=["email", "Created At", "user_type"]))

        ada, bo = User.objects.order_by("id")
        assert (ada.date_joined, ada.user_type) == (datetime(2019, 5, 3, 14, 11, 12, tzinfo=UTC), "customer")
        assert bo.date_joined.astimezone(timezone.get_default_timezone()).isoformat()[:19] == "2020-02-29T00:00:00"

    def test_import_reads_metadata_from_columns(self, import_file, csv_file):
        import_file(csv_file([["ada@example.com", "7", "{}"]], header=["email", "metadata.Erp id", "metadata"]))

        assert User.objects.get().metadata == {"Erp id": "7"}

    def test_import_ignores_an_address_with_only_a_country(self, import_file, csv_file):
        code, _ = import_file(csv_file([["ada@example.com", "", "", "", "", "", "GB"]]))

        assert code == 0
        assert not Address.objects.exists()

    def test_import_accepts_country_name_and_language_with_region(self, import_file, csv_file):
        header = ["email", "street", "city", "country", "locale"]

        import_file(csv_file([["ada@example.com", "1 High St", "Leeds", "Sweden", "sv_SE"]], header=header))

        assert Address.objects.get().country == "SE"
        assert User.objects.get().language == "sv"


class TestDryRun:
    def test_dry_run_counts_the_same_and_stores_nothing(self, import_file, csv_file, small_chunks):
        make_user(email="known@example.com")
        path = csv_file([*people(3), ["known@example.com", *EMPTY], *people(1), ["nobody", *EMPTY]])

        code, output = import_file(path, "--dry-run")

        assert (code, output.splitlines()[-1]) == (1, "3 would be created, 0 updated, 3 rejected.")
        assert User.objects.count() == 1
        assert not Job.objects.exists()
        assert import_file(path)[1].splitlines()[-1] == "3 created, 0 updated, 3 rejected."


class TestUpdate:
    def test_update_changes_only_the_given_fields(self, import_file, csv_file):
        known = make_user(email="ada@example.com", first_name="Augusta", last_name="King")

        code, output = import_file(csv_file([ADA, *people(1)]), "--update")

        assert (code, output.splitlines()[-1]) == (0, "1 created, 1 updated, 0 rejected.")
        known.refresh_from_db()
        assert (known.first_name, known.last_name, known.tags) == ("Ada", "King", ["vip", "new"])
        assert known.events.filter(kind="changed").exists()

    def test_update_never_changes_staff(self, import_file, csv_file):
        make_owner(email="ada@example.com", first_name="Olive")

        code, _ = import_file(csv_file([ADA]), "--update")

        assert code == 1
        assert User.objects.get().first_name == "Olive"


class TestResume:
    @pytest.fixture
    def stopped(self, monkeypatch, import_file, csv_file, small_chunks, tmp_path):
        """The paths of a file, whose import was interrupted in its third chunk, and of the report."""
        path = csv_file([["nobody", *EMPTY], *people(7)])
        report = str(tmp_path / "report.csv")
        insert_users, calls = insertion.insert_users, []

        def interrupted(customers, *args):
            calls.append(customers)
            skipped = insert_users(customers, *args)
            if len(calls) == 3:
                raise KeyboardInterrupt
            return skipped

        monkeypatch.setattr(insertion, "insert_users", interrupted)
        with pytest.raises(CommandError, match="Use --resume to continue"):
            import_file(path, report=report)
        monkeypatch.setattr(insertion, "insert_users", insert_users)
        return path, report

    def test_stopped_import_keeps_whole_chunks(self, stopped):
        assert User.objects.count() == Event.objects.count() == 3
        assert Job.objects.get().cursor == 5

    def test_resume_continues_a_stopped_import(self, stopped, import_file):
        path, report = stopped

        code, output = import_file(path, "--resume", report=report)

        assert (code, output.splitlines()[-1]) == (1, "7 created, 0 updated, 1 rejected.")
        assert User.objects.count() == Event.objects.count() == 7
        assert Job.objects.get().finished_at
        with open(report) as file:
            assert [row[0] for row in csv.reader(file)] == ["Email", "nobody"]

    def test_stopped_import_can_be_repeated_from_the_start(self, stopped, import_file):
        code, output = import_file(stopped[0])

        assert (code, output.splitlines()[-1]) == (1, "4 created, 0 updated, 4 rejected.")
        assert User.objects.count() == Event.objects.count() == 7

    def test_resume_needs_a_stopped_import(self, import_file, csv_file):
        path = csv_file(people(1))
        import_file(path)

        with pytest.raises(CommandError, match="No stopped import of this file"):
            import_file(path, "--resume")

    def test_resume_rejects_standard_input(self, import_file):
        with pytest.raises(CommandError):
            import_file("-", "--resume")

    def test_resume_counts_the_lines_of_a_multiline_row(
        self, import_file, csv_file, small_chunks, monkeypatch, tmp_path
    ):
        path = csv_file([["a@example.com", "two\nlines", *EMPTY[1:]], *people(1), ["nobody", *EMPTY]])
        monkeypatch.setattr(runner, "work", interrupted_after_a_step(runner.work))
        with pytest.raises(CommandError, match="Stopped at line 4"):
            import_file(path)
        monkeypatch.undo()

        _, output = import_file(path, "--resume")

        assert "Line 5: Email" in output

    def test_resume_after_a_chunk_of_long_rows(self, import_file, csv_file, monkeypatch):
        path = csv_file([[email, "x" * 200, *EMPTY[1:]] for email, *_ in people(5)])
        monkeypatch.setattr(load, "CHUNK_BYTES", 200)
        monkeypatch.setattr(runner, "work", interrupted_after_a_step(runner.work))
        with pytest.raises(CommandError, match="Stopped at line 3"):
            import_file(path)
        monkeypatch.undo()

        _, output = import_file(path, "--resume")

        assert output.splitlines()[-1] == "5 created, 0 updated, 0 rejected."

    def test_import_stops_if_another_one_runs(self, import_file, csv_file, small_chunks, monkeypatch):
        path = csv_file(people(7))

        def elsewhere(job, steps, on_progress):
            Job.objects.update(cursor=7)
            work(job, steps, on_progress=on_progress)

        work = runner.work
        monkeypatch.setattr(runner, "work", elsewhere)

        with pytest.raises(CommandError, match="Another import"):
            import_file(path)

        assert not User.objects.exists()


def interrupted_after_a_step(work):
    def interrupted(job, steps, on_progress):
        work(job, steps, until=lambda: True, on_progress=on_progress)
        raise KeyboardInterrupt

    return interrupted


def test_import_from_standard_input(import_file, monkeypatch):
    text = io.TextIOWrapper(io.BufferedReader(io.BytesIO(b"email\nada@example.com\n")))
    monkeypatch.setattr(sys, "stdin", text)

    import_file("-")

    assert User.objects.get().email == "ada@example.com"


def test_import_removes_the_apostrophe_that_an_export_adds(import_file, csv_file):
    texts = ["=1+1", "+44 20", "-x", "@home", "'=1"]

    import_file(csv_file([[f"p{number}@example.com", f"'{text}", *EMPTY[1:]] for number, text in enumerate(texts)]))

    assert list(User.objects.order_by("pk").values_list("first_name", flat=True)) == texts
