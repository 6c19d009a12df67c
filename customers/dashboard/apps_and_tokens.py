"""API access, partner apps and the security log in the dashboard."""

from datetime import datetime, time, timedelta

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminDateWidget
from django.core.exceptions import ValidationError
from django.http import HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join

from customers.dashboard.confirmed_actions import Decisions
from oauth import partner_apps, tokens
from oauth.actor import Actor
from oauth.audit.log import Event, record
from oauth.audit.models import AuditEvent
from oauth.models import AccessToken, App, Grant, IDToken, PartnerApp, PrivateApp, RefreshToken
from oauth.scopes import SCOPE_LABELS, Scope

# The toolkit shows the tables of the protocol as they are, to be edited. An owner has no use for that.
for model in (App, AccessToken, Grant, IDToken, RefreshToken):
    admin.site.unregister(model)


class ScopesField(forms.MultipleChoiceField):
    widget = forms.CheckboxSelectMultiple

    def __init__(self, **options):
        choices = [(str(scope), f"{label} ({scope})") for scope, label in SCOPE_LABELS.items()]
        super().__init__(choices=choices, **options)


class PrivateAppForm(forms.ModelForm):
    allowed_scopes = ScopesField(label="Permissions", required=False)
    expires_on = forms.DateField(
        required=False, widget=AdminDateWidget, help_text="The last day the token works; empty: it does not expire."
    )

    class Meta:
        model = PrivateApp
        fields = ("name", "allowed_scopes", "api_version", "rate_limit", "is_active")

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.instance.kind = App.Kind.PRIVATE
        self.fields["name"].required = True
        if self.instance.token_expires:
            self.initial["expires_on"] = timezone.localdate(self.instance.token_expires - timedelta(microseconds=1))

    def clean_name(self):
        name = self.cleaned_data["name"].strip()
        if PrivateApp.objects.filter(name=name).exclude(pk=self.instance.pk).exists():
            raise ValidationError("There is an app of this name.")
        return name

    def clean_expires_on(self):
        day = self.cleaned_data["expires_on"]
        if day and day < timezone.localdate():
            raise ValidationError("This day is over.")
        return day

    @property
    def expires(self) -> datetime | None:
        day = self.cleaned_data["expires_on"]
        return timezone.make_aware(datetime.combine(day + timedelta(days=1), time.min)) if day else None


class PartnerAppForm(forms.ModelForm):
    allowed_scopes = ScopesField(label="Permissions", required=False, help_text="What the app may ask for.")

    class Meta:
        model = PartnerApp
        fields = (
            "name", "app_url", "redirect_uris", "client_type", "allowed_scopes", "version", "api_version", "rate_limit",
            "is_active",
        )  # fmt: skip
        widgets = {"redirect_uris": forms.Textarea({"rows": 3, "class": "vLargeTextField"})}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["name"].required = True


