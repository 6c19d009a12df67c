"""The file formats of an export. An import of this or another store reads each of them."""

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TextIO

import orjson
from django.core.serializers.json import DjangoJSONEncoder

from customers.jobs.formulas import quoted, quoted_json
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
    header = (*HEADER, *(METADATA + key for key in metadata_keys))
    if with_header:
        writer.writerow(header)
    number = 0
    for row in rows:
        number += 1
        first, *others = row["addresses"] or [{}]
        cells = {**row, **{f"address_{name}": first.get(name) for name in ADDRESS}, MORE_ADDRESSES: others}
        cells |= {METADATA + key: (row["metadata"] or {}).get(key) for key in metadata_keys}
        writer.writerow([_cell(name, cells[name]) for name in header])
    return number


def _cell(name: str, value: Any) -> str | int | float | Decimal:
    if value is None or value == []:
        return ""
    if name == "tags" and not value[0].startswith("[") and tags_of(text := ",".join(value)) == value:
        return quoted(text)
    if isinstance(value, list | dict):
        return quoted_json(orjson.dumps(value).decode())
    if isinstance(value, bool):
        return "yes" if value else "no"
    # A spreadsheet computes nothing from a number, so a negative one stays a number.
    return value if isinstance(value, int | float | Decimal) else quoted(str(value))


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
