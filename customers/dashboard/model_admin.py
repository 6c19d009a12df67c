"""What all lists and all pages of objects have in common."""

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.filters import DateFieldListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList

MAX_VALUES = 500  # of all filters: each one makes the query longer


class DashboardList(ChangeList):
    """Refuses what no database can look up, and every lookup of a column that no filter of the list offers. Then Django
    shows the list without filters."""

    def get_filters_params(self, params=None):
        given = super().get_filters_params(params)
        values = [value for several in given.values() for value in several]
        if len(values) > MAX_VALUES or any(map(self.is_refused, values)):
            raise IncorrectLookupParameters
        return given

    def is_refused(self, value: str) -> bool:
        return "\0" in value

    def get_filters(self, request):
        specs, has_filters, others, *more = super().get_filters(request)
        if others:
            raise IncorrectLookupParameters
        return specs, has_filters, others, *more

    def get_results(self, request):
        try:
            super().get_results(request)
        except OverflowError as error:  # SQLite's, for the first and the last day of the calendar
            raise IncorrectLookupParameters from error

    def filter_sections(self) -> list[tuple[str, list[Mapping[str, Any]]]]:
        """The title of each filter, and its choices as Django gives them: first the one that takes the filter away."""
        return [(str(spec.title), list(spec.choices(self))) for spec in self.filter_specs]

    def chosen(self) -> Iterator[tuple[str, str, str]]:
        """The title of each filter in use, what is chosen, and the link that takes it away."""
        for spec, (title, (every, *choices)) in zip(self.filter_specs, self.filter_sections(), strict=True):
            texts = [str(choice["display"]) for choice in choices if choice["selected"]]
            if not texts and isinstance(spec, DateFieldListFilter) and spec.date_params:  # other days, by a link
                texts = [" – ".join(value[:10] for _, value in sorted(spec.date_params.items()))]
            for text in texts:
                yield title, text, every["query_string"]


class DashboardAdmin(admin.ModelAdmin):
    actions = None  # only customers have actions on many; other objects are deleted one by one, on their pages

    @property
    def media(self):
        """Without jQuery and what needs it: no page has pop-ups of related objects or prepopulated fields."""
        return forms.Media()

    def get_changelist(self, request, **options):
        return DashboardList
