from django.contrib import admin

from customers.dashboard.customers.actions import CustomerActionsAdmin
from customers.dashboard.customers.export import ExportButtonAdmin
from customers.dashboard.customers.list import CustomerListAdmin
from customers.dashboard.customers.merging import MergingAdmin
from customers.dashboard.customers.page import CustomerPageAdmin
from customers.dashboard.customers.privacy import PrivacyAdmin
from customers.dashboard.jobs import BulkActionsAdmin
from customers.dashboard.read_only import NoDeleteAdmin
from customers.models import Customer


@admin.register(Customer)
class CustomerAdmin(
    ExportButtonAdmin,
    CustomerListAdmin,
    BulkActionsAdmin,
    CustomerPageAdmin,
    MergingAdmin,
    PrivacyAdmin,
    CustomerActionsAdmin,
    NoDeleteAdmin,
):
    """Leads and customers. Nobody is deleted: an owner erases the personal data."""
