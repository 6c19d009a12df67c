"""Finds out how a file is to be read, from its first lines: the columns, where the rows begin, and the delimiter."""

import codecs
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import BinaryIO

import orjson

from customers.jobs.formulas import unquoted
from customers.jobs.imports import columns
from customers.jobs.imports.lines import MAX_ROW_SIZE, Lines, Position
from customers.jobs.imports.rfc4180 import NOT_CLOSED, TOO_LONG, Grammar, NotText, decoded
from customers.limits import MAX_COLUMNS
from oauth.errors import ServiceError

DELIMITERS = ",;\t|"
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
EMPTY_LINE = re.compile(rb"[\s,;|]*")
SEPARATOR = re.compile(
    rb'"?sep=([^"\r\n])"?\s*', re.IGNORECASE
)  # Excel names the delimiter in a first line such as sep=;
QUOTED_CELL = re.compile('"[^"]*"')
EMAIL = re.compile(r"[^\s@]@[^\s@]+\.[^\s@]")


@dataclass(frozen=True, slots=True)
class FileFormat:
    """How to read a file. `headers`: the columns of CSV, no two alike, or the keys of the first object of JSON Lines.
    `start` and `start_line`: how many bytes and lines are in front of the rows. `delimiter`: that of CSV, and empty for
    JSON Lines."""

    headers: list[str]
    start: int
    delimiter: str = ""
    start_line: int = 0

    def map_columns(self, chosen: Mapping[str, str], defined: Mapping[str, str] | None = None) -> dict[str, str]:
        """Field by header (see `columns.guess_fields`)."""
        if self.delimiter:
            return columns.without_partial_address(columns.guess_fields(self.headers, chosen, defined), chosen)
        # A later object may have other keys.
        return columns.guess_fields(dict.fromkeys([*self.headers, *columns.FIELDS, *chosen]), chosen, defined)

    @property
    def file_headers(self) -> list[str]:
        """The headers as the file has them: several columns may have one name."""
        return [header.removesuffix(_place(number)).rstrip() or "" for number, header in enumerate(self.headers, 1)]


def detect_format(file: BinaryIO, delimiter: str = "") -> FileFormat:
    """Reads the first lines: UTF-8, with or without a byte order mark. Empty lines in front are skipped.

    `delimiter`: that of CSV, if it is known; else it is named by the file, or guessed among DELIMITERS. Raises
    ServiceError for a file that can't be read.
    """
    if len(delimiter) > 1 or delimiter in ('"', "\r", "\n"):
        raise ServiceError("The delimiter has to be one character, and no quotation mark or line break.")
    lines = Lines(file)
    lines.rewind(Position(0, len(codecs.BOM_UTF8) if _begins_with_bom(file) else 0))
    while True:
        start = lines.position
        line = lines.take()
        if not line:
            raise ServiceError("The file has no header.")
        if named := SEPARATOR.fullmatch(line):
            delimiter = delimiter or named[1].decode("latin-1")
        elif not EMPTY_LINE.fullmatch(line):
            break
    if line.lstrip().startswith(b"{"):
        return FileFormat(_few(_keys(line)), start=start.bytes, start_line=start.lines)
    if line.lstrip().startswith(b"["):
        raise ServiceError("This looks like a list of JSON. Import JSON Lines: one object a line, without a list.")
    if b"\r" in line.rstrip(b"\r\n"):
        raise ServiceError("The line endings (CR) are not supported. Save the file with LF or CRLF line endings.")
    text = _header_text(line, lines)
    grammar = Grammar(delimiter or max(DELIMITERS, key=QUOTED_CELL.sub("", text).count))
    headers = [" ".join(unquoted(header).split()) for header in _few(grammar.cells(text))]
    if any(EMAIL.search(header) for header in headers):
        raise ServiceError("The first line has an email address. It should have the names of the columns.")
    return FileFormat(_distinct(headers), lines.position.bytes, grammar.delimiter, lines.position.lines)


def _few(names: list[str]) -> list[str]:
    """Raises ServiceError for too many."""
    if len(names) > MAX_COLUMNS:
        raise ServiceError(f"A file has at most {MAX_COLUMNS} columns. This one has {len(names)}.")
    return names


def _begins_with_bom(file: BinaryIO) -> bool:
    """Of UTF-8. Raises ServiceError for that of UTF-16."""
    file.seek(0)
    head = file.read(len(codecs.BOM_UTF8))
    if head.startswith(UTF_16):
        raise ServiceError("The file is UTF-16 (Unicode text). Save it as “CSV UTF-8”.")
    return head == codecs.BOM_UTF8


def _header_text(line: bytes, lines: Lines) -> str:
    """The header with its further lines, if a cell has line breaks. Raises ServiceError."""
    header = line
    while header.count(b'"') % 2 and len(header) <= MAX_ROW_SIZE:
        line = lines.take()
        header += line
        if not line:
            raise ServiceError(f"The header: {NOT_CLOSED}")
    if len(header) > MAX_ROW_SIZE:
        raise ServiceError(f"The header: {TOO_LONG}")
    try:
        return decoded(header)
    except NotText as error:
        raise ServiceError(f"The header: {error.message}") from None


def _keys(line: bytes) -> list[str]:
    try:
        first = orjson.loads(line)
    except orjson.JSONDecodeError:
        return []
    return list(first)


def _distinct(headers: Iterable[str]) -> list[str]:
    """A column without a name, and a further column of the same name, are named after their place, too."""
    headers = list(headers)
    seen: Counter[str] = Counter()
    distinct = []
    for number, header in enumerate(headers, 1):
        seen[header] += 1
        distinct.append(header if header and seen[header] == 1 else f"{header} {_place(number)}".lstrip())
    return distinct


def _place(number: int) -> str:
    return f"(column {number})"
