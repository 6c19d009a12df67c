"""Short labels of a state, in the cells of a list and on the page of an object."""

from django.utils.html import format_html
from django.utils.safestring import SafeString


def chip(text: str | SafeString, kind: str = "neutral") -> SafeString:
    """`kind`: good, warning, danger or neutral; the classes are in dashboard.css."""
    return format_html('<span class="chip is-{}">{}</span>', kind, text)
