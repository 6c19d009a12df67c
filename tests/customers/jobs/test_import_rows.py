"""Which rows `manage.py import_customers` rejects, and which columns it recognizes."""

import csv
import json

import pytest
from django.core.management import CommandError

from customers.jobs.imports.columns import guess_fields
from customers.jobs.imports.rows import parse_row
from customers.models import Event, User
from oauth.errors import ServiceError
from tests.support.factories import make_user

ADA = ["ada@example.com", "Ada", "020 7946 0018", "vip, new", "12 St James's Square", "London", "GB"]
EMPTY = ["", "", "", "", "", ""]

# A row of CSV, the field that is wrong, and a part of the reason.
INVALID_CELLS = [
    (["", "Ada", *EMPTY[1:]], "email", "This field is required."),
    (["ada", *EMPTY], "email", "Enter a valid email address."),
    ([f"{'a' * 320}@example.com", *EMPTY], "email", "Enter at most 320 characters."),
    (["a@example.com", "A" * 256, *EMPTY[1:]], "first_name", "Enter at most 255 characters."),
    (["a@example.com", "A\0", *EMPTY[1:]], "first_name", "NUL"),
    (["a@example.com", "", "+12", *EMPTY[2:]], "phone_number", "Enter a valid phone number."),
    (["a@example.com", "", "0113 496 0000", *EMPTY[2:]], "phone_number", "with its country code"),
    (["a@example.com", "", "", "x" * 256, *EMPTY[3:]], "tags.0", "A tag has at most 255 characters."),
    (["a@example.com", "", "", "", "1 High St", "", "GB"], "address_line4", "This field is required."),
    (["a@example.com", "", "", "", "1 High St", "Leeds", ""], "address_country", "This field is required."),
    (["a@example.com", "", "", "", "1 High St", "Leeds", "XX"], "addresses.0.country", "Enter a two-letter"),
    (["a@example.com", "too short"], "", "The row has 2 cells, the header has 7."),
]  # fmt: skip
# A line of JSON Lines, and the field that is wrong.
INVALID_JSON_LINES = [
    ("{", ""),
    ("[]", ""),
    ('{"email": 7}', "email"),
    ('{"email": null}', "email"),
    ("{}", "email"),
    *(
        (json.dumps({"email": "a@example.com", **values}), field)
        for values, field in [
            ({"tags": "[1"}, "tags"),
            ({"tags": [[]]}, "tags"),
            ({"metadata": [1]}, "metadata"),
            ({"metadata": {"a": "\0"}}, "metadata"),
            ({"metadata": {"a": 1e300}}, "metadata"),
            ({"first_name": {}}, "first_name"),
            ({"first_name": True}, "first_name"),
            ({"language": "xx"}, "language"),
            ({"accepts_marketing": "perhaps"}, "accepts_marketing"),
            ({"accepts_marketing": [1]}, "accepts_marketing"),
            ({"user_type": "dashboard"}, "user_type"),
            ({"user_type": []}, "user_type"),
            ({"ip": "1.2.3"}, "ip"),
            ({"ip": "fe80::1%eth0"}, "ip"),
            ({"date_joined": "yesterday"}, "date_joined"),
            ({"date_joined": "2026-02-30"}, "date_joined"),
            ({"date_joined": "0001-01-01"}, "date_joined"),
            ({"addresses": {}}, "addresses"),
            ({"addresses": [1]}, "addresses.0"),
            ({"addresses": [{"line1": "x"}]}, "addresses.0.line4"),
            ({"addresses": [{"line1": 1, "line4": []}]}, "addresses.0.line4"),
        ]
    ),
]


def read_report(path) -> list[tuple[int, str, str]]:
    with path.open(newline="") as file:
        return [(int(row["line"]), row["field"], row["reason"]) for row in csv.DictReader(file)]


