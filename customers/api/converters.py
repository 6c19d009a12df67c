"""Path converters of the Admin API's URLs."""

from django.urls.converters import IntConverter, StringConverter


class IdConverter(IntConverter):
    regex = "[0-9]{1,18}"  # every such number fits an id column


class NumberConverter(StringConverter):
    """The number of an order: any text without NUL, which PostgreSQL can't compare with a column."""

    regex = r"[^/\0]+"
