"""What `manage.py export_customers` writes, and that an import gives the same customers back."""

import csv
import io
import json
import os
import re
import stat
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from customers.jobs.exports import query
from customers.jobs.imports.columns import ADDRESS, PERSON
from customers.metadata.models import Definition
from customers.metadata.services import create_definition
from customers.models import Address, Event, Tag, User
from customers.orders.services import record_order
from tests.support.factories import address, make_owner, make_user
from tests.support.order_documents import order

HARMLESS = r"\+[0-9]+|-[0-9.]+(e\+?[0-9]+)?[\]}]*"  # phone numbers, and numbers that may end an array
METADATA = {"n": "text", "debt": "integer", "loss": "decimal", "text": "text", "list": "multi_text"}


@pytest.fixture
def customers(owner):
    """Four customers, as different as possible."""
    people = [
        make_user(
            email="Ada@Lovelace.example",
            first_name="Ada",
            last_name='O\'Hara, the "first"',
            phone_number="+442079460018",
            language="en",
            accepts_marketing=True,
            tags=["vip", "a, b", "[x]", '"quoted"', "x ::: y"],
            metadata={
                "n": 1,
                "deep": [None, {"a": "ü"}],
                "debt": -5,
                "loss": -1.5,
                "text": "-5",
                "list": [" a ", "b,c"],
            },
            ip="203.0.113.7",
            user_agent="=cmd|' /C calc'!A0",
            addresses=[
                address(first_name="Ada", notes="two\nlines", phone_number="020 7946 0018"),
                address(line1="@home", is_default_for_billing=True),
                address(line1="3", state="-x"),
                address(line1="3;=1+1", notes="a,=1,-2;'-3"),
            ],
        ),
        make_user(email="+plus@example.com", first_name="=1+1", last_name="'=1", is_blocked=True, metadata={}),
        make_user(email="bo@example.com", tags=["x", "y"], metadata={"n": "1", "text": " '=1 ", "list": ["[x]"]}),
        make_user(
            email="cy@example.com",
            first_name=";=1+1",
            last_name="x;=HYPERLINK(1)",
            tags=["-x", "a;@b", "c,-1"],
            metadata={
                "n": "';'=1",
                "text": "a,-5;-5",
                "list": ["b;=1", "c,=1", "';'-2"],
                "deep": [-1, -2.5e8, [";＝1"]],
            },
            user_agent="x|+1;'=2",
            addresses=[address(notes="- one\n- two\n=3;\t=4\t\t-5,+6|＝7,'＝8")],
        ),
    ]
    record_order(user_id=people[2].pk, document=order())
    return people


def snapshot() -> list:
    return [
        {
            **{name: getattr(user, name) for name in PERSON},
            "addresses": list(user.addresses.order_by("id").values_list(*ADDRESS)),
        }
        for user in User.objects.exclude(user_type="dashboard").order_by("id")
    ]


def read(path) -> list[dict]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", ["customers.csv", "customers.jsonl"])
@pytest.mark.parametrize("options", [[], ["--excel"]])
@pytest.mark.parametrize("defined", [False, True])
def test_import_of_an_export_gives_the_same_customers(
    customers, export_file, import_file, name, options, defined, monkeypatch
):
    monkeypatch.setattr(query, "BATCH", 2)
    for key, type in METADATA.items():
        create_definition(name=key, key=key, object="customer", type=type, enable_export=True)
    before = snapshot()
    path = export_file(name, *options)
    # Without definitions, as in an empty store; or without the one that the values do not match.
    Definition.objects.filter(**{"key": "n"} if defined else {}).delete()
    for model in (Event, Address, Tag):
        model.objects.all().delete()
    User.objects.filter(orders__isnull=False).get().orders.all().delete()
    User.objects.exclude(user_type="dashboard").delete()

    code, output = import_file(path)

    assert code == 0, output
    assert snapshot() == before


def test_csv_export_writes_negative_numbers_as_numbers(customers, export_file):
    for key, type in METADATA.items():
        create_definition(name=key, key=key, object="customer", type=type, enable_export=True)

    ada, _, bo, _ = read(export_file("customers.csv"))

    assert (ada["metadata.debt"], ada["metadata.loss"], ada["metadata.text"]) == ("-5", "-1.5", "'-5")
    assert bo["metadata.debt"] == ""


