"""Fixtures for files of customers, and for the commands that read and write them."""

import csv
import io
import json

import pytest
from django.core.management import call_command

HEADER = ["Email", "First Name", "Phone", "Tags", "Address1", "City", "Country"]


@pytest.fixture
def csv_file(tmp_path):
    """`csv_file([row, ...], header=HEADER)`: the path of a new CSV file."""

    def write(rows, header=HEADER, name="customers.csv", delimiter=","):
        path = tmp_path / name
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, delimiter=delimiter).writerows([header, *rows])
        return str(path)

    return write


@pytest.fixture
def jsonl_file(tmp_path):
    """`jsonl_file([row, ...])`: the path of a new file of JSON Lines. A row is an object, or a line as text."""

    def write(rows, name="customers.jsonl"):
        path = tmp_path / name
        path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows))
        return str(path)

    return write


@pytest.fixture
def import_file(db):
    """`import_file(path, "--dry-run", report=path)`: the exit code and the output of the command."""

    def run(path, *options, **named):
        out, err = io.StringIO(), io.StringIO()
        code = 0
        try:
            call_command("import_customers", path, *options, stdout=out, stderr=err, **named)
        except SystemExit as stopped:
            code = stopped.code
        return code, err.getvalue() + out.getvalue()

    return run


@pytest.fixture
def export_file(db, tmp_path):
    """`export_file("customers.csv", "--language", "en")`: the path of the file that the command wrote."""

    def run(name, *options):
        path = str(tmp_path / name)
        call_command("export_customers", path, *options, stderr=io.StringIO())
        return path

    return run
