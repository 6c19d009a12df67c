"""What holds for any customers in any CSV dialect, and for any file with one wrong character."""

import csv
import io

import pytest
from django.core.management import CommandError
from django.core.validators import validate_email
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customers.jobs.formulas import may_hold_formula, quoted
from customers.jobs.imports.plain_rows import plain_customer
from customers.jobs.imports.rows import InvalidRow, parse_any_row, parse_row
from customers.jobs.imports.values import PLAIN_EMAIL, Rules
from customers.models import User

HEADER = ["Email", "First Name", "metadata.note", "metadata.last"]
# Arguments of `csv.writer`, and whether empty cells at the end of a row are left out.
DIALECTS = {
    "excel": ({"delimiter": ",", "lineterminator": "\r\n"}, False),
    "semicolons, everything quoted": ({"delimiter": ";", "lineterminator": "\n", "quoting": csv.QUOTE_ALL}, False),
    "tabs, no empty last cells": ({"delimiter": "\t", "lineterminator": "\n"}, True),
}

# For each field of a row, values that have a rule of their own, and plain ones.
VALUES = {
    "email": [
        "a.b+c@Example.com",
        " a@b.co ",
        "a@xn--mnchen-3ya.example",
        "a@xn--zzzzzz.example",
        "a@b",
        "é@example.com",
    ],
    "first_name": ["Ada", "  Ada  Mary ", "=1+1", "Zoë", "x" * 65, "a\tb", " "],
    "last_name": ["O'Neill", "-", "Lovelace", "😀"],
    "phone_number": ["+12025550143", " 020 7946 0958 ", "+1202555014", "(202) 555-0143", " "],
    "user_type": ["lead", "customer", "dashboard"],
    "language": ["en-GB", "xx", "de"],
    "accepts_marketing": ["yes", "no", "perhaps"],
    "is_blocked": ["1", "0", " "],
    "tags": ["a,b,a", "a;b", " , ", '["c", "d"]', "x" * 300],
    "date_joined": ["2026-01-02", "05/01/2020", "2020-05-01T10:00:00Z"],
    "metadata": ['{"note": "y"}', "x"],
    "metadata.note": [" z ", "1"],
    "metadata.size": ["7.00", "seven", "8"],
    "ip": ["::1"],
    "user_agent": ["Mozilla/5.0"],
    "address_first_name": ["Grace", " Grace  B "],
    "address_last_name": ["Hopper", "\u0301"],
    "address_line1": ["1 Street", " ", "Straße 1"],
    "address_line2": ["Flat 2"],
    "address_line4": ["London", "  "],
    "address_postcode": ["SW1A 1AA"],
    "address_notes": ["Ring twice."],
    "address_country": ["GB", "us", "France", "Atlantis", "\uff35\uff33"],
    "address_phone_number": ["+442079460958", "020 7946 0958", "12"],
    "address_is_default_for_billing": ["no", "maybe"],
    "more_addresses": ['[{"line1": "2 Street", "line4": "Paris", "country": "FR"}]', "[]"],
}
OTHERS = ("ip", "user_agent", "metadata", "more_addresses")  # have rules that concern plain texts, too
BOUND = {"size": {"id": 1, "version": "1", "type": "integer", "validations": [{"type": "maximum_value", "value": "7"}]}}
PLAIN_ROW = {field: texts[0] for field, texts in VALUES.items() if field not in OTHERS}
changes_of_row = st.lists(
    st.sampled_from([(field, text) for field, texts in VALUES.items() for text in ("", *texts)]), max_size=4
)

names = st.text("ab ,;\"\n\t'", max_size=8)
# No carriage return: the module `csv` writes one without quotation marks. No @: an email in another cell is suspicious.
notes = st.text(st.characters(codec="utf-8", exclude_characters="\0\r@"), max_size=12) | names
rows = st.lists(st.tuples(names, notes, notes), min_size=1, max_size=6)
dialects = st.sampled_from(sorted(DIALECTS))
quick = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def written(customers, dialect: str) -> str:
    options, is_short = DIALECTS[dialect]
    text = io.StringIO()
    writer = csv.writer(text, **options)
    writer.writerow(HEADER)
    for number, cells in enumerate(customers):
        row = [f"p{number}@example.com", *map(quoted, cells)]
        while is_short and not row[-1]:
            row.pop()
        writer.writerow(row)
    return text.getvalue()


