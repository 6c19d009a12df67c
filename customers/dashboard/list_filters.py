"""Filters of lists, under plain titles."""

from django.contrib import admin
from django.db.models import Q


def titled(title: str, filter_class: type[admin.FieldListFilter] = admin.BooleanFieldListFilter):
    """The filter class with another title than the name of the column."""

    class TitledFilter(filter_class):  # type: ignore[valid-type, misc]  # a base chosen at run time
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.title = title

    return TitledFilter


class YesOrNoFilter(admin.SimpleListFilter):
    """A filter with two choices. `condition(is_yes)` gives the condition of each as a Q object."""

    yes, no = "Yes", "No"

    def lookups(self, request, model_admin):
        return [("yes", self.yes), ("no", self.no)]

    def queryset(self, request, queryset):
        return queryset.filter(self.condition(self.value() == "yes")) if self.value() in ("yes", "no") else queryset

    def condition(self, is_yes: bool) -> Q:
        raise NotImplementedError


class InstalledFilter(YesOrNoFilter):
    title = parameter_name = "installed"
    yes, no = "Installed", "Not installed"

    def condition(self, is_yes):
        return Q(installed_at__isnull=not is_yes)


def switch(column: str) -> type[admin.SimpleListFilter]:
    """A filter of a boolean column, in words: active or off."""

    class SwitchFilter(YesOrNoFilter):
        title, parameter_name = "state", column
        yes, no = "Active", "Off"

        def condition(self, is_yes):
            return Q(**{column: is_yes})

    return SwitchFilter
