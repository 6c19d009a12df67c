"""Paths in any case, with and without a slash at the end, without redirects."""

from collections.abc import Callable

from django.http import HttpResponseBase
from django.urls import URLPattern, re_path

from customers.medusa import auth, customers, groups
from customers.medusa.base import UnknownPath
from customers.medusa.cors import in_any_case

app_name = "medusa"


def any_case(route: str, view: Callable[..., HttpResponseBase], name: str) -> URLPattern:
    """Express, which serves Medusa, ignores the case of a path, but not of the id in it. ID stands for the id."""
    pattern = in_any_case(route).replace("ID", "(?P<id>[^/]+)")
    return re_path(rf"^{pattern}/?$", view, name=name)


urlpatterns = [
    any_case(r"auth", auth.Session.as_view(), name="session"),
    any_case(r"auth/token", auth.Token.as_view(), name="token"),
    any_case(r"customers", customers.Customers.as_view(), name="customers"),
    any_case(r"customers/ID", customers.Customer.as_view(), name="customer"),
    any_case(r"customer-groups", groups.Groups.as_view(), name="groups"),
    any_case(r"customer-groups/ID", groups.Group.as_view(), name="group"),
    any_case(r"customer-groups/ID/customers", groups.CustomersOfGroup.as_view(), name="members"),
    any_case(r"customer-groups/ID/customers/batch", groups.Batch.as_view(), name="batch"),
    re_path(r"", UnknownPath.as_view()),
]
