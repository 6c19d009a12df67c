"""One line that tells how far a long command has come, on a terminal."""

import time
from collections.abc import Callable
from typing import TextIO

WIDTH = 30


class ProgressLine:
    """`position()` of `total` is done. Without them only the number is shown; not on a terminal, nothing."""

    def __init__(self, out: TextIO, *, total: int | None = None, position: Callable[[], int] | None = None):
        self.out = out if out.isatty() else None
        self.total = total
        self.position = position
        self.start = time.monotonic()

    def show(self, rows: int) -> None:
        if not self.out:
            return
        seconds = time.monotonic() - self.start
        text = f"{rows:,} rows, {rows / seconds:,.0f}/s"
        if self.total and self.position and (done := min(self.position() / self.total, 1)):
            left = int(seconds / done - seconds)
            bar = ("#" * int(done * WIDTH)).ljust(WIDTH, ".")
            text = f"[{bar}] {done:4.0%}  {text}, {left // 60}:{left % 60:02} left"
        self.out.write(f"\r\033[K{text}")
        self.out.flush()

    def close(self) -> None:
        if self.out:
            self.out.write("\n")