class BaseAppAdmin(Decisions):
    change_form_template = "dashboard/change_app.html"
    view_on_site = False

    class Media:
        css = {"all": ["oauth/page.css"]}

    def show_once(self, request, app, *secrets):
        """A page with what can be read this once, each a name, a label and a value. A message would be kept."""
        context = {**self.admin_site.each_context(request), "title": app.name, "app": app, "secrets": secrets,
                   "opts": self.opts}  # fmt: skip
        return render(request, "dashboard/show_once.html", context)

    def save_model(self, request, obj, form, change):
        # What an app saves meanwhile, and an uninstallation, stay.
        changed = set(form.changed_data) & {field.name for field in obj._meta.fields}
        obj.save(update_fields=[*changed, "updated"])
        if form.changed_data:
            record(Event.APP_CHANGED, Actor.from_request(request), obj, changed=form.changed_data)

    def add_view(self, request, form_url="", extra_context=None):
        # What follows is the page that shows secrets, and no other.
        buttons = {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().add_view(request, form_url, {**buttons, **(extra_context or {})})

    def has_delete_permission(self, request, obj=None):
        return False


@admin.register(PrivateApp)
class PrivateAppAdmin(BaseAppAdmin):
    """A store owner's own tokens: each shown once, and revoked by making another in its place."""

    form = PrivateAppForm
    list_display = ("name", "permissions", "api_version", "last_used", "expires", "is_active")
    list_filter = ("is_active",)
    search_fields = ("name",)
    decisions = ("replace",)

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

    @admin.action(description="Revoke and replace the token")
    def replace(self, request, app):
        """The token of this app stops working at once, and you get a new one with the same permissions."""
        try:
            token = tokens.replace_personal_token(app, owner=request.user, by=Actor.from_request(request))
        except tokens.TokenExpired:
            self.message_user(request, "The token has expired. Set another day first.", messages.ERROR)
            return HttpResponseRedirect(reverse("admin:oauth_privateapp_change", args=[app.pk]))
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


@admin.register(PartnerApp)
class PartnerAppAdmin(BaseAppAdmin):
    """Registered here with what their makers give; installed by the consent of a member of staff."""

    form = PartnerAppForm
    list_display = ("name", "installed_at", "permissions", "version", "is_active")
    list_filter = ("is_active", ("installed_at", admin.EmptyFieldListFilter))
    search_fields = ("name", "client_id")
    decisions = ("uninstall", "replace_secret")

    def get_fields(self, request, obj=None):
        if obj is None:
            return tuple(field for field in PartnerAppForm.Meta.fields if field != "is_active")
        return ("client_id", "installed_at", *PartnerAppForm.Meta.fields, "settings")

    def get_readonly_fields(self, request, obj=None):
        return ("client_id", "installed_at", "client_type", "settings") if obj else ()

    def save_model(self, request, obj, form, change):
        if not change:
            obj.user = request.user
            request.client_secret = partner_apps.register(obj, Actor.from_request(request))
            return
        super().save_model(request, obj, form, change)
        partner_apps.narrow(obj)

    def response_add(self, request, obj, post_url_continue=None):
        return self.show_credentials(request, obj, request.client_secret)

    def show_credentials(self, request, app, secret):
        credentials = [("client_id", "Client ID", app.client_id), ("client_secret", "Client secret", secret)]
        return self.show_once(request, app, *(each for each in credentials if each[-1]))

    @admin.action(description="Uninstall")
    def uninstall(self, request, app):
        """Every token of this app stops working at once. Its settings stay, for when it is installed again."""
        partner_apps.uninstall(app, Actor.from_request(request))
        self.message_user(request, f"{app.name} is uninstalled.", messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:oauth_partnerapp_change", args=[app.pk]))

    @admin.action(description="Replace the client secret")
    def replace_secret(self, request, app):
        """The client secret of this app stops working at once, and you get a new one. Tokens stay."""
        return self.show_credentials(request, app, partner_apps.replace_secret(app, Actor.from_request(request)))

    @admin.display
    def permissions(self, app):
        return ", ".join(app.granted_scopes) or "–"


@admin.register(AuditEvent)
class AuditEventAdmin(admin.ModelAdmin):
    """To read and to filter."""

    class Media:
        css = {"all": ["oauth/page.css"]}

    @admin.display(ordering="at")
    def time(self, event):
        return f"{timezone.localtime(event.at):%Y-%m-%d %H:%M:%S}"

    @admin.display
    def details(self, event):
        return "; ".join(
            f"{name}: {', '.join(map(str, value)) if isinstance(value, list) else value}"
            for name, value in event.detail.items()
        )

    list_display = ("time", "event", "actor", "app", "ip", "details")
    fields = ("time", "event", "actor", "app", "client_id", "ip", "details")
    list_filter = ("event", ("at", admin.DateFieldListFilter))
    search_fields = ("actor", "app", "client_id", "ip")
    search_help_text = "Email address, app, client ID or IP address"
    ordering = ("-at", "-id")
    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False
