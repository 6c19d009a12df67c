"""What `manage.py export_customers` writes, and that an import gives the same customers back."""

import csv
import io
import json
import os
import stat

import pytest
from django.core.management import CommandError, call_command

from customers.jobs.exports import formats
from customers.models import Address, Event, Tag, User
from customers.orders.services import record_order
from tests.support.factories import address, make_owner, make_user
from tests.support.order_documents import order

OF_THE_PERSON = [name for name in formats.PERSON if name not in ("orders_count",)]


@pytest.fixture
def customers(owner):
    """As different as they get."""
    people = [
        make_user(
            email="Ada@Lovelace.example",
            first_name="Ada",
            last_name='O\'Hara, the "first"',
            phone_number="+442079460018",
            language="en",
            accepts_marketing=True,
            tags=["vip", "a, b", "[x]"],
            metadata={"n": 1, "deep": [None, {"a": "ü"}]},
            ip="203.0.113.7",
            user_agent="=cmd|' /C calc'!A0",
            addresses=[
                address(first_name="Ada", notes="two\nlines", phone_number="020 7946 0018"),
                address(line1="@home", is_default_for_billing=True),
                address(line1="3", state="-x"),
            ],
        ),
        make_user(email="+plus@example.com", first_name="=1+1", last_name="'=1", is_blocked=True, metadata={}),
        make_user(email="bo@example.com", tags=["x", "y"]),
    ]
    record_order(user_id=people[2].pk, document=order())
    return people


def told() -> list:
    return [
        {
            **{name: getattr(user, name) for name in OF_THE_PERSON},
            "addresses": list(user.addresses.order_by("id").values_list(*formats.ADDRESS)),
        }
        for user in User.objects.exclude(user_type="dashboard").order_by("id")
    ]


def read(path) -> list[dict]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


class TestARoundTrip:
    @pytest.mark.parametrize("name", ["customers.csv", "customers.jsonl"])
    def test_gives_the_same_customers(self, customers, take_out, bring_in, name, monkeypatch):
        monkeypatch.setattr(formats, "BATCH", 2)
        before = told()
        path = take_out(name)
        for model in (Event, Address, Tag):
            model.objects.all().delete()
        User.objects.filter(orders__isnull=False).get().orders.all().delete()
        User.objects.exclude(user_type="dashboard").delete()

        code, said = bring_in(path)

        assert code == 0, said
        assert told() == before


class TestTheFile:
    def test_has_nothing_that_a_spreadsheet_would_compute(self, customers, take_out):
        for row in read(take_out("customers.csv")):
            phone_numbers = {row.pop("phone_number"), row.pop("address_phone_number")}
            assert not [cell for cell in row.values() if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
            assert all(number == "" or number[1:].isdecimal() for number in phone_numbers)

    def test_tells_the_counters(self, customers, take_out):
        rows = read(take_out("customers.csv"))

        assert [(row["orders_count"], row["user_type"]) for row in rows] == [
            ("0", "lead"),
            ("0", "lead"),
            ("1", "customer"),
        ]

    def test_is_for_its_owner_alone(self, customers, take_out):
        assert stat.S_IMODE(os.stat(take_out("customers.csv")).st_mode) == 0o600

    def test_has_neither_staff_nor_who_was_erased(self, customers, take_out):
        make_owner(email="olive@store.example")
        User.objects.filter(pk=customers[0].pk).update(email=None)

        emails = [row["email"] for row in read(take_out("customers.csv"))]

        assert emails == ["'+plus@example.com", "bo@example.com"]

    def test_may_be_standard_output(self, customers):
        out = io.StringIO()

        call_command("export_customers", "-", format="jsonl", stdout=out)

        assert [json.loads(line)["email"] for line in out.getvalue().splitlines()][2] == "bo@example.com"

    def test_may_be_where_none_can_be(self, customers, tmp_path):
        with pytest.raises(CommandError, match="Can't write"):
            call_command("export_customers", str(tmp_path / "none" / "customers.csv"))


@pytest.mark.parametrize(
    ("options", "emails"),
    [
        (["--user-type", "customer"], ["bo@example.com"]),
        (["--language", "en"], ["Ada@Lovelace.example"]),
        (["--search", "hara ada"], ["Ada@Lovelace.example"]),
        (["--joined-from", "2999-01-01"], []),
        (["--joined-to", "2000-01-01"], []),
        (["--joined-from", "2000-01-01", "--joined-to", "2999-01-01", "--search", "bo@"], ["bo@example.com"]),
    ],
)
def test_only_who_is_asked_for_is_written(customers, take_out, options, emails):
    assert [row["email"] for row in read(take_out("customers.csv", *options))] == emails
