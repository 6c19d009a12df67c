from django.contrib import admin

from customers.dashboard.customers.list import Listing
from customers.dashboard.customers.page import Page
from customers.dashboard.customers.privacy import Privacy
from customers.dashboard.jobs import Bulk
from customers.models import Customer


@admin.register(Customer)
class CustomerAdmin(Listing, Bulk, Privacy, Page):
    """Leads and customers: to find, to read, to change."""

    def has_delete_permission(self, request, obj=None):
        return False  # an owner erases
