"""Paths with and without a slash at the end, without redirects."""

from django.urls import re_path

from customers.medusa import auth, customers, groups
from customers.medusa.base import UnknownPath

app_name = "medusa"

urlpatterns = [
    re_path(r"^auth/?$", auth.Session.as_view(), name="session"),
    re_path(r"^auth/token/?$", auth.Token.as_view(), name="token"),
    re_path(r"^customers/?$", customers.Customers.as_view(), name="customers"),
    re_path(r"^customers/(?P<id>[^/]+)/?$", customers.Customer.as_view(), name="customer"),
    re_path(r"^customer-groups/?$", groups.Groups.as_view(), name="groups"),
    re_path(r"^customer-groups/(?P<id>[^/]+)/?$", groups.Group.as_view(), name="group"),
    re_path(r"^customer-groups/(?P<id>[^/]+)/customers/?$", groups.CustomersOfGroup.as_view(), name="members"),
    re_path(r"^customer-groups/(?P<id>[^/]+)/customers/batch/?$", groups.Batch.as_view(), name="batch"),
    re_path(r"", UnknownPath.as_view()),
]
