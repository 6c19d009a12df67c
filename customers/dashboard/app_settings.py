"""The page with the settings of a partner app: a form field for each setting that the app's manifest declares."""

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import AdminForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from customers.core.json_values import check_json
from customers.dashboard.confirmed_actions import ConfirmedActionsAdmin
from customers.dashboard.customers.fields import IndentedEncoder, JSONField, PlainSelect
from customers.dashboard.service_errors import as_validation_error, to_validation_error
from oauth import partner_apps
from oauth.actor import Actor
from oauth.app_settings import Kind, Setting, known_settings
from oauth.audit.log import Event, record
from oauth.errors import ServiceError
from oauth.models import PartnerApp

PREFIX = "setting_"
OTHER = "other"
WIDE = {"class": "vTextField"}


class NumberField(forms.FloatField):
    """A whole number stays one: 5 is not stored as 5.0."""

    def to_python(self, value):
        number = super().to_python(value)
        return int(number) if number is not None and number.is_integer() else number


# The type of form field, and its widget.
FIELDS: dict[Kind, tuple[type[forms.Field], forms.Widget]] = {
    Kind.TEXT: (forms.CharField, forms.TextInput(WIDE)),
    Kind.TEXTAREA: (forms.CharField, forms.Textarea({"rows": 4, "class": "vLargeTextField"})),
    Kind.EMAIL: (forms.CharField, forms.EmailInput(WIDE)),
    Kind.URL: (forms.CharField, forms.URLInput(WIDE)),
    Kind.COLOR: (forms.CharField, forms.TextInput({"placeholder": "#rrggbb"})),
    Kind.INTEGER: (forms.IntegerField, forms.NumberInput()),
    Kind.NUMBER: (NumberField, forms.NumberInput({"step": "any"})),
    Kind.CHECKBOX: (forms.BooleanField, forms.CheckboxInput()),
}


class AppSettingsForm(forms.Form):
    """`values` of a valid form are the settings to save: those that were changed on the page, or never saved before.
    `removed` are the names of settings that the person removed from `other`."""

    other = JSONField(
        label="Other settings",
        required=False,
        encoder=IndentedEncoder,
        widget=forms.Textarea({"rows": 8, "class": "vLargeTextField", "spellcheck": "false"}),
        help_text="A JSON object: what the app keeps here besides the fields above. Its values are not checked.",
    )

    def __init__(self, app: PartnerApp, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.app = app
        self.settings = {PREFIX + setting.name: setting for setting in known_settings(app.settings_schema)}
        self.names = {setting.name for setting in self.settings.values()}
        others = {name: value for name, value in app.settings.items() if name not in self.names}
        self.fields = {**{key: field_of(setting) for key, setting in self.settings.items()}, **self.fields}
        self.initial = {
            **{key: app.settings.get(setting.name, setting.default) for key, setting in self.settings.items()},
            OTHER: others,
        }
        for field in self.fields.values():
            field.show_hidden_initial = True  # what the app saves meanwhile is not taken for a change of this person

    def fieldsets(self) -> list[tuple[str | None, Any]]:
        advanced = {"fields": [OTHER], "classes": ["collapse"] if self.settings else []}
        return [*([(None, {"fields": list(self.settings)})] if self.settings else []), ("Advanced", advanced)]

    def clean_other(self) -> dict[str, Any]:
        value = self.cleaned_data[OTHER] or {}
        if not isinstance(value, dict):
            raise forms.ValidationError("Enter a JSON object.")
        with as_validation_error():
            check_json(value)
        if twice := self.names & value.keys():
            raise forms.ValidationError(f"These have fields of their own: {', '.join(sorted(twice))}.")
        return value

    def clean(self):
        for key, setting in self.settings.items():
            if key in self.cleaned_data:
                try:
                    setting.check(self.cleaned_data[key])
                    check_json(self.cleaned_data[key])
                except ServiceError as error:
                    self.add_error(key, to_validation_error(error))
        return super().clean()

    @property
    def values(self) -> dict[str, Any]:
        changed = set(self.changed_data)
        own = {
            setting.name: self.cleaned_data[key]
            for key, setting in self.settings.items()
            if key in changed or setting.name not in self.app.settings
        }
        return {**own, **(self.cleaned_data[OTHER] if OTHER in changed else {})}

    @property
    def removed(self) -> set[str]:
        if OTHER not in self.changed_data:
            return set()
        return self.app.settings.keys() - self.names - self.cleaned_data[OTHER].keys()


def field_of(setting: Setting) -> forms.Field:
    options: dict[str, Any] = {"label": setting.label, "help_text": setting.help_text, "required": setting.required}
    if setting.kind in (Kind.SELECT, Kind.RADIO):
        return choice_field(setting, options)
    field_class, widget = FIELDS[setting.kind]
    if setting.kind == Kind.CHECKBOX:
        options["required"] = False  # off is a value, too
    elif field_class is forms.CharField:
        options |= {"max_length": setting.max_length, "strip": setting.kind != Kind.TEXTAREA}
    else:
        options |= {"min_value": setting.min_value, "max_value": setting.max_value}
    return field_class(widget=widget, **options)


def choice_field(setting: Setting, options: dict[str, Any]) -> forms.Field:
    """A text of the form stands for the option's value, which may be a number."""
    values = {str(value): value for value in setting.options}
    choices = [(str(value), label) for value, label in setting.options.items()]
    if setting.is_list:
        return forms.TypedMultipleChoiceField(
            choices=choices, coerce=values.get, widget=forms.CheckboxSelectMultiple, **options
        )
    is_radio = setting.kind == Kind.RADIO
    if not setting.required and not is_radio:
        choices = [("", "---------"), *choices]
    widget = forms.RadioSelect if is_radio else PlainSelect
    return forms.TypedChoiceField(choices=choices, coerce=values.get, widget=widget, **options)


class AppSettingsAdmin(ConfirmedActionsAdmin):
    """Serves the settings of an app at `<id>/settings/`."""

    def get_urls(self):
        view = self.admin_site.admin_view(self.settings_view)
        return [path("<int:app_id>/settings/", view, name="oauth_partnerapp_settings"), *super().get_urls()]

    def settings_view(self, request: HttpRequest, app_id: int) -> HttpResponse:
        app = self.object_or_404(request, app_id, is_allowed=self.has_change_permission(request))
        form = AppSettingsForm(app, request.POST if request.method == "POST" else None)
        if form.is_valid():
            try:
                partner_apps.save_settings(app.pk, form.values, keep_others=True, removed=form.removed)
            except ServiceError as error:
                form.add_error(None, to_validation_error(error))
            else:
                if form.values or form.removed:
                    record(Event.APP_CHANGED, Actor.from_request(request), app, changed=["settings"])
                self.message_user(request, f"The settings of {app.name} are saved.", messages.SUCCESS)
                return redirect("admin:oauth_partnerapp_settings", app.pk)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "media": self.media + form.media,
            "original": app,
            "title": "Settings",
            "adminform": AdminForm(cast(Any, form), form.fieldsets(), {}),
        }
        return render(request, "dashboard/apps/settings.html", context)
