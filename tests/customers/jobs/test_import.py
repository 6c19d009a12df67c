"""What `manage.py import_customers` brings in, and what it refuses."""

import io
import sys
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError
from django.db import connection
from django.utils import timezone

from customers.jobs import runner
from customers.jobs.imports import load as imports
from customers.jobs.imports import storing
from customers.jobs.imports.columns import guess
from customers.jobs.imports.rows import draft
from customers.jobs.models import Job
from customers.models import Address, Event, Tag, User
from oauth.actor import SYSTEM
from oauth.errors import ServiceError
from oauth.scopes import Scope
from tests.support.clients import USERS
from tests.support.factories import make_owner, make_user

ADA = ["ada@example.com", "Ada", "020 7946 0018", "vip, new", "12 St James's Square", "London", "GB"]
BARE = ["", "", "", "", "", ""]


@pytest.fixture
def small_chunks(monkeypatch):
    """Two rows a transaction."""
    monkeypatch.setattr(imports, "CHUNK", 2)


def people(number: int, start: int = 1) -> list[list[str]]:
    return [[f"person-{n}@example.com", *BARE] for n in range(start, start + number)]


class TestACustomer:
    def test_comes_in_with_address_tags_and_event(self, bring_in, csv_file):
        code, said = bring_in(csv_file([ADA]))

        assert (code, said.splitlines()[-1]) == (0, "1 created, 0 updated, 0 refused.")
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

    def test_is_what_the_api_would_make_of_it(self, bring_in, jsonl_file, api):
        body = {
            "email": "Grace@Example.com",
            "first_name": "",
            "last_name": "Hopper 🎉",
            "language": "en",
            "accepts_marketing": True,
            "is_blocked": True,
            "ip": "2001:db8::1",
            "user_agent": "Mark I",
            "tags": ["a", " a ", "", "b"],
            "metadata": {"rank": {"now": ["rear", 1, None, True, 1.5]}},
            "addresses": [
                {"first_name": "Grace", "line1": "1 High St 🏠", "line4": "Leeds", "country": "gb",
                 "phone_number": "0113 496 0000"},
                {"line1": "2 High St", "line4": "Leeds", "country": "GB", "is_default_for_billing": True},
            ],
        }  # fmt: skip
        client = api(*Scope)
        first = client.post(USERS, body).json()
        User.objects.filter(pk=first["id"]).update(email="another@example.com")

        code, said = bring_in(jsonl_file([body]))

        assert code == 0, said
        second = client.get(f"{USERS}{User.objects.get(email='Grace@Example.com').pk}/").json()
        for shown in (first, second):
            del shown["id"], shown["date_joined"]
            for address in shown["addresses"]:
                del address["id"]
        assert second == first

    def test_keeps_when_they_joined_and_as_what(self, bring_in, csv_file):
        rows = [["ada@example.com", "2019-05-03 10:11:12 -0400", "customer"], ["bo@example.com", "2020-02-29", "lead"]]

        bring_in(csv_file(rows, header=["email", "Created At", "user_type"]))

        ada, bo = User.objects.order_by("id")
        assert (ada.date_joined, ada.user_type) == (datetime(2019, 5, 3, 14, 11, 12, tzinfo=UTC), "customer")
        assert bo.date_joined.astimezone(timezone.get_default_timezone()).isoformat()[:19] == "2020-02-29T00:00:00"

    def test_may_have_metadata_in_columns(self, bring_in, csv_file):
        bring_in(csv_file([["ada@example.com", "7", "{}"]], header=["email", "metadata.Erp id", "metadata"]))

        assert User.objects.get().metadata == {"Erp id": "7"}

    def test_has_no_address_with_nothing_but_a_country(self, bring_in, csv_file):
        code, _ = bring_in(csv_file([["ada@example.com", "", "", "", "", "", "GB"]]))

        assert code == 0
        assert not Address.objects.exists()

    def test_may_have_the_country_by_name_and_the_language_with_a_region(self, bring_in, csv_file):
        header = ["email", "street", "city", "country", "locale"]

        bring_in(csv_file([["ada@example.com", "1 High St", "Leeds", "Sweden", "sv_SE"]], header=header))

        assert Address.objects.get().country == "SE"
        assert User.objects.get().language == "sv"


