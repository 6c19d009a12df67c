"""Queries whose SQL is compiled once.

For each call the ORM compiles a statement again, which takes longer than the database takes to answer. Queries that
every request needs are therefore compiled once and kept.
"""

import threading
from collections.abc import Callable
from typing import Any

import orjson
from django.db import connection
from django.db.models import JSONField, QuerySet

from oauth.replica import reads_from
from oauth.statements import fetch_rows


def _load_json(value, expression, connection):
    return value and orjson.loads(value)


def _keep_json(value, expression, connection):
    return value and orjson.Fragment(value)


class PreparedQuery:
    """Rows, as dictionaries, of the `.values()` queryset that `build` returns for any number of ids.

        addresses = PreparedQuery(lambda *ids: Address.objects.filter(user_id__in=ids).values("line1"))
        addresses(1, 2) == list(Address.objects.filter(user_id__in=(1, 2)).values("line1"))

    All other parameters of the statement keep the values that they had when it was compiled.

    With `keeps_json` a value of JSON is an `orjson.Fragment`, which orjson writes as the database has written it. To
    parse it and to write it again takes 4 % of the CPU time of a page.
    """

    def __init__(self, build: Callable[..., QuerySet], *, keeps_json: bool = False):
        self.build = build
        self._read_json = _keep_json if keeps_json else _load_json
        self._local = threading.local()  # a compiler belongs to the connection, and so to the thread

    def __call__(self, *ids: int) -> list[dict[str, Any]]:
        names, sql, params, compiler, converters = self._statement(len(ids))
        values = [ids[param] if param in range(-len(ids), 0) else param for param in params]
        rows = fetch_rows(sql, values, using=reads_from())
        return [dict(zip(names, row, strict=True)) for row in compiler.apply_converters(rows, converters)]

    def _statement(self, number_of_ids: int):
        statements: dict[Any, Any] = self._local.__dict__
        if number_of_ids not in statements:
            placeholders = tuple(range(-number_of_ids, 0))
            queryset: Any = self.build(*placeholders)
            compiler = queryset.query.get_compiler(connection=connection)
            sql, params = compiler.as_sql()
            converters = compiler.get_converters([expression for expression, _, _ in compiler.select])
            for position, (expression, _, _) in enumerate(compiler.select):
                if isinstance(expression.output_field, JSONField):
                    converters[position] = ([self._read_json], expression)
            statements[number_of_ids] = (list(queryset.query.selected), sql, params, compiler, converters)
        return statements[number_of_ids]
