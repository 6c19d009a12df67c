"""Which rows `manage.py import_customers` rejects, and which columns it recognizes."""

import json

import pytest
from django.core.management import CommandError

from customers.jobs.imports.columns import REASONS, guess_fields
from customers.jobs.imports.rows import InvalidRow, parse_row
from customers.jobs.imports.values import Rules
from customers.models import Event, User
from tests.support.factories import make_user

ADA = ["ada@example.com", "Ada", "020 7946 0018", "vip, new", "12 St James's Square", "London", "GB"]
EMPTY = ["", "", "", "", "", ""]

# A row of CSV, and a part of the reason.
INVALID_CELLS = [
    (["", "Ada", *EMPTY[1:]], "Email: This field is required."),
    (["ada", *EMPTY], "Email: Enter a valid email address. Given: “ada”."),
    ([f"{'a' * 320}@example.com", *EMPTY], "Email: Enter at most 320 characters."),
    (["a@example.com", "A" * 256, *EMPTY[1:]], "First Name: Enter at most 255 characters."),
    (["a@example.com", "A\0", *EMPTY[1:]], "there are NUL characters."),
    (["a@example.com", "", "+12", *EMPTY[2:]], "Phone: Enter a valid phone number. Given: “+12”."),
    (["a@example.com", "", "0113 496 0000", *EMPTY[2:]], "with its country code"),
    (["a@example.com", "", "", "x" * 256, *EMPTY[3:]], "Tags.0: A tag has at most 255 characters."),
    (["a@example.com", "", "", "", "1 High St", "", "GB"], "City: This field is required."),
    (["a@example.com", "", "", "", "1 High St", "Leeds", ""], "Country: This field is required."),
    (["a@example.com", "", "", "", "1 High St", "Leeds", "XX"], "Country: Enter a country, such as France"),
    (["a@example.com", *EMPTY, "too long"], "The row has 8 cells, the header has 7."),
]  # fmt: skip
# A line of JSON Lines, and the value that is wrong.
INVALID_JSON_LINES = [
    ("{", "Not JSON"),
    ("[]", "Not an object"),
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
            ({"first_name": "\ud800"}, "Not JSON"),
            ({"first_name": True}, "first_name"),
            ({"accepts_marketing": "perhaps"}, "accepts_marketing"),
            ({"accepts_marketing": [1]}, "accepts_marketing"),
            ({"user_type": "dashboard"}, "user_type"),
            ({"user_type": []}, "user_type"),
            ({"ip": "1.2.3"}, "ip"),
            ({"ip": "fe80::1%eth0"}, "ip"),
            ({"date_joined": "yesterday"}, "date_joined"),
            ({"date_joined": "2026-02-30"}, "date_joined"),
            ({"date_joined": "0001-01-01"}, "date_joined"),
            ({"date_joined": "2999-01-01"}, "date_joined"),
            ({"addresses": {}}, "addresses"),
            ({"addresses": [1]}, "addresses.0"),
            ({"addresses": [{"line1": "x"}]}, "addresses.0.line4"),
            ({"addresses": [{"line1": 1, "line4": []}]}, "addresses.0.line4"),
        ]
    ),
]


class TestRejectedRows:
    def test_each_invalid_csv_row_is_refused_with_its_line_and_reason(self, import_file, csv_file):
        path = csv_file([ADA, *(row for row, _ in INVALID_CELLS), ["", *EMPTY], [" ", "\t", *EMPTY[1:]]])

        code, output = import_file(path)

        *refused, counts = [line for line in output.splitlines() if "  " not in line]
        assert len(refused) == len(INVALID_CELLS)  # the empty rows are ignored
        for line, (shown, (_, reason)) in enumerate(zip(refused, INVALID_CELLS, strict=True), 3):
            assert shown.startswith(f"Line {line}: ")
            assert reason in shown
        assert (code, counts) == (1, f"1 created, 0 updated, {len(INVALID_CELLS)} rejected.")
        assert User.objects.get().email == "ada@example.com"

    def test_each_invalid_json_line_is_refused_with_its_line_and_reason(self, import_file, jsonl_file, tmp_path):
        report = tmp_path / "report.jsonl"
        path = jsonl_file([{"email": "ok@example.com"}, *(line for line, _ in INVALID_JSON_LINES)])

        code, _ = import_file(path, report=str(report))

        reasons = [json.loads(line)[REASONS] for line in report.read_text().splitlines()]
        for line, (reason, (_, expected)) in enumerate(zip(reasons, INVALID_JSON_LINES, strict=True), 2):
            assert reason.startswith(f"Line {line}: {expected}"), reason
        assert code == 1
        assert User.objects.get().email == "ok@example.com"

    def test_import_rejects_duplicate_email_ignoring_case(self, import_file, csv_file, small_chunks):
        make_user(email="known@example.com")
        emails = ["KNOWN@example.com", "p1@example.com", "p2@example.com", "P1@Example.com", "p2@example.com"]

        code, output = import_file(csv_file([[email, *EMPTY] for email in emails]))

        assert code == 1
        rejected = [line.partition(":")[0] for line in output.splitlines() if "has this email already" in line]
        assert rejected == ["Line 2", "Line 5", "Line 6"]
        assert User.objects.count() == Event.objects.count() == 3

    @pytest.mark.once
    def test_parse_row_needs_an_email(self):
        for row in ({}, {"email": ""}):
            with pytest.raises(InvalidRow):
                parse_row(row, Rules({}))


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
