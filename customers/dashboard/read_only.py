"""Admin classes for rows that the dashboard must not delete, or must not write at all."""

from customers.dashboard.model_admin import DashboardAdmin


class NoDeleteAdmin(DashboardAdmin):
    def has_delete_permission(self, request, obj=None):
        return False


class ReadOnlyAdmin(NoDeleteAdmin):
    """A list and a page for each row, to look at. Services or commands write the rows."""

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False
