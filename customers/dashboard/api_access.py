"""API tokens: a store owner's own tokens for the Admin API."""

from datetime import datetime, time, timedelta

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminDateWidget
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.html import format_html_join

from customers.dashboard.app_admin import HELP_TEXTS, AppAdmin, ScopesField
from customers.dashboard.confirmed_actions import ReauthenticatedAdmin, confirmed_action
from customers.dashboard.list_filters import titled
from customers.dashboard.service_errors import as_validation_error
from oauth import tokens
from oauth.actor import Actor
from oauth.errors import ServiceError
from oauth.models import App, PrivateApp, clean_app_name
from oauth.scopes import Scope


class PrivateAppForm(forms.ModelForm):
    allowed_scopes = ScopesField(label="Permissions", required=False)
    expires_on = forms.DateField(
        required=False, widget=AdminDateWidget, help_text="Last valid day. Empty: never expires."
    )

    class Meta:
        model = PrivateApp
        fields = ("name", "allowed_scopes", "api_version", "rate_limit", "is_active")
        help_texts = HELP_TEXTS

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.instance.kind = App.Kind.PRIVATE
        self.fields["name"].required = True
        if self.instance.token_expires:
            self.initial["expires_on"] = timezone.localdate(self.instance.token_expires - timedelta(microseconds=1))

    def clean_name(self):
        with as_validation_error():
            name = clean_app_name(self.cleaned_data["name"])
        if PrivateApp.objects.filter(name=name).exclude(pk=self.instance.pk).exists():
            raise ValidationError("There is already an app with this name.")
        return name

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

    form = PrivateAppForm
    list_display = ("name", "permissions", "api_version", "last_used", "expires", "is_active")
    list_filter = (("is_active", titled("status")),)
    search_fields = ("name",)

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("accesstoken_set")

    def get_fields(self, request, obj=None):
        fields = ("name", "allowed_scopes", "expires_on", "api_version", "rate_limit")
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
        return self.show_once(request, app, ("access_token", "Access token", token))

    @admin.display
    def permissions(self, app):
        return ", ".join(app.allowed_scopes) or "–"

    @admin.display
    def last_used(self, app):
        return format_html_join(
            "",
            "{} in version {} from {}",
            (
                (timezone.localtime(token.last_used_at).strftime("%Y-%m-%d %H:%M"), token.last_used_version,
                 token.last_used_ip or "–")
                for token in app.accesstoken_set.all()
                if token.last_used_at
            ),
        ) or "–"  # fmt: skip

    @admin.display
    def expires(self, app):
        return app.token_expires or "–"
