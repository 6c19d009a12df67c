"""Columns that are computed in Python from other columns of the row: both databases have the same, whatever their
locale, and an index of any kind serves them."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

from django.db import models

from oauth.text import fold

_fold = lru_cache(maxsize=8192)(fold)  # many people share names, cities and tags


class ComputedField(models.TextField):
    """It is written whenever one of its `sources` is: by `ComputedModel.save`, by `ComputedQuerySet`, and by the INSERT
    statements of `customers.insertion`. SQL that writes around them has to write it, too.

    Subclasses implement `computed`.
    """

    def __init__(self, *sources: str, **options: Any):
        self.sources = sources
        super().__init__(**{**options, "editable": False})

    def deconstruct(self):
        name, path, _, options = super().deconstruct()
        del options["editable"]
        return name, path, self.sources, options

    def computed(self, row: Mapping[str, Any]) -> str | None:
        """The value for the sources that `row` has; the others are empty."""
        raise NotImplementedError

    def computed_for_all(self, rows: Sequence[Mapping[str, Any]]) -> list[str | None]:
        """`computed` for each of many rows."""
        return [self.computed(row) for row in rows]

    def pre_save(self, model_instance, add):
        value = self.computed({name: getattr(model_instance, name) for name in self.sources})
        setattr(model_instance, self.attname, value)
        return value


class FoldedField(ComputedField):
    """The sources as searches compare them (`fold`), with a separator between those that are not empty."""

    def __init__(self, *sources: str, separator: str = " ", **options: Any):
        self.separator = separator
        super().__init__(*sources, **{**options, "default": "", "db_default": ""})

    def deconstruct(self):
        name, path, sources, options = super().deconstruct()
        del options["default"], options["db_default"]
        return name, path, sources, options | ({} if self.separator == " " else {"separator": self.separator})

    def computed(self, row):
        if len(self.sources) == 1:
            return _fold(row.get(self.sources[0]) or "")
        return self._folded([row.get(name) for name in self.sources])

    def computed_for_all(self, rows):
        """Faster by columns than by rows."""
        columns = [[row.get(name) or "" for row in rows] for name in self.sources]
        if len(columns) > 1 and self.separator == " ":
            joined = map(" ".join, zip(*columns, strict=True))
            return [
                fold(text) if text.isascii() else self.computed(row) for text, row in zip(joined, rows, strict=True)
            ]
        columns = [_folded_once(column) for column in columns]
        if len(columns) == 1:
            return columns[0]
        return [self.separator.join(filter(None, texts)) for texts in zip(*columns, strict=True)]

    def _folded(self, texts: Sequence[str | None]) -> str:
        if self.separator == " " and (joined := " ".join(filter(None, texts))).isascii():
            return fold(joined)  # the same, since white space becomes single spaces
        return self.separator.join(filter(None, map(_fold, filter(None, texts))))


def _folded_once(column: Sequence[str]) -> list[str]:
    folded = {text: fold(text) for text in set(column)}
    return [folded[text] for text in column]


def computed_fields(model: type[models.Model], columns: Iterable[str] | None = None) -> list[ComputedField]:
    """Those that are computed from some of these columns; all of them by default."""
    fields = _computed_fields(model)
    return fields if columns is None else [field for field in fields if not set(columns).isdisjoint(field.sources)]


@cache
def _computed_fields(model: type[models.Model]) -> list[ComputedField]:
    return [field for field in model._meta.concrete_fields if isinstance(field, ComputedField)]


def computed_columns(model: type[models.Model], row: Mapping[str, Any]) -> dict[str, str | None]:
    """The computed columns of a new row, by name."""
    return {field.attname: field.computed(row) for field in computed_fields(model)}


class ComputedQuerySet(models.QuerySet):
    def with_part(self, column: str, text: str):
        """Rows whose folded column contains `text`. None if nothing is left of it, as of an apostrophe alone."""
        folded = fold(text)
        return self.filter(**{f"{column}__contains": folded}) if folded else self.none()

    def bulk_update(self, objs, fields, batch_size=None):
        objs, computed = list(objs), computed_fields(self.model, fields)
        for field in computed:
            for instance in objs:
                field.pre_save(instance, add=False)
        return super().bulk_update(objs, {*fields, *(field.name for field in computed)}, batch_size)

    def update(self, **values):
        """Raises TypeError for the source of a computed column, whose new value depends on the row."""
        for field in computed_fields(self.model, values):
            if field.name not in values:
                raise TypeError(f"Use bulk_update: {field.name} is computed from {', '.join(field.sources)}.")
        return super().update(**values)


class ComputedModel(models.Model):
    objects = ComputedQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *, update_fields: Iterable[str] | None = None, **options: Any) -> None:
        if update_fields is not None:
            computed = computed_fields(type(self), update_fields)
            update_fields = {*update_fields, *(field.name for field in computed)}
        super().save(update_fields=update_fields, **options)