class TestARowIsRefused:
    @pytest.mark.parametrize(
        ("row", "field", "reason"),
        [
            (["", *BARE], None, None),
            (["", "Ada", *BARE[1:]], "email", "This field is required."),
            (["ada", *BARE], "email", "Enter a valid email address."),
            ([f"{'a' * 320}@example.com", *BARE], "email", "Enter at most 320 characters."),
            (["a@example.com", "A" * 256, *BARE[1:]], "first_name", "Enter at most 255 characters."),
            (["a@example.com", "A\0", *BARE[1:]], "first_name", "NUL and half a surrogate pair can't be kept."),
            (["a@example.com", "", "+12", *BARE[2:]], "phone_number", "Enter a valid phone number."),
            (["a@example.com", "", "0113 496 0000", *BARE[2:]], "phone_number", "with its country code"),
            (["a@example.com", "", "", "x" * 256, *BARE[3:]], "tags.0", "A tag has at most 255 characters."),
            (["a@example.com", "", "", "", "1 High St", "", "GB"], "address_line4", "This field is required."),
            (["a@example.com", "", "", "", "1 High St", "Leeds", ""], "address_country", "This field is required."),
            (["a@example.com", "", "", "", "1 High St", "Leeds", "XX"], "addresses.0.country", "Enter a two-letter"),
            (["a@example.com", "too short"], "", "The row has 2 cells, the header has 7."),
        ],
    )  # fmt: skip
    def test_with_its_line_field_and_reason(self, bring_in, csv_file, tmp_path, row, field, reason):
        report = tmp_path / "report.csv"

        code, said = bring_in(csv_file([ADA, row]), report=str(report))

        lines = report.read_text().splitlines()
        if reason is None:  # an empty row is none
            assert (code, lines) == (0, ["line,field,reason"])
            return
        assert code == 1
        assert said.splitlines()[-1] == "1 created, 0 updated, 1 refused."
        assert lines[1].startswith(f"3,{field},")
        assert reason in lines[1]
        assert User.objects.count() == 1

    @pytest.mark.parametrize(
        ("row", "place"),
        [
            ("{", ""),
            ("[]", ""),
            ('{"email": 7}', "email"),
            ('{"email": null}', "email"),
            ('{"email": "a@example.com", "tags": "[1"}', "tags"),
            ('{"email": "a@example.com", "tags": [[]]}', "tags"),
            ('{"email": "a@example.com", "metadata": [1]}', "metadata"),
            ('{"email": "a@example.com", "metadata": {"a": "\\u0000"}}', "metadata"),
            ('{"email": "a@example.com", "metadata": {"a": 1e300}}', "metadata"),
            ('{"email": "a@example.com", "first_name": {}}', "first_name"),
            ('{"email": "a@example.com", "first_name": true}', "first_name"),
            ('{"email": "a@example.com", "language": "xx"}', "language"),
            ('{"email": "a@example.com", "accepts_marketing": "perhaps"}', "accepts_marketing"),
            ('{"email": "a@example.com", "accepts_marketing": [1]}', "accepts_marketing"),
            ('{"email": "a@example.com", "user_type": "dashboard"}', "user_type"),
            ('{"email": "a@example.com", "user_type": []}', "user_type"),
            ('{"email": "a@example.com", "ip": "1.2.3"}', "ip"),
            ('{"email": "a@example.com", "ip": "fe80::1%eth0"}', "ip"),
            ('{"email": "a@example.com", "date_joined": "yesterday"}', "date_joined"),
            ('{"email": "a@example.com", "date_joined": "2026-02-30"}', "date_joined"),
            ('{"email": "a@example.com", "date_joined": "0001-01-01"}', "date_joined"),
            ('{"email": "a@example.com", "addresses": {}}', "addresses"),
            ('{"email": "a@example.com", "addresses": [1]}', "addresses.0"),
            ('{"email": "a@example.com", "addresses": [{"line1": "x"}]}', "addresses.0.line4"),
            ('{"email": "a@example.com", "addresses": [{"line1": 1, "line4": []}]}', "addresses.0.line4"),
        ],
    )  # fmt: skip
    def test_in_json_too(self, bring_in, jsonl_file, tmp_path, row, place):
        report = tmp_path / "report.csv"

        code, _ = bring_in(jsonl_file([{"email": "ok@example.com"}, row]), report=str(report))

        assert code == 1
        assert report.read_text().splitlines()[1].startswith(f"2,{place},")
        assert User.objects.get().email == "ok@example.com"

    def test_for_an_email_that_somebody_has(self, bring_in, csv_file, small_chunks):
        make_user(email="known@example.com")
        rows = [["KNOWN@example.com", *BARE], *people(2), ["Person-1@Example.com", *BARE], *people(1, 2)]

        code, said = bring_in(csv_file(rows))

        assert code == 1
        refused = [line.partition(":")[0] for line in said.splitlines() if "already exists" in line]
        assert refused == ["Line 2", "Line 5", "Line 6"]
        assert User.objects.count() == Event.objects.count() == 3

    def test_for_what_is_not_utf_8(self, bring_in, tmp_path):
        path = tmp_path / "latin.csv"
        path.write_bytes("email,first name\na@example.com,Andr\xe9\nb@example.com,Bo\n".encode("latin-1"))

        code, _ = bring_in(str(path), report=str(tmp_path / "report.csv"))

        assert code == 1
        assert User.objects.get().email == "b@example.com"

    def test_without_a_report_on_the_terminal(self, bring_in, csv_file):
        _, said = bring_in(csv_file([["nobody", *BARE]]))

        assert "Line 2: email: Enter a valid email address." in said


