"""The rows of a file, one at a time, from any place on: CSV with a header, or JSON Lines."""

import codecs
import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple

import orjson

from customers import validation
from customers.jobs.imports import columns
from customers.jobs.imports.rows import unquoted
from oauth.errors import ServiceError

DELIMITERS = ",;\t|"


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is to be read: `headers` are the columns of CSV or the names that the first object of JSON Lines has.
    Rows begin at the byte `start`; CSV has a `delimiter`, JSON Lines none."""

    headers: list[str]
    start: int
    delimiter: str = ""

    def fields(self, given: Mapping[str, str]) -> dict[str, str]:
        """Header to field (see `columns.guess`)."""
        if self.delimiter:
            return columns.guess(self.headers, given)
        # A further line may have other names.
        return columns.guess(dict.fromkeys([*self.headers, *columns.FIELDS, *given]), given)


class Place(NamedTuple):
    """So many lines and bytes were read."""

    lines: int
    bytes: int


class Row(NamedTuple):
    """`line`: where it begins, from 1. `end`: where it ends. `values`: by field, or why there are none."""

    line: int
    end: Place
    values: dict[str, Any] | ServiceError


def look(file: BinaryIO) -> Layout:
    """At the first line. UTF-8, with or without a byte order mark; between the cells of CSV a comma, a semicolon, a tab
    or a bar.

    Raises ServiceError for a file that can't be read.
    """
    file.seek(0)
    head = file.readline()
    text = head.removeprefix(codecs.BOM_UTF8)
    if text.lstrip().startswith(b"{"):
        first = _object(text)
        return Layout(list(first) if isinstance(first, dict) else [], start=len(head) - len(text))
    if b"\r" in text.rstrip(b"\r\n"):
        raise ServiceError("The lines end in a way that is not used any more. Save the file anew.")
    line = _text(text)
    delimiter = max(DELIMITERS, key=line.count)
    headers = [header.strip() for header in next(csv.reader([line], delimiter=delimiter), [])]
    if not any(headers):
        raise ServiceError("There is no header in the first line.")
    try:
        validation.check_json(headers)
    except ServiceError:
        raise ServiceError("The first line is not UTF-8. Save the file anew.") from None
    return Layout(headers, start=len(head), delimiter=delimiter)


def rows(file: BinaryIO, layout: Layout, fields: Mapping[str, str], after: Place = Place(0, 0)) -> Iterator[Row]:  # noqa: B008  immutable
    """Those that begin behind `after`. Empty ones are left out."""
    read = max(after, Place(1 if layout.delimiter else 0, layout.start))
    file.seek(read.bytes)
    return _csv_rows(file, layout, fields, read) if layout.delimiter else _json_rows(file, fields, read)


def _csv_rows(file: BinaryIO, layout: Layout, fields: Mapping[str, str], read: Place) -> Iterator[Row]:
    end = read.bytes

    def lines() -> Iterator[str]:
        nonlocal end
        for text in file:
            end += len(text)
            yield _text(text)

    reader = csv.reader(lines(), delimiter=layout.delimiter)
    places = {field: layout.headers.index(header) for header, field in fields.items()}
    width = len(layout.headers)
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
            values = _values(cells, width, places)
        yield Row(line, Place(read.lines + reader.line_num, end), values)


def _values(cells: list[str], width: int, places: Mapping[str, int]) -> dict[str, Any] | ServiceError:
    if len(cells) != width:
        return ServiceError(f"The row has {len(cells)} cells, the header has {width}.")
    return {field: unquoted(cells[place]) for field, place in places.items()}


def _json_rows(file: BinaryIO, fields: Mapping[str, str], read: Place) -> Iterator[Row]:
    end = read.bytes
    for line, text in enumerate(file, read.lines + 1):
        end += len(text)
        if text.strip():
            yield Row(line, Place(line, end), _renamed(_object(text), fields))


def _text(line: bytes) -> str:
    # What is not UTF-8 is refused with its row.
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
