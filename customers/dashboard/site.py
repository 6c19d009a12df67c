"""The store owner's dashboard: the Django admin site, made for customers. Services make every change to a customer."""

from django.contrib import admin

admin.site.site_header = admin.site.site_title = "Store"
admin.site.index_title = "Dashboard"
admin.site.site_url = None
admin.site.enable_nav_sidebar = False  # templates/admin/base_site.html has the sections in its header


def site_names() -> dict[str, str]:
    """For pages outside the admin site that extend its templates."""
    return {"site_header": str(admin.site.site_header), "site_title": str(admin.site.site_title)}
