"""What is said about rows that were refused, and the file of them, which can be repaired and imported again."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from customers.jobs.formulas import quoted, unquoted
from customers.jobs.imports.columns import REASONS, label
from customers.jobs.imports.header import FileFormat
from customers.jobs.imports.parse import Row
from customers.jobs.models import Job, RejectedRow
from customers.validation import EmailTaken
from oauth.errors import ServiceError

SHOWN_CHARACTERS = 60  # of a value
EMAIL_TAKEN = "Somebody in the store or in an earlier row has this email already."


def rejected_row(
    job: Job, row: Row, errors: Sequence[ServiceError], fields: Mapping[str, str], *, is_warning: bool = False
) -> RejectedRow:
    """`fields`: field by header."""
    headers = {field: header for header, field in fields.items()}
    reason = "\n".join(_describe(error, row, headers) for error in errors)
    cells = [_storable(cell) for cell in row.cells]
    return RejectedRow(job=job, line=row.line, reason=reason, cells=cells, is_warning=is_warning)


def person_of(row: RejectedRow, file_format: FileFormat, fields: Mapping[str, str]) -> str:
    """The name and the email in the cells of a row, as far as it has them. `fields`: field by header."""
    if file_format.delimiter:
        cells: Mapping[str, Any] = dict(zip(file_format.headers, row.cells, strict=False))
    else:
        cells = _object(row.cells[0]) if row.cells else {}
    found = {field: cells.get(header) for header, field in fields.items()}
    name = " ".join(_one_line(found.get(part)) for part in ("first_name", "last_name"))
    return ", ".join(filter(None, (name.strip(), _one_line(found.get("email")))))


def _one_line(value: Any) -> str:
    return _shortened(" ".join(unquoted(value).split())) if isinstance(value, str) else ""


def _object(text: str) -> dict[str, Any]:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _describe(error: ServiceError, row: Row, headers: Mapping[str, str]) -> str:
    """The column of the file, what is wrong, and the value."""
    field, *rest = error.path or ("",)
    if not field:
        return error.message
    column = ".".join(map(str, (headers.get(str(field)) or label(str(field)), *rest)))
    value = _value(row.values, error.path)
    given = "" if value is None or value == "" else f" Given: “{_storable(_shortened(str(value)))}”."
    message = EMAIL_TAKEN if isinstance(error, EmailTaken) else error.message
    return f"{column}: {message}{given}"


def _value(values: Any, path: Iterable[str | int]) -> Any:
    """The value at a path, if it is a text or a number."""
    for step in path:
        try:
            values = values[step]
        except (KeyError, IndexError, TypeError):
            break  # a list in one cell
    return values if isinstance(values, str | int | float) else None


def _shortened(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def _storable(text: str) -> str:
    """Without what a database can't keep: NUL and unpaired surrogates, which JSON may have."""
    return text.replace("\0", "\ufffd").encode(errors="replace").decode()


def file_lines(job: Job, file_format: FileFormat) -> Iterator[str]:
    """The refused rows in the format of their file. Each has all its cells, and the reasons at its end."""
    rows = job.rejected_rows.filter(is_warning=False).order_by("pk").iterator()
    return _csv_lines(rows, file_format) if file_format.delimiter else map(_json_line, rows)


def _csv_lines(rows: Iterable[RejectedRow], file_format: FileFormat) -> Iterator[str]:
    writer = csv.writer(_Echo(), delimiter=file_format.delimiter, quoting=csv.QUOTE_ALL)
    headers = file_format.file_headers
    has_reasons = headers[-1:] == [REASONS]  # refused twice
    width = len(headers) - has_reasons
    yield writer.writerow([*map(_written, headers[:width]), REASONS])
    for row in rows:
        cells = row.cells[:width] if has_reasons else row.cells
        padding = [""] * (width - len(cells))
        yield writer.writerow([*(_written(cell) for cell in cells), *padding, quoted(_reasons(row))])


def _json_line(row: RejectedRow) -> str:
    (text,) = row.cells
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = text
    shown = value if isinstance(value, dict) else {"line": value}
    return orjson.dumps({**shown, REASONS: _reasons(row)}).decode() + "\n"


def _reasons(row: RejectedRow) -> str:
    return f"Line {row.line}: {' '.join(row.reasons)}"


def _written(cell: str) -> str:
    """An import reads the same value from it, and no spreadsheet computes it."""
    return quoted(unquoted(cell))


class _Echo:
    """A file whose `write` returns the line instead of storing it."""

    def write(self, line: str) -> str:
        return line
