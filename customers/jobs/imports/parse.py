"""Reads the rows of a file one at a time, from any position on: CSV with a header, or JSON Lines."""

import codecs
import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple

import orjson

from customers.core.json_values import check_json
from customers.jobs.imports import columns
from customers.jobs.imports.rows import unquoted
from oauth.errors import ServiceError

DELIMITERS = ",;\t|"


@dataclass(frozen=True, slots=True)
class FileFormat:
    """How to read a file. `headers`: the columns of CSV, or the keys of the first object of JSON Lines. `start`: where
    the rows begin, in bytes. `delimiter`: that of CSV, and empty for JSON Lines."""

    headers: list[str]
    start: int
    delimiter: str = ""

    def map_columns(self, chosen: Mapping[str, str]) -> dict[str, str]:
        """Field by header (see `columns.guess_fields`)."""
        if self.delimiter:
            return columns.guess_fields(self.headers, chosen)
        # A later object may have other keys.
        return columns.guess_fields(dict.fromkeys([*self.headers, *columns.FIELDS, *chosen]), chosen)


class Position(NamedTuple):
    """How many lines and bytes were read."""

    lines: int
    bytes: int


NOTHING_READ = Position(0, 0)


class Row(NamedTuple):
    """`line`: the line at which the row begins, from 1. `values`: by field, or why the row can't be read."""

    line: int
    end: Position
    values: dict[str, Any] | ServiceError


def detect_format(file: BinaryIO) -> FileFormat:
    """Reads the first line: UTF-8, with or without a byte order mark. The delimiter of CSV is one of DELIMITERS.

    Raises ServiceError for a file that can't be read.
    """
    file.seek(0)
    head = file.readline()
    text = head.removeprefix(codecs.BOM_UTF8)
    if text.lstrip().startswith(b"{"):
        first = _object(text)
        return FileFormat(list(first) if isinstance(first, dict) else [], start=len(head) - len(text))
    if b"\r" in text.rstrip(b"\r\n"):
        raise ServiceError("The line endings (CR) are not supported. Save the file with LF or CRLF line endings.")
    line = _text(text)
    delimiter = max(DELIMITERS, key=line.count)
    headers = [header.strip() for header in next(csv.reader([line], delimiter=delimiter), [])]
    if not any(headers):
        raise ServiceError("The first line has no header.")
    try:
        check_json(headers)
    except ServiceError:
        raise ServiceError("The first line is not UTF-8. Save the file as UTF-8.") from None
    return FileFormat(headers, start=len(head), delimiter=delimiter)


def rows(
    file: BinaryIO, file_format: FileFormat, fields: Mapping[str, str], after: Position = NOTHING_READ
) -> Iterator[Row]:
    """The rows that begin after this position, without empty ones. `fields`: field by header."""
    read = max(after, Position(1 if file_format.delimiter else 0, file_format.start))
    file.seek(read.bytes)
    return _csv_rows(file, file_format, fields, read) if file_format.delimiter else _json_rows(file, fields, read)


def _csv_rows(file: BinaryIO, file_format: FileFormat, fields: Mapping[str, str], read: Position) -> Iterator[Row]:
    end = read.bytes

    def lines() -> Iterator[str]:
        nonlocal end
        for text in file:
            end += len(text)
            yield _text(text)

    reader = csv.reader(lines(), delimiter=file_format.delimiter)
    columns_of = {field: file_format.headers.index(header) for header, field in fields.items()}
    width = len(file_format.headers)
    while True:
        line = read.lines + reader.line_num + 1
        values: dict[str, Any] | ServiceError
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            values = ServiceError(f"{error}. Is a quotation mark missing?")
        else:
            if not any(cells):
                continue
            values = _values(cells, width, columns_of)
        yield Row(line, Position(read.lines + reader.line_num, end), values)


def _values(cells: list[str], width: int, columns_of: Mapping[str, int]) -> dict[str, Any] | ServiceError:
    if len(cells) != width:
        return ServiceError(f"The row has {len(cells)} cells, the header has {width}.")
    return {field: unquoted(cells[column]) for field, column in columns_of.items()}


def _json_rows(file: BinaryIO, fields: Mapping[str, str], read: Position) -> Iterator[Row]:
    end = read.bytes
    for line, text in enumerate(file, read.lines + 1):
        end += len(text)
        if text.strip():
            yield Row(line, Position(line, end), _renamed(_object(text), fields))


def _text(line: bytes) -> str:
    # Bytes that are not UTF-8 become surrogates, which the validation of the row rejects.
    return line.decode("utf-8", "surrogateescape")


def _object(text: bytes) -> dict[str, Any] | ServiceError:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return ServiceError(f"Not JSON: {error}.")
    return value if isinstance(value, dict) else ServiceError("Not an object.")


def _renamed(row: dict[str, Any] | ServiceError, fields: Mapping[str, str]) -> dict[str, Any] | ServiceError:
    if isinstance(row, ServiceError):
        return row
    return {field: row[header] for header, field in fields.items() if header in row}
