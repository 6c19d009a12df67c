"""The rows of a file, one at a time: CSV with a header, or JSON Lines."""

import codecs
import csv
import io
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

import orjson

from customers.rules import CustomerError
from customers.transfers import columns
from customers.transfers.rows import unquoted

DELIMITERS = ",;\t|"

# Where a row begins, and its fields or, of one that can't be read, why.
Row = tuple[int, dict[str, Any] | CustomerError]


class CsvFile:
    """UTF-8, with or without a byte order mark; between the cells a comma, a semicolon, a tab or a bar."""

    def __init__(self, file: io.BufferedReader):
        # What is not UTF-8 is refused with its row.
        text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
        head = text.readline()
        self.delimiter = max(DELIMITERS, key=head.count)
        self.headers = [header.strip() for header in next(csv.reader([head], delimiter=self.delimiter), [])]
        if not any(self.headers):
            raise CustomerError("There is no header in the first line.")
        self.text = text

    def fields(self, given: Mapping[str, str]) -> dict[str, str]:
        return columns.guess(self.headers, given)

    def rows(self, fields: Mapping[str, str], after: int = 0) -> Iterator[Row]:
        """Those that begin behind the line `after`. Empty ones are left out."""
        reader = csv.reader(self.text, delimiter=self.delimiter)
        places = {field: self.headers.index(header) for header, field in fields.items()}
        width = len(self.headers)
        while True:
            line = reader.line_num + 2
            try:
                cells = next(reader, None)
            except csv.Error as error:
                yield line, CustomerError(f"{error}. Is a quotation mark missing?")
                continue
            if cells is None:
                return
            if line <= after or not any(cells):
                continue
            if len(cells) != width:
                yield line, CustomerError(f"The row has {len(cells)} cells, the header has {width}.")
            else:
                yield line, {field: unquoted(cells[place]) for field, place in places.items()}


class JsonLinesFile:
    """One object a line, in the shape of the API or with other names. Which names there are, the first line shows."""

    def __init__(self, file: io.BufferedReader):
        self.file = file
        self.head = file.readline().removeprefix(codecs.BOM_UTF8)
        first = _object(self.head)
        self.headers = list(first) if isinstance(first, dict) else []

    def fields(self, given: Mapping[str, str]) -> dict[str, str]:
        return columns.guess(dict.fromkeys([*self.headers, *columns.FIELDS, *given]), given)

    def rows(self, fields: Mapping[str, str], after: int = 0) -> Iterator[Row]:
        for line, text in enumerate(chain([self.head], self.file), 1):
            if line > after and text.strip():
                yield line, _renamed(_object(text), fields)


def opened(file: io.BufferedReader) -> CsvFile | JsonLinesFile:
    start = file.peek(16).removeprefix(codecs.BOM_UTF8).lstrip()
    return JsonLinesFile(file) if start.startswith(b"{") else CsvFile(file)


def _object(text: bytes) -> dict[str, Any] | CustomerError:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return CustomerError(f"Not JSON: {error}.")
    return value if isinstance(value, dict) else CustomerError("Not an object.")


def _renamed(row: dict[str, Any] | CustomerError, fields: Mapping[str, str]) -> dict[str, Any] | CustomerError:
    if isinstance(row, CustomerError):
        return row
    return {field: row[header] for header, field in fields.items() if header in row}
