"""The file of refused rows: it is corrected and imported again."""

import csv
import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from customers.jobs.imports.columns import REASONS
from customers.jobs.models import Job, RejectedRow
from customers.models import Address, User
from customers.privacy.erasure import erase
from oauth.actor import SYSTEM

HEADER = ["Kundennummer", "E-Mail", "Vorname", "Straße", "Ort", "Land", "Telefon", "Telefon"]
MAP = {"Vorname": "first_name", "Straße": "address_line1", "Ort": "address_line4", "Land": "address_country"}
OPTIONS = [part for header, field in MAP.items() for part in ("--map", f"{header}={field}")]
OPTIONS += ["--map", "Telefon (column 8)=phone_number"]
ROWS = [
    ["=1", "kay@example.com", "Kay", "1 High St", "Leeds", "GB", "", ""],
    ["-2", "nobody", "L" * 256, "Gasse 1", "", "Frankreisch", "x", "12"],
    ["'=3", "lou@example.com", 'Lou, "L"\nLou', "2 High St", "Leeds", "Atlantis", "", "+442079460018"],
    ["", "kay@example.com", "Kay 2"],
]


def read(path, **options) -> list[list[str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file, **options))


@pytest.fixture
def refused(import_file, csv_file, tmp_path):
    """The path of the refused rows of ROWS."""
    path = str(tmp_path / "refused.csv")
    import_file(csv_file(ROWS, HEADER, delimiter=";"), *OPTIONS, report=path)
    return path


class TestReasons:
    def test_all_reasons_of_a_row_name_columns_and_values(self, refused):
        *_, reasons = read(refused, delimiter=";")[1]

        assert reasons == (
            "Line 3: E-Mail: Enter a valid email address. Given: “nobody”. "
            f"Vorname: Enter at most 255 characters. Given: “{'L' * 60}…”. "
            "Land: Enter a country, such as France or FR. Given: “Frankreisch”. "
            "Ort: This field is required."
        )

    def test_all_reasons_of_a_json_line_name_its_keys(self, import_file, jsonl_file):
        row = {
            "email": "kay@example.com",
            "ip": "1.2",
            "tags": ["a", "x" * 256],
            "addresses": [
                {"line1": "1", "line4": "Leeds", "country": "GB"},
                {"line1": "2", "country": "Atlantis", "phone_number": "1"},
            ],
        }

        _, output = import_file(jsonl_file([row]))

        (shown,) = [line for line in output.splitlines() if line.startswith("Line 1: ")]
        for key in ("ip: ", "addresses.1.country: ", "addresses.1.line4: This field is required.", "tags.1: "):
            assert key in shown

    def test_reasons_of_services_are_all_listed(self, import_file, csv_file):
        header = ["Email", "Tags", "Phone", "Street", "City", "Country", "Address Phone Number"]
        row = ["kay@example.com", "x" * 256, "+12", "\N{ROCKET}", "\N{ROCKET}", "GB", "1"]

        _, output = import_file(csv_file([row], header))

        (shown,) = [line for line in output.splitlines() if line.startswith("Line 2: ")]
        for column in ("Tags.0: ", "Phone: ", "Street: ", "City: ", "Address Phone Number: "):
            assert column in shown


class TestRepair:
    def test_file_has_the_cells_of_each_refused_row_below_its_own_headers(self, refused):
        header, *rows = read(refused, delimiter=";")

        assert header == [*HEADER, REASONS]
        # An apostrophe keeps a spreadsheet from computing a cell. The import removes it, as it does from the file.
        assert [row[:-1] for row in rows] == [["'-2", *ROWS[1][1:]], ROWS[2], [*ROWS[3], *[""] * 5]]

    def test_corrected_file_is_imported_with_the_same_options(self, refused, import_file):
        header, bad, lou, known = read(refused, delimiter=";")
        bad[1:6] = ["max@example.com", "Max", "Gasse 1", "Wien", "Österreich"]
        bad[7] = "+43 1 534530"
        lou[5] = "UK"
        with open(refused, "w", newline="", encoding="utf-8") as file:
            csv.writer(file, delimiter=";").writerows([header, bad, lou, known])

        code, output = import_file(refused, *OPTIONS, "--update")

        assert (code, output.splitlines()[-1]) == (0, "2 created, 1 updated, 0 rejected.")
        assert User.objects.get(email="lou@example.com").first_name == 'Lou, "L" Lou'
        assert User.objects.get(email="max@example.com").phone_number == "+431534530"
        assert list(Address.objects.order_by("pk").values_list("country", flat=True)) == ["GB", "AT", "GB"]

    def test_file_that_is_not_corrected_is_refused_in_the_same_way(self, refused, import_file, tmp_path):
        again = str(tmp_path / "again.csv")

        import_file(refused, *OPTIONS, report=again)

        before, after = read(refused, delimiter=";"), read(again, delimiter=";")
        assert [row[:-1] for row in after] == [row[:-1] for row in before]
        assert after[0] == before[0]

    def test_rows_that_are_no_csv_or_too_long_keep_their_cells(self, import_file, tmp_path):
        path, report = tmp_path / "broken.csv", tmp_path / "report.csv"
        path.write_bytes(b'Email,First Name\nkay@example.com,"Kay\nlou@example.com,L,u\nmax@example.com,Andr\xe9\n')

        import_file(str(path), report=str(report))

        _, kay, lou, max = read(report)
        assert kay[:1] == ["kay@example.com"]
        assert kay[1].strip() == "Kay"
        assert lou[:3] == ["lou@example.com", "L", "u"]
        assert max[:2] == ["max@example.com", "André"]

    def test_refused_json_lines_can_be_imported_again(self, import_file, jsonl_file, tmp_path):
        report = tmp_path / "report.jsonl"
        import_file(jsonl_file([{"email": "nobody", "first_name": "Kay", "metadata": {"n": -5}}]), report=str(report))
        row = json.loads(report.read_text())
        assert row.pop(REASONS).startswith("Line 1: email: Enter a valid email address.")
        report.write_text(report.read_text().replace("nobody", "kay@example.com"))

        code, _ = import_file(str(report))

        assert code == 0
        user = User.objects.get()
        assert (user.first_name, user.metadata) == ("Kay", {"n": -5})


def test_refused_rows_are_deleted_after_a_day(refused):
    Job.objects.update(created_at=timezone.now() - timedelta(hours=23))
    call_command("clear_expired", verbosity=0)
    assert RejectedRow.objects.count() == 3

    Job.objects.update(created_at=timezone.now() - timedelta(days=1))
    call_command("clear_expired", verbosity=0)

    assert not RejectedRow.objects.exists()
    assert Job.objects.exists()


def test_refused_rows_are_deleted_when_a_customer_is_erased(refused):
    erase(User.objects.get().pk, by=SYSTEM)

    assert not RejectedRow.objects.exists()
    assert Job.objects.get().rejected == 3
