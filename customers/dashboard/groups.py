"""Groups of customers: their names. Members are added and removed by other programs, through the API."""

from django.contrib import admin
from django.db.models import Count

from customers.dashboard.folded_search import FoldedSearchAdmin
from customers.dashboard.read_only import NoDeleteAdmin
from customers.dashboard.service_errors import ServiceErrorsAdmin, ServiceErrorsForm
from customers.groups import services
from customers.groups.models import CustomerGroup


@admin.register(CustomerGroup)
class CustomerGroupAdmin(FoldedSearchAdmin, ServiceErrorsAdmin, NoDeleteAdmin):
    form = ServiceErrorsForm
    fields = ("name", "members", "created_at", "updated_at")
    readonly_fields = ("members", "created_at", "updated_at")
    list_display = ("name", "members", "created_at")
    search_fields = ("search_name__contains",)
    ordering = ("-created_at", "-id")
    list_per_page = 50
    show_full_result_count = False

    def get_queryset(self, request):
        return super().get_queryset(request).annotate(members=Count("customers"))

    @admin.display(description="customers", ordering="members")
    def members(self, group):
        return getattr(group, "members", 0)

    def save_model(self, request, obj, form, change):
        if not change:
            obj.pk = services.create_group(name=obj.name).pk
        elif "name" in form.changed_data:
            services.update_group(obj.pk, name=obj.name)
        obj.refresh_from_db()
