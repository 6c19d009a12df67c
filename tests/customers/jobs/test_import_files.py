"""Which files `manage.py import_customers` reads: quotation marks, headers, delimiters, encodings."""

import pytest
from django.core.management import CommandError

from customers.jobs.imports import lines
from customers.models import User
from tests.support.cases import each

UNCLOSED = "A quotation mark is not closed."
MISPLACED = "A quotation mark is missing or misplaced"
LOOKS_LIKE_ROW = "A cell has a line that looks like a row of this file."

# Rows below Email,First Name,Last Name; the emails that are stored; and the reason of each refusal by its line.
BROKEN_ROWS = {
    "a quotation mark is not closed": (
        'kay@example.com,"Kay\nlou@example.com,Lou\n',
        ["lou@example.com"],
        {2: UNCLOSED},
    ),
    "it is not closed before another quoted cell": (
        'kay@example.com,"Kay,K\nlou@example.com,"Lou",L\nmax@example.com,Max,M\n',
        ["lou@example.com", "max@example.com"],
        {2: UNCLOSED},
    ),
    "two rows are not closed": (
        'kay@example.com,"Kay,K\nlou@example.com,"Lou,L\nmax@example.com,Max,M\n',
        ["max@example.com"],
        {2: MISPLACED, 3: UNCLOSED},
    ),
    "it is not closed before a cell that begins with a line break": (
        'kay@example.com,"Kay,K\nlou@example.com,Lou,L\nmax@example.com,"\nMax",M\n',
        ["lou@example.com", "max@example.com"],
        {2: LOOKS_LIKE_ROW},
    ),
    "it is not opened": (
        'kay@example.com,Kay",K\nlou@example.com,Lou\n',
        ["lou@example.com"],
        {2: MISPLACED},
    ),
    "it is doubled": (
        'kay@example.com,""Kay"",K\nlou@example.com,Lou\n',
        ["lou@example.com"],
        {2: MISPLACED},
    ),
    "it is within a cell": (
        'kay@example.com,Kay "K" K,K\nlou@example.com,Lou\n',
        ["lou@example.com"],
        {2: MISPLACED},
    ),
    "a cell holds a row": (
        'kay@example.com,"Kay\nlou@example.com,Lou,L\n",K\nmax@example.com,Max\n',
        ["lou@example.com", "max@example.com"],
        {2: LOOKS_LIKE_ROW, 4: UNCLOSED},
    ),
    "a line break is missing": (
        "kay@example.com,Kay,Klou@example.com,Lou,L\nmax@example.com,Max\n",
        ["max@example.com"],
        {2: "The row has 5 cells, the header has 3."},
    ),
    "a line ends with CR": (
        "kay@example.com,Kay,K\rlou@example.com,Lou,L\nmax@example.com,Max\n",
        ["max@example.com"],
        {2: "A line break (CR) has to be within quotation marks."},
    ),
}
# A file, and the emails and first names that it has.
READABLE = {
    "sep=": ("sep=;\nEmail;First Name\nkay@example.com;Kay\n", "Kay"),
    "sep= in quotation marks, behind a byte order mark": (
        '\ufeff"sep=|"\r\nEmail|First Name, or Last Name\r\nkay@example.com|Kay\r\n',
        "",
    ),
    "empty first lines": ("\n  \n;;;\nEmail;First Name\nkay@example.com;Kay\n", "Kay"),
    "delimiters in a quoted header": ('"First Name, or, any, name";Email\nKay;kay@example.com\n', ""),
    "line break in a header": ('"First\nName","E-mail\r\nAddress"\nKay,kay@example.com\n', "Kay"),
    "byte order mark": ("\ufeffEmail,First Name\nkay@example.com,Kay\n", "Kay"),
    "CRLF and no last line break": ("Email,First Name\r\nkay@example.com,Kay", "Kay"),
    "missing last cells": ("Email,First Name,Phone,Tags\nkay@example.com,Kay\n", "Kay"),
    "rows of spaces": ("Email,First Name\n  ,\t\nkay@example.com,Kay\n   \n,\n", "Kay"),
    "line breaks and quotation marks in a cell": (
        'Email,First Name\nkay@example.com,"Kay\n""K""\nk@example.com"\n',
        'Kay "K" k@example.com',
    ),
    "column without a name": ("Email,,First Name,\nkay@example.com,x,Kay,y\n", "Kay"),
    "JSON Lines behind empty lines": ('\n\n{"email": "kay@example.com"}\n', ""),
}
# A file that is refused, and a part of the reason.
UNREADABLE = {
    b"": "no header",
    b"\n\n": "no header",
    "Email\nkay@example.com\n".encode("utf-16"): "UTF-16",
    b"\xfe\xff" + "Email\n".encode("utf-16-be"): "UTF-16",
    "Email\nkay@example.com\n".encode("utf-16-le"): "UTF-16",
    "Email,Prénom\nkay@example.com,Kay\n".encode("cp1252"): "Windows-1252",
    b'[{"email": "kay@example.com"}]': "one object a line",
    b' [\n{"email": "kay@example.com"}\n]': "one object a line",
    b"Email\rkay@example.com\r": "line endings (CR)",
    b"kay@example.com,Kay\nlou@example.com,Lou\n": "names of the columns",
    b"Email,First Namekay@example.com,Kay\nlou@example.com,Lou\n": "names of the columns",
    b'Email,"First Name\nkay@example.com,Kay\n': "A quotation mark is not closed.",
    b'Email,First "or" Name\nkay@example.com,Kay\n': MISPLACED,
}


