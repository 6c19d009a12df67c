"""Custom fields: definitions of metadata keys, with a form field for each validation that a type may have."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model

from customers.dashboard.service_errors import ServiceErrorsAdmin, ServiceErrorsForm
from customers.metadata import services
from customers.metadata.models import Definition, Object, Validation
from oauth.errors import ServiceError

COLUMNS = ("object", "key", "type", "name", "enable_filter", "enable_export")
NEVER_CHANGED = ("key", "type")
SWITCHES = ("enable_filter", "enable_export")
VALIDATION_HELP = {
    Validation.MAXIMUM_LENGTH: "For text: in characters. In a list: of each text.",
    Validation.MINIMUM_VALUE: "For numbers.",
    Validation.MAXIMUM_VALUE: "For numbers.",
    Validation.MAXIMUM_PRECISION: "For decimal numbers: the number of decimal places.",
    Validation.ACCEPT_ONLY_IMAGE: "For files.",
}


class DefinitionForm(ServiceErrorsForm):
    maximum_length = forms.CharField(required=False)
    minimum_value = forms.CharField(required=False)
    maximum_value = forms.CharField(required=False)
    maximum_precision = forms.CharField(required=False)
    accept_only_image = forms.BooleanField(required=False)

    class Meta:
        model = Definition
        fields = COLUMNS

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        given = {each["type"]: each["value"] for each in self.instance.validations}
        for validation in Validation:
            if validation in self.fields:  # a viewer's form has no fields
                self.initial[validation] = given.get(validation, "")
                self.fields[validation].help_text = VALIDATION_HELP[validation]
        if Validation.ACCEPT_ONLY_IMAGE in given:
            self.initial[Validation.ACCEPT_ONLY_IMAGE] = given[Validation.ACCEPT_ONLY_IMAGE] == "true"

    def _get_validation_exclusions(self):
        # The service decides whether the key is taken.
        return super()._get_validation_exclusions() | {"key"}  # type: ignore[misc]  # the stubs lack it

    def field_of(self, error: ServiceError) -> str | None:
        if error.path[:1] == ("validations",):
            return self.validations()[int(error.path[1])]["type"]
        return super().field_of(error)

    def validations(self) -> list[dict[str, str]]:
        given = {name: self.cleaned_data.get(name) for name in Validation.values}
        return [
            {"type": name, "value": "true" if value is True else str(value)} for name, value in given.items() if value
        ]


@admin.register(Definition)
class DefinitionAdmin(ServiceErrorsAdmin):
    form = DefinitionForm
    list_display = ("name", "key", "type", "object", "limits", *SWITCHES)
    ordering = ("name", "pk")
    list_per_page = 50
    show_full_result_count = False
    actions = None  # definitions are deleted one by one, on their pages
    empty_value_display = "—"

    def get_fields(self, request, obj: Model | None = None):
        may_edit = self.has_change_permission(request, obj) if obj else True
        return ("name", "object", "key", "type", *(Validation.values if may_edit else ["limits"]), *SWITCHES)

    def get_readonly_fields(self, request, obj=None):
        return (*NEVER_CHANGED, "limits") if obj else ()

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
