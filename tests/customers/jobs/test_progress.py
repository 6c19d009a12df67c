"""How far a long command has come, as a person at a terminal sees it."""

import io

from customers.jobs.models import Job
from customers.jobs.progress import ProgressLine


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_shows_share_rate_and_time_left():
    out = Terminal()

    ProgressLine(out).show(Job(kind="import", total=200, position=100, created=4_000, refused=1_000, seconds=10))

    assert out.getvalue().endswith("[###############...............]  50%  5,000 customers, 500 a second, 0:10 left")


def test_nothing_is_known_before_the_first_step():
    out = Terminal()

    ProgressLine(out).show(Job(kind="export", total=200))

    assert out.getvalue().endswith("0%  0 customers, 0 a second")


def test_nothing_is_shown_where_nobody_looks():
    out = io.StringIO()
    line = ProgressLine(out)

    line.show(Job(kind="export", total=200, position=100, seconds=1))
    line.close()

    assert out.getvalue() == ""
