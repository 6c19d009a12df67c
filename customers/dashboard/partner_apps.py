"""Partner apps: registered here with what their makers provide, installed by an owner's consent."""

from django import forms
from django.contrib import admin

from customers.dashboard.app_admin import HELP_TEXTS, AppAdmin
from customers.dashboard.app_settings import AppSettingsAdmin
from customers.dashboard.chips import chip
from customers.dashboard.confirmed_actions import confirmed_action
from customers.dashboard.customers.fields import IndentedEncoder, JSONField
from customers.dashboard.list_filters import InstalledFilter, switch
from customers.dashboard.scope_choices import ScopesField
from customers.dashboard.templatetags.shop import NOTHING, in_words
from oauth import partner_apps
from oauth.actor import Actor
from oauth.models import PartnerApp

ADVANCED = ("version", "api_version", "rate_limit", "settings_schema")


class PartnerAppForm(forms.ModelForm):
    allowed_scopes = ScopesField(
        label="Permissions", required=False, help_text="What the app may ask for. Tick none for any."
    )

    settings_schema = JSONField(
        required=False,
        encoder=IndentedEncoder,
        widget=forms.Textarea({"rows": 6, "class": "vLargeTextField", "spellcheck": "false"}),
        help_text="JSON: what the app's manifest.json has as settings_schema. Staff edit these settings in a form.",
    )

    class Meta:
        model = PartnerApp
        fields = (
            "name", "app_url", "redirect_uris", "client_type", "allowed_scopes", "developer_email", "version",
            "api_version", "rate_limit", "settings_schema", "is_active",
        )  # fmt: skip
        help_texts = {
            **HELP_TEXTS,
            "client_type": "Confidential: a server, which keeps a secret. Public: a browser or a phone.",
        }
        labels = {"is_active": "Active"}
        widgets = {"redirect_uris": forms.Textarea({"rows": 3, "class": "vLargeTextField"})}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["name"].required = True
        if not self.instance.pk:
            self.initial["client_type"] = PartnerApp.CLIENT_CONFIDENTIAL

    def clean_settings_schema(self):
        return self.cleaned_data["settings_schema"] or []


@admin.register(PartnerApp)
class PartnerAppAdmin(AppSettingsAdmin, AppAdmin):
    about = "An app of another maker works with your customers, with the permissions that you give it."
    form = PartnerAppForm
    list_display = ("name", "state", "permissions", "last_used", "version")
    list_filter = (switch("is_active"), InstalledFilter)
    search_fields = ("name", "client_id")
    change_form_template = "dashboard/apps/change_partner_app.html"

    def get_fieldsets(self, request, obj=None):
        own = [field for field in PartnerAppForm.Meta.fields if field not in ADVANCED]
        if obj is None:
            own.remove("is_active")
        else:
            own.insert(0, "client_id")
        return [(None, {"fields": own}), ("Advanced", {"fields": ADVANCED, "classes": ["collapse"]})]

    def get_readonly_fields(self, request, obj=None):
        return ("client_id", "client_type") if obj else ()

    def save_model(self, request, obj, form, change):
        if not change:
            obj.user = request.user
            request.client_secret = partner_apps.register(obj, Actor.from_request(request))
            return
        super().save_model(request, obj, form, change)
        partner_apps.restrict_tokens(obj)

    def response_add(self, request, obj, post_url_continue=None):
        return self.show_credentials(request, obj, request.client_secret)

    def show_credentials(self, request, app, secret):
        credentials = [("client_id", "Client ID", app.client_id), ("client_secret", "Client secret", secret)]
        return self.show_once(request, app, *(each for each in credentials if each[-1]))

    @confirmed_action(
        "Uninstall",
        "All tokens of {object.name} stop working at once. Its settings are kept, in case it is installed again.",
        is_available=lambda request, app: bool(app.installed_at),
        is_danger=True,
    )
    def uninstall(self, request, app):
        partner_apps.uninstall(app, Actor.from_request(request))
        return f"{app.name} is uninstalled."

    @confirmed_action(
        "Replace the client secret",
        "The present client secret of {object.name} stops working at once, and you get a new one. Tokens keep working.",
        is_available=lambda request, app: app.is_confidential,
        reauthenticate=True,
    )
    def replace_secret(self, request, app):
        return self.show_credentials(request, app, partner_apps.replace_secret(app, Actor.from_request(request)))

    def scopes_of(self, app):
        return app.granted_scopes

    def facts(self, app):
        return [("Version", app.version or NOTHING)]

    @admin.display(description="state", ordering="installed_at")
    def state(self, app):
        if not app.is_active:
            return chip("Off")
        if not app.installed_at:
            return chip("Not installed")
        return chip(f"Installed {in_words(app.installed_at)}", "good")
