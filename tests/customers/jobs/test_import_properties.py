"""What holds for any customers in any CSV dialect, and for any file with one wrong character."""

import csv
import io

import pytest
from django.core.management import CommandError
from django.core.validators import validate_email
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customers.jobs.formulas import quoted
from customers.jobs.imports.values import PLAIN_EMAIL
from customers.models import User

HEADER = ["Email", "First Name", "metadata.note", "metadata.last"]
# Arguments of `csv.writer`, and whether empty cells at the end of a row are left out.
DIALECTS = {
    "excel": ({"delimiter": ",", "lineterminator": "\r\n"}, False),
    "semicolons, everything quoted": ({"delimiter": ";", "lineterminator": "\n", "quoting": csv.QUOTE_ALL}, False),
    "tabs, no empty last cells": ({"delimiter": "\t", "lineterminator": "\n"}, True),
}

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
    suppress_health_check=[HealthCheck.function_scoped_fixture],
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