@pytest.fixture
def imported(import_file, tmp_path):
    """`imported(text)`: the exit code, the last line of the output, and the customers by email. The store is empty
    before, and again afterwards."""

    def run(text: str):
        path = tmp_path / "customers.csv"
        path.write_text(text, encoding="utf-8", newline="")
        with transaction.atomic():
            code, output = import_file(str(path))
            users = {user.email: user for user in User.objects.all()}
            transaction.set_rollback(True)
        return code, output.splitlines()[-1], users

    return run


def outcome(parse, row, rules) -> tuple:
    """What becomes of a row: the customer and the warnings, or the errors."""
    try:
        parsed = parse(row, rules)
    except InvalidRow as invalid:
        return [(error.path, error.message) for error in invalid.errors], None
    return [(warning.path, warning.message) for warning in parsed.warnings], parsed.customer


@settings(quick, max_examples=300)
@given(changes=changes_of_row, bound=st.sampled_from([{}, BOUND]), country=st.sampled_from(["", "GB"]))
def test_the_short_way_of_plain_rows_finds_the_same_customer(changes, bound, country):
    row, rules = PLAIN_ROW | dict(changes), Rules(bound, country=country)

    assert outcome(parse_row, row, rules) == outcome(parse_any_row, row, rules)


def test_most_rows_take_the_short_way():
    assert plain_customer(PLAIN_ROW, Rules({})) == parse_any_row(PLAIN_ROW, Rules({})).customer
    assert plain_customer({**PLAIN_ROW, "ip": "", "metadata.note": ""}, Rules(BOUND)) is not None


@settings(quick, max_examples=300)
@given(texts=st.lists(st.none() | st.text("aé,;\t\n'+-=@1２＝\x1f", max_size=6), max_size=4))
def test_cells_that_are_left_alone_as_a_row_are_left_alone_one_by_one(texts):
    if not may_hold_formula(texts):
        assert [text and quoted(text) for text in texts] == texts


@quick
@given(email=st.from_regex(PLAIN_EMAIL, fullmatch=True))
def test_email_that_matches_the_plain_pattern_is_valid(email):
    validate_email(email)


@quick
@given(customers=rows, dialect=dialects)
def test_customers_are_the_same_in_any_dialect(imported, customers, dialect):
    code, counts, users = imported(written(customers, dialect))

    assert (code, counts) == (0, f"{len(customers)} created, 0 updated, 0 rejected.")
    for number, (name, note, last) in enumerate(customers):
        user = users[f"p{number}@example.com"]
        assert (user.first_name or "") == " ".join(name.split())
        metadata = {key: value for key, value in (("note", note), ("last", last)) if value}
        assert (user.metadata or {}) == metadata


@quick
@given(customers=rows, dialect=dialects, place=st.floats(0, 1, exclude_max=True), is_doubled=st.booleans())
def test_one_wrong_character_loses_no_row_silently(imported, customers, dialect, place, is_doubled):
    text = written(customers, dialect)
    position = int(place * len(text))
    changed = text[:position] + text[position] * 2 * is_doubled + text[position + 1 :]
    try:
        code, counts, users = imported(changed)
    except CommandError:
        return  # the header is wrong: the file is refused as a whole

    created, _, rejected = (int(word) for word in counts.split() if word.isdecimal())
    assert len(users) == created
    assert code == (1 if rejected else 0)
    assert created + rejected >= len(customers) - (rejected > 0)  # one line may hold two rows
    untouched = [email for number in range(len(customers)) if (email := f"p{number}@example.com") in users]
    is_in_header = position < text.index("p0@")
    assert len(untouched) >= len(customers) - 2 or is_in_header
