"""CSV as RFC 4180 has it, with any delimiter: a quotation mark encloses a whole cell, and is doubled within the cell.

The module `csv` of the standard library accepts a quotation mark in other places, even if it is strict. So a missing
one would make a cell of all rows up to the next one.
"""

import csv
import re

from customers.jobs.imports.lines import MAX_ROW_SIZE, Lines
from oauth.errors import ServiceError

NOT_CLOSED = "A quotation mark is not closed."
MISPLACED = (
    "A quotation mark is missing or misplaced: it has to enclose a whole cell, and to be doubled within the cell."
)
TOO_LONG = f"The row is longer than {MAX_ROW_SIZE:,} bytes."
NOT_UTF_8 = "This is not UTF-8, but probably Windows-1252 (ANSI). Save the file as “CSV UTF-8”."
HAS_NUL = "This is not plain text: there are NUL characters. Is it UTF-16? Save it as “CSV UTF-8”."


class Grammar:
    """What is a row, if this is the delimiter."""

    def __init__(self, delimiter: str):
        self.delimiter = delimiter
        quoted = '"[^"]*+(?:""[^"]*+)*+'
        cell = rf'(?:{quoted}"|[^"\r\n{re.escape(delimiter)}]*+)'
        further = f"(?:{cell}{re.escape(delimiter)})*+"
        self._row = re.compile(rf"{further}{cell}\r?\n?")
        self._open_row = re.compile(further + quoted)
        # One reader for all rows, which takes the next one from a list: to make a reader takes longer than to read.
        self._next_row: list[str] = []
        self._reader = csv.reader(iter(self._next_row.pop, None), delimiter=delimiter, strict=True)

    def is_open(self, text: str) -> bool:
        """Whether the text is the beginning of a row, and ends within a quoted cell."""
        return self._open_row.fullmatch(text) is not None

    def cells(self, row: str) -> list[str]:
        """Raises ServiceError for text that is not a row."""
        if '"' not in row and "\r" not in (line := row.removesuffix("\n").removesuffix("\r")):
            return line.split(self.delimiter)
        if not self._row.fullmatch(row):
            raise ServiceError(MISPLACED if '"' in row else "A line break (CR) has to be within quotation marks.")
        self._next_row.append(row)
        try:
            return next(self._reader)
        except csv.Error as error:
            raise ServiceError(f"{str(error).capitalize()}.") from None

    def guessed_cells(self, text: str) -> list[str]:
        """The cells that a spreadsheet would show, if the text is no row."""
        try:
            return next(csv.reader([text], delimiter=self.delimiter), [])
        except csv.Error:
            return [text.rstrip("\r\n")]


def take_row(lines: Lines, grammar: Grammar) -> tuple[list[str], ServiceError | None] | None:
    """The cells of the next row, and why it is invalid. None at the end of the file.

    Of a row that is not closed, or where quotation marks are misplaced, only the first line is taken: the rows behind
    it are found again. Its cells are guessed.
    """
    row = first = lines.take()
    if not first:
        return None
    after_first = lines.position
    try:
        row = _with_further_lines(first, lines, grammar)
        return grammar.cells(decoded(row)), None
    except NotText as error:
        return grammar.guessed_cells(readable(row)), error
    except ServiceError as error:
        lines.rewind(after_first)
        return grammar.guessed_cells(readable(first)), error


class NotText(ServiceError):
    code = "not_text"


def decoded(text: bytes) -> str:
    """Raises NotText."""
    if b"\0" in text:
        raise NotText(HAS_NUL)
    try:
        return text.decode()
    except UnicodeDecodeError:
        raise NotText(NOT_UTF_8) from None


def readable(text: bytes) -> str:
    """Text that any database can keep: where it is not UTF-8, it is read as Windows-1252."""
    try:
        return text.decode().replace("\0", "\ufffd")
    except UnicodeDecodeError:
        return text.decode("cp1252", errors="replace").replace("\0", "\ufffd")


def _with_further_lines(first: bytes, lines: Lines, grammar: Grammar) -> bytes:
    """The whole row that begins with this line. Raises ServiceError."""
    if len(first) > MAX_ROW_SIZE:
        raise ServiceError(TOO_LONG)
    row, size, quotes = [first], len(first), first.count(b'"')
    if quotes % 2 and not grammar.is_open(readable(first)):
        raise ServiceError(MISPLACED)
    while quotes % 2:
        line = lines.take()
        size += len(line)
        if not line or size > MAX_ROW_SIZE:
            raise ServiceError(NOT_CLOSED)
        row.append(line)
        quotes += line.count(b'"')
    return b"".join(row)
