"""The file formats of an export. An import of this or another store reads each of them."""

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any, TextIO

import orjson
from django.core.serializers.json import DjangoJSONEncoder

from customers.jobs.exports.query import Batch
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
    batches: Iterable[Batch], file: TextIO, *, with_header: bool = True, metadata_keys: Sequence[str] = ()
) -> int:
    """One object per line, in the shape of the API, with PURCHASES, BLOCK and CONSENT. Returns the number of customers.

    There is no header, and `metadata` has all keys in any case.
    """
    number = 0
    for columns, addresses in batches:
        loaded = {name: [text and orjson.loads(text) for text in columns[name]] for name in ("tags", "metadata")}
        for *values, book in zip(*(columns | loaded).values(), addresses, strict=True):
            row = dict(zip(columns, values, strict=True)) | {"addresses": list(map(_address, book))}
            file.write(json.dumps(row, cls=DjangoJSONEncoder, ensure_ascii=False) + "\n")
        number += len(addresses)
    return number


def write_csv(
    batches: Iterable[Batch], file: TextIO, *, with_header: bool = True, metadata_keys: Sequence[str] = ()
) -> int:
    """One row per customer: the first address in columns of its own, further ones as JSON. Returns the number of
    customers.

    Null is written as an empty cell. No cell is a formula to a spreadsheet, whatever its separator. `metadata_keys`:
    those that get a column.
    """
    writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC)
    if with_header:
        writer.writerow((*HEADER, *(METADATA + key for key in metadata_keys)))
    number = 0
    for people, addresses in batches:
        first = zip(*(book[0] if book else NO_ADDRESS for book in addresses), strict=True)
        cells = [_cells(name, column) for name, column in (*people.items(), *zip(ADDRESS, first, strict=True))]
        cells.append([_json(list(map(_address, book[1:]))) if len(book) > 1 else "" for book in addresses])
        if metadata_keys:
            loaded = [(text and orjson.loads(text)) or {} for text in people["metadata"]]
            cells += [[_any(metadata.get(key)) for metadata in loaded] for key in metadata_keys]
        writer.writerows(zip(*cells, strict=True))
        number += len(addresses)
    return number


Cell = str | int | float | Decimal | None  # the module `csv` writes null as an empty cell, and numbers as they are


def _address(values: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(ADDRESS, values, strict=True))


def _cells(name: str, column: Sequence[Any]) -> Iterable[Cell]:
    if name in WRITTEN:
        return map(WRITTEN[name], column)
    if name in NO_TEXTS or not may_hold_formula(column):
        return column
    return [text and quoted(text) for text in column]


def _flag(value: bool | None) -> Cell:
    return "" if value is None else "yes" if value else "no"


def _json(value: Any) -> Cell:
    return "" if value is None or value == [] else quoted_json(orjson.dumps(value).decode())


def _remembering(write: Callable[[str], Cell]) -> Callable[[str | None], Cell]:
    """Of JSON as text: many people share tags, and metadata."""
    remembered = lru_cache(maxsize=4096)(write)
    return lambda text: (remembered if len(text) < MAX_REMEMBERED else write)(text) if text else ""


@_remembering
def _metadata(text: str) -> Cell:
    return _json(orjson.loads(text))


@_remembering
def _tags(text: str) -> Cell:
    """Joined by commas if an import reads the same tags from that text, else as JSON."""
    tags = orjson.loads(text)
    if tags and not tags[0].startswith("[") and tags_of(joined := ",".join(tags)) == tags:
        return quoted(joined)
    return _json(tags)


def _any(value: Any) -> Cell:
    """A value of metadata."""
    if isinstance(value, list | dict):
        return _json(value)
    if isinstance(value, bool):
        return _flag(value)
    return value if isinstance(value, int | float | None) else quoted(str(value))


MAX_REMEMBERED = 200  # characters
NO_ADDRESS = (None,) * len(ADDRESS)
# Numbers, and dates of ISO 8601. A spreadsheet takes neither for a formula.
NO_TEXTS = frozenset({"id", "date_joined", *COUNTERS, *PURCHASES})
WRITTEN: dict[str, Callable[[Any], Cell]] = {
    **dict.fromkeys(("accepts_marketing", "is_blocked", *DEFAULT_FLAGS), _flag),
    "tags": _tags,
    "metadata": _metadata,
}


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """`write(batches, file, with_header=True, metadata_keys=())` returns the number of customers."""

    label: str
    content_type: str
    write: Callable[..., int]


# By the extension of the file.
FORMATS = {
    "csv": ExportFormat("CSV, for a spreadsheet", "text/csv; charset=utf-8", write_csv),
    "jsonl": ExportFormat("JSON Lines, in the shape of the API", "application/x-ndjson", write_jsonl),
}
