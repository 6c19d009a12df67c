"""What was measured, as Markdown, and whether it meets the bars."""

import operator
import os
import platform
from pathlib import Path
from statistics import median
from typing import NamedTuple

import psycopg

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
COMPARISONS = {"≥": operator.ge, "≤": operator.le, "<": operator.lt}


class Bar(NamedTuple):
    """What a number has to be: `Bar("≥", 0.4)`.

    `is_goal`: a rate that depends on the machine as much as on the program. A miss is shown, and changes no exit code.
    """

    comparison: str
    limit: float
    is_goal: bool = False

    def is_met(self, number: float) -> bool:
        return COMPARISONS[self.comparison](number, self.limit)

    def __str__(self):
        return f"{self.comparison} {self.limit:g}"


class Table:
    def __init__(self, *header: str):
        self.lines = [header, ("---", *["--:"] * (len(header) - 1))]
        self.missed: list[str] = []
        self.missed_goals: list[str] = []

    def add(self, title: str, numbers: list[float], form: str, bars: list[Bar | None] | None = None) -> None:
        """A row of `numbers` in the format `form`, each held to its bar where it has one."""
        cells = []
        for column, number, bar in zip(self.lines[0][1:], numbers, bars or [None] * len(numbers), strict=True):
            cell = format(number, form)
            if bar and not bar.is_met(number):
                missed = self.missed_goals if bar.is_goal else self.missed
                missed.append(f"{title}, {column}: {cell}, not {bar}")
                cell = f"**{cell}**"
            cells.append(f"{cell} ({bar})" if bar else cell)
        self.lines.append((title, *cells))

    def add_spread(self, title: str, samples: list[list[float]], form: str) -> None:
        """A row of medians, each with the lowest and the highest sample."""
        cells = [(format(number, form) for number in (median(each), min(each), max(each))) for each in samples]
        self.lines.append((title, *("{} ({} to {})".format(*each) for each in cells)))

    def __str__(self):
        return "\n".join(f"| {' | '.join(line)} |" for line in self.lines)


def describe_machine(database_url: str) -> str:
    with psycopg.connect(database_url) as connection:
        postgresql = connection.info.parameter_status("server_version")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{CORES} cores of {_cpu_model()}, {memory:.0f} GiB, {platform.system()}, Python {platform.python_version()},"
        f" PostgreSQL {postgresql} on the same machine"
    )


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
