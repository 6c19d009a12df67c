"""Searches of lists in folded columns."""

from django.contrib import admin

from oauth.text import fold


class FoldedSearchAdmin(admin.ModelAdmin):
    """`search_fields` are folded columns, or others whose lookup ignores case."""

    def get_search_results(self, request, queryset, search_term):
        folded = fold(search_term)
        if search_term.strip() and not folded:
            return queryset.none(), False
        return super().get_search_results(request, queryset, folded)