class TestTheColumns:
    @pytest.mark.parametrize(
        ("header", "field"),
        [
            ("E-mail", "email"),
            ("Customer Email", "email"),
            ("billing_first_name", "first_name"),
            ("Surname", "last_name"),
            ("Accepts Email Marketing", "accepts_marketing"),
            ("Default Address Address1", "address_line1"),
            ("Default Address Zip", "address_postcode"),
            ("billing_city", "address_line4"),
            ("address_phone_number", "address_phone_number"),
            ("Customer Since", "date_joined"),
            ("metadata.Loyalty Points", "metadata.Loyalty Points"),
        ],
    )
    def test_are_guessed(self, header, field):
        assert guess([header, "Favourite colour"], {}) == {header: field}

    def test_are_guessed_by_the_better_of_two_headers(self):
        assert guess(["Country", "Country Code", "Billing Phone", "Phone"], {}) == {
            "Country Code": "address_country",
            "Phone": "phone_number",
        }

    def test_can_be_told(self, bring_in, csv_file):
        path = csv_file([["ada@example.com", "Ada"]], header=["Kontakt", "Vorname"])

        code, said = bring_in(path, "--map", "Kontakt=email", "--map", "Vorname=first_name")

        assert code == 0
        assert "Kontakt  email" in said
        assert User.objects.get().first_name == "Ada"

    def test_can_be_left_out(self, bring_in, csv_file):
        bring_in(csv_file([ADA]), "--map", "Phone=")

        assert User.objects.get().phone_number is None

    @pytest.mark.parametrize("given", ["Email=password", "Nothing=email", "Email", "Email=is_superuser"])
    def test_can_be_told_wrongly(self, bring_in, csv_file, given):
        with pytest.raises(CommandError):
            bring_in(csv_file([ADA]), "--map", given)

    def test_need_an_email(self, bring_in, csv_file):
        with pytest.raises(CommandError, match="No column is the email"):
            bring_in(csv_file([["Ada"]], header=["First name"]))

    @pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
    def test_may_be_kept_apart_in_other_ways(self, bring_in, csv_file, delimiter):
        bring_in(csv_file([ADA], delimiter=delimiter))

        assert User.objects.get().tags == ["vip", "new"]

    @pytest.mark.parametrize("text", ["", "\n", "\ufeff"])
    def test_have_to_be_there(self, bring_in, tmp_path, text):
        (tmp_path / "empty.csv").write_text(text)

        with pytest.raises(CommandError):
            bring_in(str(tmp_path / "empty.csv"))

    def test_no_file_is_an_error(self, bring_in, tmp_path):
        with pytest.raises(CommandError, match="Can't read"):
            bring_in(str(tmp_path / "none.csv"))


