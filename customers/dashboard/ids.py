"""Ids that a browser sends as texts."""

MAX_ID_DIGITS = 18  # every such number fits an id column


def is_id(text: str) -> bool:
    """Whether an id column can be searched for it: SQLite raises an error for a larger number."""
    return text.isdecimal() and len(text) <= MAX_ID_DIGITS
