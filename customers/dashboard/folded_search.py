"""Searches of lists in folded columns."""

from customers.dashboard.model_admin import DashboardAdmin
from oauth.text import fold


class FoldedSearchAdmin(DashboardAdmin):
    """`search_fields` are folded columns, or others whose lookup ignores case."""

    def get_search_results(self, request, queryset, search_term):
        folded = fold(search_term)
        if search_term.strip() and not folded:
            return queryset.none(), False
        return super().get_search_results(request, queryset, folded)


class FoldedSearchOfFewAdmin(DashboardAdmin):
    """Searches a table of few rows, whose `search_fields` are columns of text: they are folded here, in Python."""

    def get_search_results(self, request, queryset, search_term):
        if not search_term.strip():
            return queryset, False
        words = fold(search_term).split()
        found = [
            pk
            for pk, *texts in queryset.values_list("pk", *self.search_fields)
            if words and all(any(word in text for text in map(fold, texts)) for word in words)
        ]
        return queryset.filter(pk__in=found), False