def test_export_begins_with_the_id_and_is_in_the_time_zone_of_the_store(customers, export_file):
    User.objects.update(date_joined=datetime(2026, 7, 1, 23, 30, tzinfo=UTC))

    with timezone.override(ZoneInfo("Europe/Oslo")):
        first = read(export_file("customers.csv"))[0]
        line = json.loads(Path(export_file("customers.jsonl")).read_text().splitlines()[0])

    assert next(iter(first)) == next(iter(line)) == "id"
    assert (first["id"], line["id"]) == (str(customers[0].pk), customers[0].pk)
    assert first["date_joined"] == line["date_joined"] == "2026-07-02T01:30:00+02:00"


def test_export_for_excel_begins_with_a_byte_order_mark(customers, export_file):
    assert Path(export_file("customers.csv", "--excel")).read_bytes().startswith(b'\xef\xbb\xbf"id","email",')
    assert Path(export_file("customers.csv")).read_bytes().startswith(b'"id","email",')
    assert Path(export_file("customers.jsonl", "--excel")).read_bytes().startswith(b"{")


def test_csv_export_has_no_cell_that_a_spreadsheet_would_compute(customers, export_file):
    for row in read(export_file("customers.csv")):
        phone_numbers = {row.pop("phone_number"), row.pop("address_phone_number")}
        assert not [cell for cell in row.values() if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
        assert all(number == "" or number[1:].isdecimal() for number in phone_numbers)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_export_has_no_formula_whatever_separator_the_spreadsheet_reads(customers, export_file, delimiter):
    """As the attacks `;=1+1` and `x;=HYPERLINK(1)` need it: with quotes that protect nothing within a line."""
    text = Path(export_file("customers.csv")).read_text()
    as_spreadsheets_read = csv.reader(io.StringIO(text), delimiter=delimiter)
    without_quotes = (line.split(delimiter) for line in text.replace('"', "").splitlines())

    cells = [cell for rows in (as_spreadsheets_read, without_quotes) for row in rows for cell in row]

    assert "'=1+1" in "".join(cells)
    assert [cell for cell in cells if re.match(r"[=+\-@＝＋－＠]", cell) and not re.fullmatch(HARMLESS, cell)] == []


def test_json_in_a_csv_export_has_the_same_values(customers, export_file):
    ada, _, _, cy = read(export_file("customers.csv"))

    assert json.loads(cy["metadata"]) == User.objects.get(email="cy@example.com").metadata
    assert "[-1,-250000000.0," in cy["metadata"]
    assert json.loads(ada["more_addresses"])[-1]["line1"] == "3;=1+1"


def test_csv_export_has_counters_and_user_types(customers, export_file):
    rows = read(export_file("customers.csv"))

    assert [(row["orders_count"], row["user_type"]) for row in rows] == [
        ("0", "lead"),
        ("0", "lead"),
        ("1", "customer"),
        ("0", "lead"),
    ]


def test_exported_file_is_readable_by_its_owner_only(customers, export_file):
    assert stat.S_IMODE(os.stat(export_file("customers.csv")).st_mode) == 0o600


def test_export_leaves_out_staff_and_erased_customers(customers, export_file):
    make_owner(email="olive@store.example")
    customers[0].email = None
    customers[0].save(update_fields=["email"])

    emails = [row["email"] for row in read(export_file("customers.csv"))]

    assert emails == ["'+plus@example.com", "bo@example.com", "cy@example.com"]


def test_export_to_standard_output(customers):
    out = io.StringIO()

    call_command("export_customers", "-", format="jsonl", stdout=out)

    assert [json.loads(line)["email"] for line in out.getvalue().splitlines()][3] == "cy@example.com"


def test_export_to_a_missing_folder_is_an_error(customers, tmp_path):
    with pytest.raises(CommandError, match="Can't write"):
        call_command("export_customers", str(tmp_path / "none" / "customers.csv"))


def test_export_has_the_addresses_of_its_own_customers_only(db, export_file):
    for number, tags in enumerate([["x"], [], ["x"]]):
        make_user(email=f"{number}@example.com", tags=tags, addresses=[address(line1=f"{number} Street")])

    rows = read(export_file("customers.csv", "--tag=x"))

    assert [row["address_line1"] for row in rows] == ["0 Street", "2 Street"]
    assert {row["more_addresses"] for row in rows} == {""}


def test_export_filters_customers_by_the_options(customers, export_file):
    ada, bo = "Ada@Lovelace.example", "bo@example.com"
    cases = {
        ("--user-type", "customer"): [bo],
        ("--language", "en"): [ada],
        ("--search", "hara ada"): [ada],
        ("--joined-from", "2999-01-01"): [],
        ("--joined-to", "2000-01-01"): [],
        ("--joined-from", "2000-01-01", "--joined-to", "2999-01-01", "--search", "bo@"): [bo],
    }
    exported = {options: [row["email"] for row in read(export_file("customers.csv", *options))] for options in cases}

    assert exported == cases
