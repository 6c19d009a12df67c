"""The store owner's dashboard: the Django admin site, made for customers. Services make every change to a customer."""

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.views.main import SEARCH_VAR, ChangeList, ChangeListSearchForm
from django.db import DatabaseError
from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import path
from django.utils.functional import SimpleLazyObject

from customers.dashboard import navigation
from customers.dashboard.replica_pages import records_writes
from customers.limits import shortened_search
from oauth import replica

DEFAULT_NAME = "Store"


class DashboardSite(AdminSite):
    """`django.contrib.admin.site`. Its pages have the store's name, and places in groups instead of Django's apps."""

    site_header = site_title = DEFAULT_NAME
    index_title = "Home"
    site_url = None
    enable_nav_sidebar = False  # templates/admin/base_site.html has a sidebar of its own

    def admin_view(self, view, cacheable=False):
        return super().admin_view(records_writes(view) if replica.IS_CONFIGURED else view, cacheable)

    def get_app_list(self, request, app_label=None):
        return navigation.grouped(super().get_app_list(request, app_label), request)

    def each_context(self, request):
        from customers.store.services import get_details  # the site is made before there are models

        details: Any = SimpleLazyObject(get_details)
        return {
            **super().each_context(request),
            "store": details,
            "site_header": SimpleLazyObject(lambda: details.name),
            "site_title": SimpleLazyObject(lambda: details.name),
        }

    def get_urls(self):
        from customers.dashboard.search import search
        from customers.dashboard.store import logo

        return [
            path("search/", self.admin_view(search), name="search"),
            path("logo/<slug:digest>/", logo, name="logo"),
            *super().get_urls(),
        ]

    def app_index(self, request: HttpRequest, app_label: str, extra_context: Any = None):
        """Django's list of an app's models: the sidebar has them."""
        return redirect("admin:index")


class SearchForm(ChangeListSearchForm):
    """Ignores the words that are too many: each one makes the query longer."""

    def clean(self):
        if text := self.cleaned_data.get(SEARCH_VAR):
            self.cleaned_data[SEARCH_VAR] = shortened_search(text)


ChangeList.search_form_class = SearchForm  # of every list


def names(name: str = DEFAULT_NAME) -> dict[str, str]:
    return {"site_header": name, "site_title": name}


def site_names() -> dict[str, str]:
    """For pages that are shown without a database, too."""
    from customers.store.services import get_details

    try:
        return names(get_details().name)
    except DatabaseError:
        return names()
