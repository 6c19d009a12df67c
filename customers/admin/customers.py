from django.contrib import admin

from customers.admin.jobs import Bulk
from customers.admin.listing import Listing
from customers.admin.page import Page
from customers.admin.privacy import Privacy
from customers.models import Customer


@admin.register(Customer)
class CustomerAdmin(Listing, Bulk, Privacy, Page):
    """Leads and customers: to find, to read, to change."""

    def has_delete_permission(self, request, obj=None):
        return False  # an owner erases
