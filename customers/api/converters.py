"""Path converters of the Admin API's URLs."""

from django.urls import register_converter
from django.urls.converters import IntConverter


class IdConverter(IntConverter):
    regex = "[0-9]{1,18}"  # every such number fits an id column


register_converter(IdConverter, "id")
