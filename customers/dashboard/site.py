"""The store owner's dashboard: the Django admin site, made for customers. What changes a customer is a service."""

from django.contrib import admin

admin.site.site_header = admin.site.site_title = "Store"
admin.site.index_title = "Dashboard"
admin.site.site_url = None
admin.site.enable_nav_sidebar = False  # templates/admin/base_site.html has the sections in its header
