"""Definitions of metadata in the dashboard: a field for each validation, of those that its type has."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Model

from customers.dashboard.service_errors import ShowsRefusals
from customers.metadata import services
from customers.metadata.models import Definition, Object, Validation
from oauth.errors import ServiceError

COLUMNS = ("object", "key", "type", "name", "enable_filter", "enable_export")
FOR_EVER = ("key", "type")
SWITCHES = ("enable_filter", "enable_export")
WHOSE = {
    Validation.MAXIMUM_LENGTH: "Characters, of each text in a list.",
    Validation.MINIMUM_VALUE: "Of a number.",
    Validation.MAXIMUM_VALUE: "Of a number.",
    Validation.MAXIMUM_PRECISION: "Decimal places.",
    Validation.ACCEPT_ONLY_IMAGE: "Of a file.",
}


class DefinitionForm(forms.ModelForm):
    maximum_length = forms.CharField(required=False)
    minimum_value = forms.CharField(required=False)
    maximum_value = forms.CharField(required=False)
    maximum_precision = forms.CharField(required=False)
    accept_only_image = forms.BooleanField(required=False)
    # What a service refused when this very form was saved.
    refusal: ServiceError | None = None

    class Meta:
        model = Definition
        fields = COLUMNS

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        said = {each["type"]: each["value"] for each in self.instance.validations}
        for validation in Validation:
            if validation in self.fields:  # none for who may only look
                self.initial[validation] = said.get(validation, "")
                self.fields[validation].help_text = WHOSE[validation]
        if Validation.ACCEPT_ONLY_IMAGE in said:
            self.initial[Validation.ACCEPT_ONLY_IMAGE] = said[Validation.ACCEPT_ONLY_IMAGE] == "true"

    def clean(self):
        if self.refusal:
            self.add_error(self.place_of(self.refusal), ValidationError(self.refusal.message, self.refusal.code))
        return super().clean()

    def _get_validation_exclusions(self):
        # Whether the key is taken is told by the service.
        return super()._get_validation_exclusions() | {"key"}  # type: ignore[misc]  # the stubs lack it

    def place_of(self, error: ServiceError) -> str | None:
        name, *rest = error.path
        if name == "validations":
            name = self.validations()[int(rest[0])]["type"]
        return str(name) if name in self.fields else None

    def validations(self) -> list[dict[str, str]]:
        given = {name: self.cleaned_data.get(name) for name in Validation.values}
        return [
            {"type": name, "value": "true" if value is True else str(value)} for name, value in given.items() if value
        ]


@admin.register(Definition)
class DefinitionAdmin(ShowsRefusals):
    form = DefinitionForm
    list_display = ("name", "key", "type", "object", "limits", *SWITCHES)
    ordering = ("name", "pk")
    list_per_page = 50
    show_full_result_count = False
    actions = None  # each is deleted by its own page
    empty_value_display = "—"

    def get_fields(self, request, obj: Model | None = None):
        may_edit = self.has_change_permission(request, obj) if obj else True
        return ("name", "object", "key", "type", *(Validation.values if may_edit else ["limits"]), *SWITCHES)

    def get_readonly_fields(self, request, obj=None):
        return (*FOR_EVER, "limits") if obj else ()

    def get_changeform_initial_data(self, request):
        return {"object": Object.CUSTOMER, **super().get_changeform_initial_data(request)}

    def save_model(self, request, obj, form, change):
        given: dict[str, Any] = {name: form.cleaned_data[name] for name in COLUMNS if name in form.cleaned_data}
        given["validations"] = form.validations()
        if change:
            services.update_definition(obj.pk, **given)
        else:
            obj.pk = services.create_definition(**given).pk

    def delete_model(self, request, obj):
        services.delete_definition(obj.pk)

    @admin.display
    def limits(self, definition):
        return ", ".join(
            f"{Validation(each['type']).label.lower()}: {each['value']}" for each in definition.validations
        )
