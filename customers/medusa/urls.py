"""With and without a slash at the end, and without redirects."""

from django.urls import re_path

from customers.medusa import auth_views, group_views, views
from customers.medusa.base import UnknownPath

app_name = "medusa"

urlpatterns = [
    re_path(r"^auth/?$", auth_views.Session.as_view(), name="session"),
    re_path(r"^auth/token/?$", auth_views.Token.as_view(), name="token"),
    re_path(r"^customers/?$", views.Customers.as_view(), name="customers"),
    re_path(r"^customers/(?P<id>[^/]+)/?$", views.Customer.as_view(), name="customer"),
    re_path(r"^customer-groups/?$", group_views.Groups.as_view(), name="groups"),
    re_path(r"^customer-groups/(?P<id>[^/]+)/?$", group_views.Group.as_view(), name="group"),
    re_path(r"^customer-groups/(?P<id>[^/]+)/customers/?$", group_views.CustomersOfGroup.as_view(), name="members"),
    re_path(r"^customer-groups/(?P<id>[^/]+)/customers/batch/?$", group_views.Batch.as_view(), name="batch"),
    re_path(r"", UnknownPath.as_view()),
]
