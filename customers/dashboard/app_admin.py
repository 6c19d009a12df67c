"""What the pages of partner apps and of API tokens have in common: both are apps of the authorization server."""

from django import forms
from django.contrib import admin
from django.shortcuts import render

from customers.dashboard.confirmed_actions import ConfirmedActionsAdmin
from customers.dashboard.folded_search import FoldedSearchOfFewAdmin
from customers.dashboard.read_only import NoDeleteAdmin
from oauth.actor import Actor
from oauth.audit.log import Event, record
from oauth.models import AccessToken, App, Grant, IDToken, RefreshToken
from oauth.scopes import SCOPE_LABELS

# The toolkit registers its tables as they are, for editing. An owner has no use for that.
for model in (App, AccessToken, Grant, IDToken, RefreshToken):
    admin.site.unregister(model)


HELP_TEXTS = {
    "is_active": "Turn off to reject all its tokens immediately.",
    "rate_limit": "Requests per second per token. Empty: store default. 0: no limit.",
}


class ScopesField(forms.MultipleChoiceField):
    widget = forms.CheckboxSelectMultiple

    def __init__(self, **options):
        choices = [(str(scope), f"{label} ({scope})") for scope, label in SCOPE_LABELS.items()]
        super().__init__(choices=choices, **options)


class AppAdmin(FoldedSearchOfFewAdmin, NoDeleteAdmin, ConfirmedActionsAdmin):
    view_on_site = False

    class Media:
        css = {"all": ["oauth/page.css"]}

    def show_once(self, request, app, *secrets):
        """The page that shows secrets once: for each a name, a label and a value. Messages would be stored."""
        context = {**self.admin_site.each_context(request), "title": app.name, "app": app, "secrets": secrets,
                   "opts": self.opts}  # fmt: skip
        return render(request, "dashboard/apps/secrets.html", context)

    def save_model(self, request, obj, form, change):
        # Only what was changed: the app may save settings, or be uninstalled, at the same time.
        changed = set(form.changed_data) & {field.name for field in obj._meta.fields}
        obj.save(update_fields=[*changed, "updated"])
        if form.changed_data:
            record(Event.APP_CHANGED, Actor.from_request(request), obj, changed=form.changed_data)

    def add_view(self, request, form_url="", extra_context=None):
        # After saving comes the page that shows the secrets.
        buttons = {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().add_view(request, form_url, {**buttons, **(extra_context or {})})
