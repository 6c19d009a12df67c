"""Filters of lists, under plain titles."""

from django.contrib import admin


def titled(title: str, filter_class: type[admin.FieldListFilter] = admin.BooleanFieldListFilter):
    """The filter class with another title than the name of the column."""

    class TitledFilter(filter_class):  # type: ignore[valid-type, misc]  # a base chosen at run time
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.title = title

    return TitledFilter


class InstalledFilter(admin.SimpleListFilter):
    title = parameter_name = "installed"

    def lookups(self, request, model_admin):
        return [("yes", "Installed"), ("no", "Not installed")]

    def queryset(self, request, queryset):
        if self.value() in ("yes", "no"):
            return queryset.filter(installed_at__isnull=self.value() == "no")
        return queryset


def switch(column: str) -> type[admin.SimpleListFilter]:
    """A filter of a boolean column, in words: active or off."""

    class SwitchFilter(admin.SimpleListFilter):
        title, parameter_name = "state", column

        def lookups(self, request, model_admin):
            return [("yes", "Active"), ("no", "Off")]

        def queryset(self, request, queryset):
            return queryset.filter(**{column: self.value() == "yes"}) if self.value() in ("yes", "no") else queryset

    return SwitchFilter
