from django.apps import AppConfig
from django.contrib.admin import apps as admin


class SiteConfig(admin.AdminConfig):
    """Of `django.contrib.admin`: makes `admin.site` the dashboard's."""

    default = False
    default_site = "customers.dashboard.site.DashboardSite"


class DashboardConfig(AppConfig):
    name = "customers.dashboard"
