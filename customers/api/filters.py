"""Filters of lists by query parameters."""

from typing import Any

from rest_framework import serializers
from rest_framework.filters import BaseFilterBackend

from customers.api.fields import SharedFieldsSerializer
from customers.limits import MAX_SEARCH_LENGTH, SearchTooLong


def query_params(request, parameters: type[SharedFieldsSerializer]) -> dict[str, Any]:
    """The validated values of the query parameters that `parameters` declares as fields.

    Empty and unknown parameters are ignored. The last value of a repeated parameter counts, unless its field is a list.
    Raises ValidationError, SearchTooLong.
    """
    if not request.query_params:
        return {}
    given = {
        name: values if isinstance(field, serializers.ListField) else values[-1]
        for name, field in parameters._declared_fields.items()
        if (values := [value for value in request.query_params.getlist(name) if value.strip()])
    }
    if not given:
        return {}
    for name, value in given.items():
        if isinstance(value, str) and len(value) > MAX_SEARCH_LENGTH:
            raise SearchTooLong(name)
    return parameters.shared().run_validation(given)


def filter_by_name(queryset: Any, text: str):
    """Rows whose name contains the text, as `oauth.text.fold` compares."""
    return queryset.with_part("search_name", text)


class FilterBackend(BaseFilterBackend):
    """Filters by the query parameters that a viewset declares.

    `filter_parameters` is a serializer with a field for each parameter. `filter_lookups` holds what a parameter means:
    a lookup of the ORM, or a function of the queryset and the value. Without an entry, the parameter is the name of a
    column.
    """

    def filter_queryset(self, request, queryset, view):
        for name, value in query_params(request, view.filter_parameters).items():
            lookup = view.filter_lookups.get(name, name)
            queryset = lookup(queryset, value) if callable(lookup) else queryset.filter(**{lookup: value})
        return queryset
