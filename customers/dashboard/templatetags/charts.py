"""Charts as SVG. A table has the exact numbers, also for screen readers; a script shows them at the columns."""

from collections.abc import Sequence
from typing import Any

from django import template

from customers.dashboard.home_numbers import Column

register = template.Library()

GAP = 0.25  # between two columns, as a fraction of their width
MAX_LABELS = 6  # below the columns
STEPS = (1, 2, 5, 10)


@register.inclusion_tag("dashboard/charts/columns.html")
def columns(name: str, title: str, of: str, drawn: Sequence[Column]) -> dict[str, Any]:
    """A column chart over time. `name` is an id on the page; `of` names what is counted."""
    ticks = ticks_up_to(max((column["number"] for column in drawn), default=0))
    width, every = 100 / max(len(drawn), 1), -(-len(drawn) // MAX_LABELS)
    return {
        "name": name,
        "title": title,
        "of": of,
        "ticks": [(f"{100 - 100 * tick / ticks[-1]:.2f}", _short(tick)) for tick in ticks],
        "columns": [
            {
                "column": column,
                "slot": f"{place * width:.2f}",
                "slot_width": f"{width:.2f}",
                "x": f"{(place + GAP / 2) * width:.2f}",
                "width": f"{width * (1 - GAP):.2f}",
                "middle": f"{(place + 0.5) * width:.2f}",
                "y": f"{100 - 100 * column['number'] / ticks[-1]:.2f}",
                "height": f"{100 * column['number'] / ticks[-1]:.2f}",
                "is_labelled": (len(drawn) - 1 - place) % every == 0,
                "is_last": place == len(drawn) - 1,
            }
            for place, column in enumerate(drawn)
        ],
    }


@register.inclusion_tag("dashboard/charts/bars.html")
def bars(title: str, numbers: Sequence[tuple[str, int, str]], of: str) -> dict[str, Any]:
    """A bar chart of the parts of a whole: one bar per label, number and URL (or ""). `of` names what is counted."""
    total, highest = sum(number for _, number, _ in numbers), max((number for _, number, _ in numbers), default=0)
    drawn = [
        {"label": label, "number": f"{number:,}", "share": f"{100 * number / total:.0f}", "url": url,
         "width": f"{100 * number / highest:.1f}"}
        for label, number, url in numbers if number
    ]  # fmt: skip
    return {"title": title, "bars": drawn, "of": of}


def ticks_up_to(highest: float) -> list[float]:
    """Round numbers from 0 to at least `highest`: at most five, whole ones."""
    size = 1
    while highest > size * 4 * STEPS[-1]:
        size *= 10
    step = next(size * each for each in STEPS if highest <= size * each * 4)
    return [step * place for place in range(max(-(-int(highest + 0.999) // step), 1) + 1)]


def _short(number: float) -> str:
    """1,500 as 1.5k."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            return f"{number / size:g}{letter}"
    return f"{number:g}"
