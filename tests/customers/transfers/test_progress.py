"""How far a long command has come, as a person at a terminal sees it."""

import io

from customers.transfers.progress import ProgressLine


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_shows_share_rate_and_time_left():
    out = Terminal()

    ProgressLine(out, total=200, position=lambda: 100).show(5_000)

    assert "[###############...............]  50%  5,000 rows, " in out.getvalue()
    assert out.getvalue().endswith(" left")


def test_without_a_size_only_the_rate_is_known():
    out = Terminal()

    ProgressLine(out).show(5_000)

    assert "5,000 rows, " in out.getvalue()
    assert "left" not in out.getvalue()


def test_nothing_is_shown_where_nobody_looks():
    out = io.StringIO()
    line = ProgressLine(out, total=200, position=lambda: 100)

    line.show(5_000)
    line.close()

    assert out.getvalue() == ""