class TestADryRun:
    def test_tells_the_same_and_does_nothing(self, bring_in, csv_file, small_chunks):
        make_user(email="known@example.com")
        path = csv_file([*people(3), ["known@example.com", *BARE], *people(1), ["nobody", *BARE]])

        code, said = bring_in(path, "--dry-run")

        assert (code, said.splitlines()[-1]) == (1, "3 would be created, 0 updated, 3 refused.")
        assert User.objects.count() == 1
        assert not Job.objects.exists()
        assert bring_in(path)[1].splitlines()[-1] == "3 created, 0 updated, 3 refused."


class TestUpdating:
    def test_changes_who_is_there_and_leaves_out_what_the_file_does_not_say(self, bring_in, csv_file):
        known = make_user(email="ada@example.com", first_name="Augusta", last_name="King")

        code, said = bring_in(csv_file([ADA, *people(1)]), "--update")

        assert (code, said.splitlines()[-1]) == (0, "1 created, 1 updated, 0 refused.")
        known.refresh_from_db()
        assert (known.first_name, known.last_name, known.tags) == ("Ada", "King", ["vip", "new"])
        assert known.events.filter(kind="changed").exists()

    def test_never_changes_staff(self, bring_in, csv_file):
        make_owner(email="ada@example.com", first_name="Olive")

        code, _ = bring_in(csv_file([ADA]), "--update")

        assert code == 1
        assert User.objects.get().first_name == "Olive"


class TestResuming:
    @pytest.fixture
    def stopped(self, monkeypatch, bring_in, csv_file, small_chunks, tmp_path):
        """The path of a file whose import was interrupted in its third chunk, and of the report."""
        path = csv_file([["nobody", *BARE], *people(7)])
        report = str(tmp_path / "report.csv")
        store, calls = storing.store, []

        def interrupted(drafts, *args):
            calls.append(drafts)
            left_out = store(drafts, *args)
            if len(calls) == 3:
                raise KeyboardInterrupt
            return left_out

        monkeypatch.setattr(storing, "store", interrupted)
        with pytest.raises(CommandError, match="--resume goes on"):
            bring_in(path, report=report)
        monkeypatch.setattr(storing, "store", store)
        return path, report

    def test_what_was_done_is_kept_in_whole_chunks(self, stopped):
        assert User.objects.count() == Event.objects.count() == 3
        assert Job.objects.get().cursor == 5

    def test_goes_on_where_it_was(self, stopped, bring_in):
        path, report = stopped

        code, said = bring_in(path, "--resume", report=report)

        assert (code, said.splitlines()[-1]) == (1, "7 created, 0 updated, 1 refused.")
        assert User.objects.count() == Event.objects.count() == 7
        assert Job.objects.get().finished_at
        with open(report) as file:
            assert [line.split(",")[0] for line in file] == ["line", "2"]

    def test_from_the_start_doubles_nothing(self, stopped, bring_in):
        code, said = bring_in(stopped[0])

        assert (code, said.splitlines()[-1]) == (1, "4 created, 0 updated, 4 refused.")
        assert User.objects.count() == Event.objects.count() == 7

    def test_only_what_was_stopped(self, bring_in, csv_file):
        path = csv_file(people(1))
        bring_in(path)

        with pytest.raises(CommandError, match="no import of this file"):
            bring_in(path, "--resume")

    def test_not_standard_input(self, bring_in):
        with pytest.raises(CommandError):
            bring_in("-", "--resume")

    def test_counts_lines_on_behind_a_row_of_several(self, bring_in, csv_file, small_chunks, monkeypatch, tmp_path):
        path = csv_file([["a@example.com", "two\nlines", *BARE[1:]], *people(1), ["nobody", *BARE]])
        monkeypatch.setattr(runner, "work", interrupted_after_a_step(runner.work))
        with pytest.raises(CommandError, match="Stopped at line 4"):
            bring_in(path)
        monkeypatch.undo()

        _, said = bring_in(path, "--resume")

        assert "Line 5: email" in said

    def test_goes_on_behind_long_rows_however_few_they_are(self, bring_in, csv_file, monkeypatch):
        path = csv_file([[email, "x" * 200, *BARE[1:]] for email, *_ in people(5)])
        monkeypatch.setattr(imports, "CHUNK_BYTES", 200)
        monkeypatch.setattr(runner, "work", interrupted_after_a_step(runner.work))
        with pytest.raises(CommandError, match="Stopped at line 3"):
            bring_in(path)
        monkeypatch.undo()

        _, said = bring_in(path, "--resume")

        assert said.splitlines()[-1] == "5 created, 0 updated, 0 refused."

    def test_two_at_once_are_noticed(self, bring_in, csv_file, small_chunks, monkeypatch):
        path = csv_file(people(7))

        def elsewhere(job, steps, on_progress):
            Job.objects.update(cursor=7)
            work(job, steps, on_progress=on_progress)

        work = runner.work
        monkeypatch.setattr(runner, "work", elsewhere)

        with pytest.raises(CommandError, match="Another import"):
            bring_in(path)

        assert not User.objects.exists()


