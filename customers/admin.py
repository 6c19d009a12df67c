"""The store owner's dashboard: customers, to find and to read."""

from django.contrib import admin
from django.db.models import Q

from customers.models import User

admin.site.site_header = admin.site.site_title = "Store"
admin.site.index_title = "Dashboard"
admin.site.site_url = None


@admin.register(User)
class UserAdmin(admin.ModelAdmin):
    """Read only: what changes a customer is a service."""

    list_display = ("email", "get_full_name", "user_type", "orders_count", "total_spent", "is_blocked", "date_joined")
    list_display_links = ("email", "get_full_name")
    list_filter = ("user_type", "is_blocked", "accepts_marketing", "language")
    ordering = ("-date_joined", "-id")
    list_per_page = 50
    # A second count, of the whole table.
    show_full_result_count = False
    search_fields = ("email",)
    search_help_text = "The start of an email address, or part of first and last name"
    fields = (
        "email",
        ("first_name", "last_name"),
        "phone_number",
        "user_type",
        "language",
        ("accepts_marketing", "is_blocked"),
        "tags",
        "metadata",
        ("orders_count", "total_spent", "subscriptions_count"),
        ("ip", "user_agent"),
        ("date_joined", "updated_at"),
    )

    def get_search_results(self, request, queryset, search_term):
        if not (term := search_term.strip()):
            return queryset, False
        matching = Q(email__lower__startswith=term.lower())
        return queryset.filter(matching) | queryset.named(term), False

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False
