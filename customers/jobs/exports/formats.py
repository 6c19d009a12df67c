"""The file formats of an export. An import of this or another store reads each of them."""

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from operator import itemgetter
from typing import Any, TextIO

import orjson
from django.core.serializers.json import DjangoJSONEncoder

from customers.jobs.formulas import may_hold_formula, quoted, quoted_json
from customers.jobs.imports.columns import (
    ADDRESS,
    BLOCK,
    CONSENT,
    COUNTERS,
    METADATA,
    MORE_ADDRESSES,
    PERSON,
    PURCHASES,
)
from customers.jobs.imports.values import tags_of
from customers.services import DEFAULT_FLAGS

BYTE_ORDER_MARK = "\ufeff"  # without it, Excel takes a CSV file for one in the encoding of the computer

HEADER = (
    "id",
    *PERSON,
    *COUNTERS,
    *PURCHASES,
    *BLOCK,
    *CONSENT,
    *(f"address_{name}" for name in ADDRESS),
    MORE_ADDRESSES,
)


def write_jsonl(
    rows: Iterable[dict[str, Any]], file: TextIO, *, with_header: bool = True, metadata_keys: Sequence[str] = ()
) -> int:
    """One object per line, in the shape of the API, with PURCHASES, BLOCK and CONSENT. Returns the number of rows.

    There is no header, and `metadata` has all keys in any case.
    """
    number = 0
    for row in rows:
        number += 1
        file.write(json.dumps(row, cls=DjangoJSONEncoder, ensure_ascii=False) + "\n")
    return number


def write_csv(
    rows: Iterable[dict[str, Any]], file: TextIO, *, with_header: bool = True, metadata_keys: Sequence[str] = ()
) -> int:
    """One row per customer: the first address in columns of its own, further ones as JSON. Returns the number of rows.

    Null is written as an empty cell. No cell is a formula to a spreadsheet, whatever its separator. `metadata_keys`:
    those that get a column.
    """
    writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC)
    if with_header:
        writer.writerow((*HEADER, *(METADATA + key for key in metadata_keys)))
    number = 0
    for row in rows:
        number += 1
        first, *others = row["addresses"] or [NO_ADDRESS]
        cells = [*PERSON_VALUES(row), *ADDRESS_VALUES(first), others]
        for position, write in WRITTEN:
            cells[position] = write(cells[position])
        if may_hold_formula(TEXTS(cells)):
            for position in TEXT_POSITIONS:
                cells[position] = _text(cells[position])
        if metadata_keys:
            metadata = row["metadata"] or {}
            cells += [_any(metadata.get(key)) for key in metadata_keys]
        writer.writerow(cells)
    return number


Cell = str | int | float | Decimal


def _text(value: str | None) -> Cell:
    if not value or value.isalnum():  # most texts; they have no sign of a formula
        return value or ""
    return quoted(value)


def _same(value: Any) -> Cell:
    """A number, or a date of ISO 8601. A spreadsheet takes neither for a formula."""
    return "" if value is None else value


def _flag(value: bool | None) -> Cell:
    return "" if value is None else "yes" if value else "no"


def _json(value: list | dict | None) -> Cell:
    return "" if value is None or value == [] else quoted_json(orjson.dumps(value).decode())


def _tags(value: list[str]) -> Cell:
    return _cell_of_tags(tuple(value)) if value else ""


@lru_cache(maxsize=4096)  # many people share tags
def _cell_of_tags(tags: tuple[str, ...]) -> Cell:
    """Joined by commas if an import reads the same tags from that text, else as JSON."""
    if not tags[0].startswith("[") and tags_of(text := ",".join(tags)) == list(tags):
        return quoted(text)
    return _json(list(tags))


def _any(value: Any) -> Cell:
    """A value of metadata."""
    if isinstance(value, list | dict):
        return _json(value)
    if isinstance(value, bool):
        return _flag(value)
    return _same(value) if isinstance(value, int | float | None) else _text(str(value))


CELLS: dict[str, Callable[[Any], Cell]] = {
    **dict.fromkeys(("accepts_marketing", "is_blocked", *DEFAULT_FLAGS), _flag),
    **dict.fromkeys(("id", "date_joined", *COUNTERS, *PURCHASES), _same),
    "tags": _tags,
    "metadata": _json,
}
PERSON_NAMES = ("id", *PERSON, *COUNTERS, *PURCHASES, *BLOCK, *CONSENT)
NO_ADDRESS = dict.fromkeys(ADDRESS)
PERSON_VALUES, ADDRESS_VALUES = itemgetter(*PERSON_NAMES), itemgetter(*ADDRESS)
# By the position of a cell. The module `csv` writes null as an empty cell, and numbers as they are.
WRITERS = [*(CELLS.get(name, _text) for name in (*PERSON_NAMES, *ADDRESS)), _json]
WRITTEN = [(position, write) for position, write in enumerate(WRITERS) if write not in (_text, _same)]
TEXT_POSITIONS = [position for position, write in enumerate(WRITERS) if write == _text]
TEXTS = itemgetter(*TEXT_POSITIONS)


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """`write(rows, file, with_header=True, metadata_keys=())` returns the number of rows."""

    label: str
    content_type: str
    write: Callable[..., int]


# By the extension of the file.
FORMATS = {
    "csv": ExportFormat("CSV, for a spreadsheet", "text/csv; charset=utf-8", write_csv),
    "jsonl": ExportFormat("JSON Lines, in the shape of the API", "application/x-ndjson", write_jsonl),
}
