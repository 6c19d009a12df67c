"""The store owner's dashboard: the Django admin site, made for customers. Services make every change to a customer."""

from django.contrib import admin
from django.contrib.admin.views.main import SEARCH_VAR, ChangeList, ChangeListSearchForm

from customers.limits import shortened_search

admin.site.site_header = admin.site.site_title = "Store"
admin.site.index_title = "Dashboard"
admin.site.site_url = None
admin.site.enable_nav_sidebar = False  # templates/admin/base_site.html has the sections in its header


class SearchForm(ChangeListSearchForm):
    """Ignores the words that are too many: each one makes the query longer."""

    def clean(self):
        if text := self.cleaned_data.get(SEARCH_VAR):
            self.cleaned_data[SEARCH_VAR] = shortened_search(text)


ChangeList.search_form_class = SearchForm  # of every list


def site_names() -> dict[str, str]:
    """For pages outside the admin site that extend its templates."""
    return {"site_header": str(admin.site.site_header), "site_title": str(admin.site.site_title)}
