"""Apps in the dashboard: who may call the API, at which rate, and whether at all."""

from django.contrib import admin

from oauth.models import AccessToken, App, Grant, IDToken, RefreshToken

# The toolkit shows the tables of the protocol as they are, to be edited. An owner has no use for that.
for model in (App, AccessToken, Grant, IDToken, RefreshToken):
    admin.site.unregister(model)


@admin.register(App)
class AppAdmin(admin.ModelAdmin):
    """Made by `manage.py create_token`; switched off here, which ends all its tokens at once."""

    list_display = ("name", "kind", "user", "is_active", "api_version", "rate_limit", "created")
    list_filter = ("kind", "is_active")
    list_select_related = ("user",)
    search_fields = ("name",)
    fields = ("name", "kind", "client_id", "user", "created", "is_active", "api_version", "rate_limit")
    readonly_fields = ("name", "kind", "client_id", "user", "created")

    def has_add_permission(self, request):
        return False

    def has_delete_permission(self, request, obj=None):
        return False
