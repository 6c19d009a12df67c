"""Rows of a table as JSON values, to insert the same rows again later."""

import json
from typing import Any

from django.db.models import Field, Model

from customers.core.computed import ComputedField


def stored_fields(model: type[Model]) -> list[Field]:
    """The columns of a row that no other column decides."""
    return [field for field in model._meta.concrete_fields if not (field.generated or isinstance(field, ComputedField))]


def as_json(value: Any) -> Any:
    """A value of a column. Dates and decimals are texts, which `Field.to_python` reads back without a loss."""
    return json.loads(json.dumps(value, default=str))


def row_as_json(row: Model) -> dict[str, Any]:
    return {field.attname: as_json(getattr(row, field.attname)) for field in stored_fields(type(row))}


def row_from_json(model: type[Model], values: dict[str, Any]) -> Any:
    """The row, which is not saved. Columns that are new since then get their defaults."""
    fields = {field.attname: field for field in stored_fields(model)}
    return model(**{name: fields[name].to_python(value) for name, value in values.items() if name in fields})
