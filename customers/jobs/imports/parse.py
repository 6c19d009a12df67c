"""Reads the rows of a file one at a time, from any position on: CSV with a header, or JSON Lines."""

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, NamedTuple

import orjson

from customers.jobs.formulas import unquoted
from customers.jobs.imports.header import EMAIL, FileFormat
from customers.jobs.imports.lines import MAX_ROW_SIZE, NOTHING_READ, Lines, Position
from customers.jobs.imports.rfc4180 import NOT_UTF_8, TOO_LONG, Grammar, readable, take_row
from oauth.errors import ServiceError

TOO_SHORT = "The row lacks cells, and has an email address in another column. Is a line break missing?"
LOOKS_LIKE_ROW = "A cell has a line that looks like a row of this file. Is a quotation mark missing?"


class Row(NamedTuple):
    """`line`: the line at which the row begins, from 1. `cells`: as the file has them; one for a row of JSON Lines.
    `values`: by field, or why the row can't be read."""

    line: int
    end: Position
    cells: list[str]
    values: dict[str, Any] | ServiceError


def rows(
    file: BinaryIO, file_format: FileFormat, fields: Mapping[str, str], after: Position = NOTHING_READ
) -> Iterator[Row]:
    """The rows that begin after this position, without empty ones. `fields`: field by header."""
    lines = Lines(file, max(after, Position(file_format.start_line, file_format.start)))
    return _csv_rows(lines, file_format, fields) if file_format.delimiter else _json_rows(lines, fields)


def _csv_rows(lines: Lines, file_format: FileFormat, fields: Mapping[str, str]) -> Iterator[Row]:
    grammar = Grammar(file_format.delimiter)
    columns_of = {field: file_format.headers.index(header) for header, field in fields.items()}
    width, email = len(file_format.headers), columns_of.get("email", 0)
    while True:
        start = lines.position
        taken = take_row(lines, grammar)
        if taken is None:
            return
        cells, error = taken
        if error is None and lines.position.lines > start.lines + 1 and _holds_row(cells, grammar, width, email):
            error = ServiceError(LOOKS_LIKE_ROW)
            lines.rewind(start)
            cells = grammar.guessed_cells(readable(lines.take()))
        if error is None and not any(map(str.strip, cells)):
            continue
        if error is None and len(cells) < width and _holds_email(cells, email):
            error = ServiceError(TOO_SHORT)
        yield Row(start.lines + 1, lines.position, cells, error or _values(cells, width, columns_of))


def _holds_row(cells: list[str], grammar: Grammar, width: int, email: int) -> bool:
    """Whether a line of a cell has as many cells as a row of this file, and an email among them."""
    parts = [line.split(grammar.delimiter) for cell in cells if "\n" in cell for line in cell.split("\n")]
    return any(len(part) == width and "@" in part[email] for part in parts)


def _holds_email(cells: list[str], email: int) -> bool:
    """Whether another cell than that of the email has one."""
    return any("@" in cell and EMAIL.search(cell) for column, cell in enumerate(cells) if column != email)


def _values(cells: list[str], width: int, columns_of: Mapping[str, int]) -> dict[str, Any] | ServiceError:
    """Empty cells at the end of a row may be missing."""
    if len(cells) > width:
        return ServiceError(f"The row has {len(cells)} cells, the header has {width}.")
    number = len(cells)
    if number == width and "'" not in "".join(cells):
        return {field: cells[column] for field, column in columns_of.items()}
    return {
        field: unquoted(cell) if "'" in (cell := cells[column]) else cell
        for field, column in columns_of.items()
        if column < number
    }


def _json_rows(lines: Lines, fields: Mapping[str, str]) -> Iterator[Row]:
    while text := lines.take():
        if text.strip():
            cells = [readable(text[:MAX_ROW_SIZE]).strip()]
            yield Row(lines.position.lines, lines.position, cells, _renamed(_object(text), fields))


def _object(text: bytes) -> dict[str, Any] | ServiceError:
    if len(text) > MAX_ROW_SIZE:
        return ServiceError(TOO_LONG)
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return ServiceError(f"Not JSON: {error}." if _is_utf_8(text) else NOT_UTF_8)
    return value if isinstance(value, dict) else ServiceError("Not an object.")


def _is_utf_8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _renamed(row: dict[str, Any] | ServiceError, fields: Mapping[str, str]) -> dict[str, Any] | ServiceError:
    if isinstance(row, ServiceError):
        return row
    return {field: row[header] for header, field in fields.items() if header in row}
