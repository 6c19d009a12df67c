"""Charts as SVG, without a script. A table has the exact numbers, also for screen readers."""

from collections.abc import Sequence
from typing import Any

from django import template

register = template.Library()

WIDTH, HEIGHT = 600, 120  # the coordinates of the drawing; CSS sets its size
GAP = 0.2  # between two columns, as a fraction of their width


@register.inclusion_tag("dashboard/charts/columns.html")
def columns(title: str, numbers: Sequence[tuple[str, int]]) -> dict[str, Any]:
    """A column chart over time: one column per pair of label and number."""
    highest = max((number for _, number in numbers), default=0)
    width = WIDTH / max(len(numbers), 1)
    drawn = [
        {"label": label, "number": f"{number:,}", "x": f"{position * width + width * GAP / 2:.1f}",
         "width": f"{width * (1 - GAP):.1f}", **_column(number, highest)}
        for position, (label, number) in enumerate(numbers)
    ]  # fmt: skip
    total = sum(number for _, number in numbers)
    return {"title": title, "columns": drawn, "highest": f"{highest:,}", "total": f"{total:,}",
            "box": f"0 0 {WIDTH} {HEIGHT}"}  # fmt: skip


@register.inclusion_tag("dashboard/charts/bars.html")
def bars(title: str, numbers: Sequence[tuple[str, int]], of: str) -> dict[str, Any]:
    """A bar chart of the parts of a whole: one bar per pair of label and number. `of` names what is counted."""
    total, highest = sum(number for _, number in numbers), max((number for _, number in numbers), default=0)
    drawn = [
        {"label": label, "number": f"{number:,}", "share": f"{100 * number / total:.0f}",
         "width": f"{100 * number / highest:.1f}"}
        for label, number in numbers if number
    ]  # fmt: skip
    return {"title": title, "bars": drawn, "of": of}


def _column(number: int, highest: int) -> dict[str, str]:
    height = HEIGHT * number / highest if highest else 0
    return {"y": f"{HEIGHT - height:.1f}", "height": f"{height:.1f}"}
