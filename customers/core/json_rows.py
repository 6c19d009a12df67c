"""Rows of a related table within a row: one statement reads objects and what they contain."""

from typing import Any

from django.db import models


class JSONRows(models.Func):
    """A list of JSON: the rows whose column `owner` is the expression, oldest first, as objects with `columns`.

        User.objects.annotate(cities=JSONRows("pk", owner=Address._meta.get_field("user"), columns=("id", "line4")))

    On both databases booleans are true or false, and times are texts of ISO 8601 in UTC. The statement has
    only the names of columns, so Django compiles it fast.
    """

    output_field = models.JSONField()
    rows = "(SELECT {names} FROM {table} WHERE {owner} = %(expressions)s ORDER BY id) part"

    def __init__(self, *expressions: Any, owner: Any, columns: tuple[str, ...]):
        self.fields: list[Any] = [owner.model._meta.get_field(name) for name in columns]
        names = ", ".join(field.column for field in self.fields)
        self.rows = self.rows.format(names=names, table=owner.model._meta.db_table, owner=owner.column)
        super().__init__(*expressions)

    def as_postgresql(self, compiler, connection, **context):
        # As text: the driver would parse a JSON value itself, and slowly.
        # The SQL contains no value, only names of the models' tables and columns.
        template = f"COALESCE((SELECT json_agg(part) FROM {self.rows})::text, '[]')"  # noqa: S608  names of models
        return self.as_sql(compiler, connection, template=template, **context)

    def as_sqlite(self, compiler, connection, **context):
        # The SQL contains no value, only names of the models' tables and columns.
        pairs = ", ".join(f"'{field.column}', {_in_json(field)}" for field in self.fields)
        template = f"(SELECT json_group_array(json_object({pairs})) FROM {self.rows})"  # noqa: S608  names of models
        return self.as_sql(compiler, connection, template=template, **context)


def _in_json(field: Any) -> str:
    """The value of a column in JSON. SQLite keeps booleans as numbers, and times without an offset."""
    if isinstance(field, models.BooleanField):
        return f"json(CASE {field.column} WHEN 1 THEN 'true' WHEN 0 THEN 'false' ELSE 'null' END)"
    if isinstance(field, models.DateTimeField):
        return f"replace({field.column}, ' ', 'T') || '+00:00'"
    return field.column
