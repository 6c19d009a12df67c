"""API tokens: a store owner's own tokens for the Admin API."""

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone

from customers.dashboard.app_admin import HELP_TEXTS, AppAdmin
from customers.dashboard.chips import chip
from customers.dashboard.confirmed_actions import ReauthenticatedAdmin, confirmed_action
from customers.dashboard.dates import DateField
from customers.dashboard.list_filters import switch
from customers.dashboard.scope_choices import PRESETS, ScopesField, labels_of, preset_field
from customers.dashboard.service_errors import as_validation_error
from customers.dashboard.templatetags.shop import when
from customers.models import StaffMember
from oauth import tokens
from oauth.accounts import staff
from oauth.actor import Actor
from oauth.errors import ServiceError
from oauth.models import App, PrivateApp, clean_app_name
from oauth.scopes import Scope, grants
from oauth.store import store_origin

# A path of the API to try a token with, by the scope that it requires.
EXAMPLES = {
    Scope.USERS_READ: "users/?page_size=3",
    Scope.ORDERS_READ: "orders/?page_size=3",
    Scope.SUBSCRIPTIONS_READ: "subscriptions/?page_size=3",
    Scope.WEBHOOKS_READ: "webhooks/",
    Scope.STORE_READ: "store/",
}


class PrivateAppForm(forms.ModelForm):
    preset = preset_field()
    allowed_scopes = ScopesField(label="Permissions", required=False)
    expires_on = DateField(required=False, help_text="Last valid day. Empty: never expires.")

    giver: StaffMember

    class Meta:
        model = PrivateApp
        fields = ("name", "allowed_scopes", "api_version", "rate_limit", "is_active")
        help_texts = HELP_TEXTS
        labels = {"is_active": "Active"}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.instance.kind = App.Kind.PRIVATE
        self.fields["name"].required = True
        if self.instance.pk:
            del self.fields["preset"]  # only a new token begins with one
        if self.instance.token_expires:
            self.initial["expires_on"] = timezone.localdate(self.instance.token_expires - timedelta(microseconds=1))

    def clean_name(self):
        with as_validation_error():
            name = clean_app_name(self.cleaned_data["name"])
        if PrivateApp.objects.filter(name=name).exclude(pk=self.instance.pk).exists():
            raise ValidationError("There is already an app with this name.")
        return name

    def clean_allowed_scopes(self):
        """Nobody gives a permission that their own role does not have."""
        _, of_preset = PRESETS.get(self.cleaned_data.get("preset", ""), ("", ()))
        scopes = [str(scope) for scope in of_preset] or self.cleaned_data["allowed_scopes"]
        if not scopes:
            raise ValidationError("Choose what the token may do. Without a permission it can do nothing.")
        limit = frozenset(staff.limit_of(staff.role_of(self.giver)).split())
        added = [Scope(scope) for scope in scopes if scope not in self.instance.allowed_scopes]
        if missing := [scope for scope in added if not grants(limit, scope)]:
            raise ValidationError(f"Your role does not have: {', '.join(labels_of(missing))}.")
        return scopes

    def clean_expires_on(self):
        day = self.cleaned_data["expires_on"]
        if day and day < timezone.localdate():
            raise ValidationError("Choose a date in the future.")
        return day

    @property
    def expires(self) -> datetime | None:
        day = self.cleaned_data["expires_on"]
        return timezone.make_aware(datetime.combine(day + timedelta(days=1), time.min)) if day else None


@admin.register(PrivateApp)
class PrivateAppAdmin(ReauthenticatedAdmin, AppAdmin):
    """Each token is shown once, and revoked by creating another in its place."""

    about = "An API token lets a program of your own read or change customers, with the permissions that you choose."
    form = PrivateAppForm
    list_display = ("name", "state", "permissions", "last_used", "expires")
    list_filter = (switch("is_active"),)
    search_fields = ("name",)

    def get_form(self, request, obj=None, change=False, **options):
        form: Any = super().get_form(request, obj, change=change, **options)
        form.giver = request.user
        return form

    def get_fields(self, request, obj=None):
        begin = ("name", "allowed_scopes") if obj else ("name", "preset", "allowed_scopes")
        fields = (*begin, "expires_on", "api_version", "rate_limit")
        return (*fields, "is_active") if obj else fields

    def save_model(self, request, obj, form, change):
        scopes = [Scope(scope) for scope in obj.allowed_scopes]
        if change:
            super().save_model(request, obj, form, change)
            tokens.change_personal_token(obj, scopes=scopes, expires=form.expires)
            return
        request.issued_token = tokens.issue_personal_token(
            app_name=obj.name, scopes=scopes, owner=request.user, expires=form.expires, by=Actor.from_request(request),
            api_version=obj.api_version, rate_limit=obj.rate_limit,
        )  # fmt: skip
        obj.pk = PrivateApp.objects.get(name=obj.name).pk

    def response_add(self, request, obj, post_url_continue=None):
        return self.show_token(request, obj, request.issued_token)

    @confirmed_action(
        "Revoke",
        "The token of {object} stops working at once. You can make a new one later, with the same permissions.",
        is_available=lambda request, app: bool(app.accesstoken_set.all()),
        is_danger=True,
    )
    def revoke(self, request, app):
        tokens.revoke_tokens(app, Actor.from_request(request))
        return f"The token of {app} is revoked."

    @confirmed_action(
        "Revoke and replace the token",
        "The present token stops working at once, and you get a new one with the same permissions.",
        reauthenticate=True,
    )
    def replace(self, request, app):
        try:
            token = tokens.replace_personal_token(app, owner=request.user, by=Actor.from_request(request))
        except tokens.TokenExpired:
            raise ServiceError("The token has expired. Set a new expiry date first.") from None
        return self.show_token(request, app, token)

    def show_token(self, request, app, token):
        return self.show_once(
            request, app, ("access_token", "Access token", token), example=example_call(request, app, token)
        )

    def scopes_of(self, app):
        return app.allowed_scopes

    def facts(self, app):
        return [("Expires", self.expires(app)), ("API version", app.api_version)]

    @admin.display(description="state", ordering="is_active")
    def state(self, app):
        if not app.is_active:
            return chip("Off")
        if app.token_expires and app.token_expires <= timezone.now():
            return chip("Expired", "warning")
        return chip("Active", "good") if app.accesstoken_set.all() else chip("Revoked")

    @admin.display
    def expires(self, app):
        return when(app.token_expires) if app.token_expires else "Never"


def example_call(request: HttpRequest, app: App, token: str) -> str:
    """A call to paste into a shell: of the first of EXAMPLES that the token may read, else of the root of the API."""
    granted = frozenset(app.allowed_scopes)
    path = next((path for scope, path in EXAMPLES.items() if grants(granted, scope)), "")
    return (
        f'curl "{store_origin(request)}/api/admin/{path}" \\\n'
        f'  -H "Authorization: Bearer {token}" \\\n'
        f'  -H "X-29next-API-Version: {app.api_version}"'
    )