class TestRejectedRows:
    def test_report_has_line_field_and_reason_of_each_invalid_csv_row(self, import_file, csv_file, tmp_path):
        report = tmp_path / "report.csv"
        path = csv_file([ADA, *(row for row, _, _ in INVALID_CELLS), ["", *EMPTY]])

        code, output = import_file(path, report=str(report))

        rejected = read_report(report)
        expected = [(line, field) for line, (_, field, _) in enumerate(INVALID_CELLS, 3)]
        assert [(line, field) for line, field, _ in rejected] == expected  # the empty row is ignored
        for (_, _, reason), (_, _, expected_reason) in zip(rejected, INVALID_CELLS, strict=True):
            assert expected_reason in reason
        assert code == 1
        assert output.splitlines()[-1] == f"1 created, 0 updated, {len(INVALID_CELLS)} rejected."
        assert User.objects.get().email == "ada@example.com"

    def test_report_has_line_and_field_of_each_invalid_json_line(self, import_file, jsonl_file, tmp_path):
        report = tmp_path / "report.csv"
        path = jsonl_file([{"email": "ok@example.com"}, *(line for line, _ in INVALID_JSON_LINES)])

        code, _ = import_file(path, report=str(report))

        expected = [(line, field) for line, (_, field) in enumerate(INVALID_JSON_LINES, 2)]
        assert [(line, field) for line, field, _ in read_report(report)] == expected
        assert code == 1
        assert User.objects.get().email == "ok@example.com"

    def test_import_rejects_duplicate_email_ignoring_case(self, import_file, csv_file, small_chunks):
        make_user(email="known@example.com")
        emails = ["KNOWN@example.com", "p1@example.com", "p2@example.com", "P1@Example.com", "p2@example.com"]

        code, output = import_file(csv_file([[email, *EMPTY] for email in emails]))

        assert code == 1
        rejected = [line.partition(":")[0] for line in output.splitlines() if "already exists" in line]
        assert rejected == ["Line 2", "Line 5", "Line 6"]
        assert User.objects.count() == Event.objects.count() == 3

    def test_import_rejects_only_the_row_that_is_not_utf_8(self, import_file, tmp_path):
        path = tmp_path / "latin.csv"
        path.write_bytes("email,first name\na@example.com,Andr\xe9\nb@example.com,Bo\n".encode("latin-1"))

        code, _ = import_file(str(path), report=str(tmp_path / "report.csv"))

        assert code == 1
        assert User.objects.get().email == "b@example.com"

    def test_import_without_report_prints_rejected_rows(self, import_file, csv_file):
        _, output = import_file(csv_file([["nobody", *EMPTY]]))

        assert "Line 2: email: Enter a valid email address." in output

    @pytest.mark.once
    def test_parse_row_needs_an_email(self):
        for row in ({}, {"email": ""}):
            with pytest.raises(ServiceError):
                parse_row(2, row, {})


class TestColumns:
    @pytest.mark.once
    def test_fields_are_guessed_from_headers(self):
        fields = {
            "E-mail": "email",
            "Customer Email": "email",
            "billing_first_name": "first_name",
            "Surname": "last_name",
            "Accepts Email Marketing": "accepts_marketing",
            "Default Address Address1": "address_line1",
            "Default Address Zip": "address_postcode",
            "billing_city": "address_line4",
            "address_phone_number": "address_phone_number",
            "Customer Since": "date_joined",
            "metadata.Loyalty Points": "metadata.Loyalty Points",
        }

        for header, field in fields.items():
            assert guess_fields([header, "Favourite colour"], {}) == {header: field}

    @pytest.mark.once
    def test_the_better_of_two_matching_headers_is_used(self):
        assert guess_fields(["Country", "Country Code", "Billing Phone", "Phone"], {}) == {
            "Country Code": "address_country",
            "Phone": "phone_number",
        }

    def test_map_option_sets_the_field_of_a_column(self, import_file, csv_file):
        path = csv_file([["ada@example.com", "Ada"]], header=["Kontakt", "Vorname"])

        code, output = import_file(path, "--map", "Kontakt=email", "--map", "Vorname=first_name")

        assert code == 0
        assert "Kontakt  email" in output
        assert User.objects.get().first_name == "Ada"

    def test_map_option_with_empty_field_ignores_the_column(self, import_file, csv_file):
        import_file(csv_file([ADA]), "--map", "Phone=")

        assert User.objects.get().phone_number is None

    def test_map_option_rejects_unknown_header_or_field(self, import_file, csv_file):
        path = csv_file([ADA])

        for given in ("Email=password", "Nothing=email", "Email", "Email=is_superuser"):
            with pytest.raises(CommandError):
                import_file(path, "--map", given)

    def test_file_without_email_column_is_an_error(self, import_file, csv_file):
        with pytest.raises(CommandError, match="No column maps to email"):
            import_file(csv_file([["Ada"]], header=["First name"]))

    def test_csv_delimiter_is_detected(self, import_file, csv_file):
        for number, delimiter in enumerate(",;\t|"):
            email = f"p{number}@example.com"
            import_file(csv_file([[email, *ADA[1:]]], delimiter=delimiter))

            assert User.objects.get(email=email).tags == ["vip", "new"]

    def test_file_without_header_is_an_error(self, import_file, tmp_path):
        for text in ("", "\n", "\ufeff"):
            (tmp_path / "empty.csv").write_text(text)
            with pytest.raises(CommandError):
                import_file(str(tmp_path / "empty.csv"))
