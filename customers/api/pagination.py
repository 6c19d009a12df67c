"""Keyset pagination: a page stays the same while rows are inserted before it."""

import base64
import json
import re
from datetime import UTC, datetime

import orjson
from django.db.models import Q
from rest_framework.exceptions import NotFound
from rest_framework.pagination import BasePagination
from rest_framework.utils.urls import replace_query_param

from customers.api.renderers import JSONAnswer

DEFAULT_SIZE = 20
MAX_SIZE = 250
AFTER, BEFORE = "a", "b"


class KeysetPagination(BasePagination):
    """`{next, previous, results}`, newest first. `page_size`, or `limit` as some clients send, may be up to 250.

    A page is read from the index over `keys`. The last key is unique, so that rows may have equal first keys.
    """

    keys: tuple[str, ...] = ("id",)

    def paginate_queryset(self, queryset, request, view=None):
        self.request = request
        size = self._size()
        direction, position = self._read_cursor()
        backwards = direction == BEFORE
        if position:
            queryset = queryset.filter(self._beyond(position, "gt" if backwards else "lt"))
        rows = self.read(queryset, size + 1, backwards)
        more, rows = len(rows) > size, rows[:size]
        if backwards:
            rows.reverse()
        self.next = self._link(AFTER, rows[-1]) if rows and (more or backwards) else None
        self.previous = self._link(BEFORE, rows[0]) if rows and (more if backwards else position) else None
        return rows

    def get_paginated_response(self, data):
        return JSONAnswer({"next": self.next, "previous": self.previous, "results": data})

    def read(self, queryset, limit: int, backwards: bool) -> list:
        return list(queryset.order_by(*(key if backwards else f"-{key}" for key in self.keys))[:limit])

    def _size(self) -> int:
        for name in ("page_size", "limit"):
            text = self.request.query_params.get(name, "")
            if re.fullmatch("0*[1-9][0-9]*", text):
                return min(int(text.lstrip("0")[:9]), MAX_SIZE)
        return DEFAULT_SIZE

    def _beyond(self, position: list, comparison: str) -> Q:
        """The rows beyond `position`. With two keys, the first limits the index scan, and the second breaks ties."""
        *first, last = zip(self.keys, position, strict=True)
        condition = Q((f"{last[0]}__{comparison}", last[1]))
        for key, value in first:
            condition = Q((f"{key}__{comparison}e", value)) & (Q((f"{key}__{comparison}", value)) | condition)
        return condition

    def _link(self, direction: str, row) -> str:
        position = [row[key] if isinstance(row, dict) else getattr(row, key) for key in self.keys]
        cursor = base64.urlsafe_b64encode(orjson.dumps([direction, *position])).decode().rstrip("=")
        if not self.request.META.get("QUERY_STRING"):  # as most often: without parsing the address
            return f"{self.request.scheme}://{self.request.get_host()}{self.request.get_full_path()}?cursor={cursor}"
        return replace_query_param(self.request.build_absolute_uri(), "cursor", cursor)

    def _read_cursor(self) -> tuple[str, list]:
        cursor = self.request.query_params.get("cursor")
        if not cursor:
            return AFTER, []
        try:
            direction, *dates, number = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
            datetimes = [datetime.fromisoformat(date).astimezone(UTC) for date in dates]
            is_valid = direction in (AFTER, BEFORE) and len(datetimes) + 1 == len(self.keys)
            if not is_valid:
                raise ValueError
            position = [*datetimes, int(number)]
        except (ValueError, TypeError, RecursionError, OverflowError):
            raise NotFound("Invalid cursor.") from None
        return direction, position

    def get_paginated_response_schema(self, schema):
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["results"],
            "properties": {"next": link, "previous": link, "results": schema},
        }

    def get_schema_operation_parameters(self, view):
        description = "The start of the page. Take it from `next` or `previous` of another page."
        return [
            {
                "name": "cursor",
                "in": "query",
                "required": False,
                "description": description,
                "schema": {"type": "string"},
            }
        ]
