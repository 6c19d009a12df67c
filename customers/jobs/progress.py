"""The progress of a job as text, and as one line of a terminal."""

import gc
import sys
from typing import TextIO

from customers.jobs.models import Job

OBJECTS_BETWEEN_COLLECTIONS = 50_000
SWITCH_INTERVAL = 0.000_5  # seconds
WIDTH = 30  # characters of the bar


def progress_text(job: Job) -> str:
    text = f"{job.customers:,} customers, {job.rate:,.0f} per second"
    left = job.seconds_left
    return f"{text}, {left // 60}:{left % 60:02} left" if job.done and not job.finished_at else text


def prepare_for_many_rows() -> None:
    """For a command. The program itself is no garbage, and of the rows hardly anything is: looking for it after every
    700 objects takes a sixth of an import's time, and looking at the program as much.

    A thread that got an answer of the database would wait up to 5 ms for one that reads the file."""
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    sys.setswitchinterval(SWITCH_INTERVAL)


class ProgressLine:
    """Silent unless `out` is a terminal."""

    def __init__(self, out: TextIO):
        self.out = out if out.isatty() else None

    def show(self, job: Job) -> None:
        if self.out:
            bar = ("#" * int(job.done * WIDTH)).ljust(WIDTH, ".")
            done = f"[{bar}] {job.done:4.0%}  " if job.total else ""  # the total may be unknown
            self.out.write(f"\r\033[K{done}{progress_text(job)}")
            self.out.flush()

    def close(self) -> None:
        if self.out:
            self.out.write("\n")