@pytest.fixture
def text_file(tmp_path):
    """`text_file(content)`: the path of a new file."""

    def write(content, name="customers.csv") -> str:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


class TestQuotationMarks:
    @each("rows, stored, refused", BROKEN_ROWS)
    def test_broken_row_costs_no_other_row(self, import_file, text_file, rows, stored, refused):
        code, output = import_file(text_file("Email,First Name,Last Name\n" + rows))

        assert list(User.objects.order_by("pk").values_list("email", flat=True)) == stored
        assert code == 1
        shown = [line for line in output.splitlines() if line.startswith("Line ")]
        assert len(shown) == len(refused), shown
        for line, (number, reason) in zip(shown, refused.items(), strict=True):
            assert line.startswith(f"Line {number}: {reason}"), line
        assert output.splitlines()[-1] == f"{len(stored)} created, 0 updated, {len(refused)} rejected."

    def test_row_of_any_length_is_refused_in_constant_memory(self, import_file, text_file, monkeypatch):
        monkeypatch.setattr(lines, "MAX_ROW_SIZE", 100)
        monkeypatch.setattr("customers.jobs.imports.rfc4180.MAX_ROW_SIZE", 100)
        content = f'Email,First Name\nkay@example.com,{"K" * 300}\nmax@example.com,"Max\nlou@example.com,{"L" * 70}\n'

        code, output = import_file(text_file(content))

        assert code == 1
        assert [line[:6] for line in output.splitlines() if line.startswith("Line ")] == ["Line 2", "Line 3"]
        assert User.objects.get().email == "lou@example.com"


class TestFile:
    @each("content, first_name", READABLE)
    def test_file_is_read(self, import_file, text_file, content, first_name):
        code, output = import_file(text_file(content))

        assert code == 0, output
        user = User.objects.get()
        assert (user.email, user.first_name or "") == ("kay@example.com", first_name)

    @each("content, reason", UNREADABLE.items())
    def test_file_is_refused_with_what_to_do(self, import_file, text_file, content, reason):
        with pytest.raises(CommandError) as refused:
            import_file(text_file(content))

        assert reason in str(refused.value)
        assert not User.objects.exists()

    def test_row_that_is_not_utf_8_is_refused_alone(self, import_file, text_file):
        content = "Email,First Name\nkay@example.com,Andr\xe9\nlou@example.com,Lou\nmax@example.com,A\0\n"

        code, output = import_file(text_file(content.encode("cp1252")))

        assert code == 1
        assert "Line 2: This is not UTF-8, but probably Windows-1252" in output
        assert "Line 4: This is not plain text: there are NUL characters. Is it UTF-16" in output
        assert User.objects.get().email == "lou@example.com"

    @each(
        "delimiter, options", [(":", ["--delimiter", ":"]), ("\t", ["--delimiter", "tab"]), (" ", ["--delimiter", " "])]
    )
    def test_delimiter_option_names_the_delimiter(self, import_file, text_file, delimiter, options):
        import_file(text_file(f"Email{delimiter}a,b;c\nkay@example.com{delimiter}x\n"), *options, "--map", "a,b;c=tags")

        assert User.objects.get().tags == ["x"]

    def test_delimiter_option_rejects_what_no_delimiter_can_be(self, import_file, text_file):
        for delimiter in ('"', ";;", "\n"):
            with pytest.raises(CommandError):
                import_file(text_file("Email\nkay@example.com\n"), "--delimiter", delimiter)


class TestRepeatedHeader:
    def test_second_column_of_a_name_is_shown_and_can_be_mapped(self, import_file, text_file):
        path = text_file("Email,Phone,Phone\nkay@example.com,+442079460018,+442079460019\n")

        _, output = import_file(path, "--dry-run")
        import_file(path, "--map", "Phone=", "--map", "Phone (column 3)=phone_number")

        shown = [line.split("  ")[0].rstrip() + "=" + line.split()[-1] for line in output.splitlines()[:3]]
        assert shown == ["Email=email", "Phone=phone_number", "Phone (column 3)=(ignored)"]
        assert User.objects.get().phone_number == "+442079460019"
