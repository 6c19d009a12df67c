"""What the pages of partner apps and of API tokens have in common: both are apps of the authorization server."""

from typing import Any

from django.contrib import admin
from django.shortcuts import render
from django.utils.html import format_html

from customers.dashboard.confirmed_actions import ConfirmedActionsAdmin
from customers.dashboard.folded_search import FoldedSearchOfFewAdmin
from customers.dashboard.read_only import NoDeleteAdmin
from customers.dashboard.scope_choices import labels_of, short_labels
from customers.dashboard.templatetags.shop import NOTHING, when
from oauth.actor import Actor
from oauth.api_usage import calls_by_day
from oauth.audit.log import Event, record
from oauth.models import AccessToken, App, Grant, IDToken, RefreshToken

# The toolkit registers its tables as they are, for editing. An owner has no use for that.
for model in (App, AccessToken, Grant, IDToken, RefreshToken):
    admin.site.unregister(model)


SHOWN_DAYS = 7
HELP_TEXTS = {
    "is_active": "Turn off to reject all its tokens immediately.",
    "rate_limit": "Requests per second per token. Empty: store default. 0: no limit.",
}


class AppAdmin(FoldedSearchOfFewAdmin, NoDeleteAdmin, ConfirmedActionsAdmin):
    view_on_site = False
    empty_value_display = NOTHING
    show_facets = admin.ShowFacets.NEVER

    class Media:
        css = {"all": ["oauth/page.css", "dashboard/apps.css"]}

    change_form_template = "dashboard/apps/page.html"

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("accesstoken_set")

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        if obj:
            context |= {
                "state": self.state(obj),
                "facts": self.facts(obj),
                "labels": labels_of(self.scopes_of(obj)),
                "last_used": self.last_used(obj),
                "days": SHOWN_DAYS,
                "calls": calls_by_day(obj.pk, SHOWN_DAYS),
            }
        return super().render_change_form(request, context, add, change, form_url, obj)

    def scopes_of(self, app) -> list[str]:
        """What its tokens may do."""
        raise NotImplementedError

    def facts(self, app) -> list[tuple[str, Any]]:
        """Labels and values that the page shows beside the form."""
        raise NotImplementedError

    def state(self, app):
        raise NotImplementedError

    @admin.display(description="may")
    def permissions(self, app):
        return short_labels(self.scopes_of(app)) or NOTHING

    @admin.display(description="last use")
    def last_used(self, app):
        """The last use of any of its tokens."""
        used = [token for token in app.accesstoken_set.all() if token.last_used_at]
        if not used:
            return "Never"
        last = max(used, key=lambda token: token.last_used_at)
        text = format_html("{} in version {}", when(last.last_used_at), last.last_used_version)
        return format_html("{} from {}", text, last.last_used_ip) if last.last_used_ip else text

    def show_once(self, request, app, *secrets, example=""):
        """The page that shows secrets once: for each a name, a label and a value. Messages would be stored."""
        context = {**self.admin_site.each_context(request), "title": app.name, "app": app, "secrets": secrets,
                   "opts": self.opts, "example": example}  # fmt: skip
        return render(request, "dashboard/apps/secrets.html", context)

    def save_model(self, request, obj, form, change):
        # Only what was changed: the app may save settings, or be uninstalled, at the same time.
        changed = set(form.changed_data) & {field.name for field in obj._meta.fields}
        obj.save(update_fields=[*changed, "updated"])
        if form.changed_data:
            record(Event.APP_CHANGED, Actor.from_request(request), obj, changed=form.changed_data)
