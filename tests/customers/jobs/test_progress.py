"""The progress of a long command, as a person at a terminal sees it."""

import io

import pytest

from customers.jobs.models import Job
from customers.jobs.progress import ProgressLine

pytestmark = pytest.mark.once


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_line_shows_share_rate_and_time_left():
    out = Terminal()

    ProgressLine(out).show(Job(kind="import", total=200, position=100, created=4_000, rejected=1_000, seconds=10))

    assert out.getvalue().endswith("[###############...............]  50%  5,000 customers, 500 per second, 0:10 left")


def test_progress_line_before_the_first_step_shows_zero():
    out = Terminal()

    ProgressLine(out).show(Job(kind="export", total=200))

    assert out.getvalue().endswith("0%  0 customers, 0 per second")


def test_progress_line_is_silent_without_a_terminal():
    out = io.StringIO()
    line = ProgressLine(out)

    line.show(Job(kind="export", total=200, position=100, seconds=1))
    line.close()

    assert out.getvalue() == ""
