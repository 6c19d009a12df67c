"""The lines of a file, as bytes, in constant memory."""

from typing import BinaryIO, NamedTuple

MAX_ROW_SIZE = 4 * 2**20  # bytes, of a row and of each of its lines; the API takes a quarter of it for a customer


class Position(NamedTuple):
    """How many lines and bytes were read."""

    lines: int
    bytes: int


NOTHING_READ = Position(0, 0)


class Lines:
    """Reads a file from any position on. `position` is where the next line begins."""

    def __init__(self, file: BinaryIO, start: Position = NOTHING_READ):
        self._file = file
        self.position = start
        self.rewind(start)

    def take(self) -> bytes:
        """The next line with its line break, and b"" at the end of the file.

        Of a line of more than MAX_ROW_SIZE bytes, the first MAX_ROW_SIZE + 1 are returned, and the rest is skipped.
        """
        line = self._file.readline(MAX_ROW_SIZE + 1)
        size = len(line)
        if size > MAX_ROW_SIZE:
            rest = line
            while rest and not rest.endswith(b"\n"):
                rest = self._file.readline(MAX_ROW_SIZE)
                size += len(rest)
        if line:
            self.position = Position(self.position.lines + 1, self.position.bytes + size)
        return line

    def rewind(self, position: Position) -> None:
        self.position = position
        self._file.seek(position.bytes)