def interrupted_after_a_step(work):
    def interrupted(job, steps, on_progress):
        work(job, steps, until=lambda: True, on_progress=on_progress)
        raise KeyboardInterrupt

    return interrupted


def test_standard_input_is_read(bring_in, monkeypatch):
    text = io.TextIOWrapper(io.BufferedReader(io.BytesIO(b"email\nada@example.com\n")))
    monkeypatch.setattr(sys, "stdin", text)

    bring_in("-")

    assert User.objects.get().email == "ada@example.com"


@pytest.mark.parametrize("text", ["=1+1", "+44 20", "-x", "@home", "'=1"])
def test_an_apostrophe_that_keeps_spreadsheets_off_is_taken_away(bring_in, csv_file, text):
    bring_in(csv_file([["ada@example.com", f"'{text}", *BARE[1:]]]))

    assert User.objects.get().first_name == text


def test_both_ways_of_storing_do_the_same(db):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one way.")
    make_user(email="known@example.com")

    def drafts(start):
        rows = [
            {"email": f"uni-{start}@BÜCHER.example", "tags": ["a\tb\\n", "c"], "metadata": {"a": [1, None, "\\N"]},
             "address_line1": "1\nHigh\\ St", "address_line4": "Leeds", "address_country": "GB"},
            {"email": "Known@example.com"},
            {"email": f"{start}-x@example.com", "language": "en", "is_blocked": "yes", "ip": "2001:db8::1",
             "date_joined": "2020-01-01T00:00:00Z", "first_name": "\\N", "user_agent": "x"},
        ]  # fmt: skip
        return [draft(line, row, {}) for line, row in enumerate(rows, 2)]

    first, second = drafts(1), drafts(2)

    left_out = [storing.store(first, SYSTEM), storing.insert_in_bulk(second, SYSTEM)]

    assert left_out == [{3}, {3}]
    changing = {"id", "email", "search_text", "date_joined", "updated_at"}
    copied, bulk = (
        [
            (
                {name: value for name, value in user.items() if name not in changing},
                list(Address.objects.filter(user=user["id"]).values_list("line1", "is_default_for_billing", "notes")),
                list(Event.objects.filter(user=user["id"]).values_list("kind", "actor", "changes")),
            )
            for user in User.objects.filter(email__contains=start).order_by("id").values()
        ]
        for start in ("1", "2")
    )
    assert copied == bulk
    assert len(copied) == 2


@pytest.mark.parametrize("row", [{}, {"email": ""}])
def test_a_draft_needs_an_email(row):
    with pytest.raises(ServiceError):
        draft(2, row, {})
