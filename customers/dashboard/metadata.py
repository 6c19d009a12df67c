"""Custom fields: definitions of metadata keys, with a form field for each validation that a type may have."""

import json
from typing import Any

from django import forms
from django.contrib import admin
from django.utils.text import slugify

from customers.dashboard.service_errors import ServiceErrorsAdmin, ServiceErrorsForm
from customers.metadata import services
from customers.metadata.models import Definition, Object, Type, Validation
from customers.metadata.values import APPLY_TO
from oauth.errors import ServiceError

COLUMNS = ("object", "key", "type", "name", "enable_filter", "enable_export")
NEVER_CHANGED = ("key", "type")
SWITCHES = ("enable_filter", "enable_export")
VALIDATION_HELP = {
    Validation.MAXIMUM_LENGTH: "In characters. In a list: of each text.",
    Validation.MAXIMUM_PRECISION: "The number of decimal places. Only for decimal numbers.",
}
TYPE_HELP = "It can’t be changed later."
KEY_HELP = (
    "The name that programs use. Leave it empty to make it from the name: “Shoe size” becomes shoe_size. "
    "It can’t be changed later."
)
TYPES = {
    Type.TEXT: "Text",
    Type.RICH_TEXT: "Text of several lines",
    Type.MULTI_TEXT: "List of texts",
    Type.INTEGER: "Whole number",
    Type.DECIMAL: "Decimal number",
    Type.BOOLEAN: "Yes or no",
    Type.FILE: "Link to a file",
}
# The limits of a new definition, for people without a script: it shows only those that the type has.
GROUPS = (
    ("Limits of texts", (Validation.MAXIMUM_LENGTH,)),
    ("Limits of numbers", (Validation.MINIMUM_VALUE, Validation.MAXIMUM_VALUE, Validation.MAXIMUM_PRECISION)),
    ("Limits of files", (Validation.ACCEPT_ONLY_IMAGE,)),
)


class DefinitionForm(ServiceErrorsForm):
    maximum_length = forms.CharField(required=False)
    minimum_value = forms.CharField(required=False)
    maximum_value = forms.CharField(required=False)
    maximum_precision = forms.CharField(required=False)
    accept_only_image = forms.BooleanField(required=False)

    class Media:
        js = ["dashboard/definition.js"]

    class Meta:
        model = Definition
        fields = COLUMNS

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        given = {each["type"]: each["value"] for each in self.instance.validations}
        for validation in Validation:
            if validation in self.fields:  # a viewer's form has no fields
                self.initial[validation] = given.get(validation, "")
                self.fields[validation].help_text = VALIDATION_HELP.get(validation, "")
        if "key" in self.fields:
            self.fields["key"].required = False
            self.fields["key"].help_text = KEY_HELP
        if "type" in self.fields:
            self.fields["type"].help_text = TYPE_HELP
            field: Any = self.fields["type"]
            field.choices = [("", "---------"), *TYPES.items()]
            limits = {kind: limits_of(kind) for kind in Type.values}
            self.fields["type"].widget.attrs["data-limits"] = json.dumps(limits)
        if Validation.ACCEPT_ONLY_IMAGE in given:
            self.initial[Validation.ACCEPT_ONLY_IMAGE] = given[Validation.ACCEPT_ONLY_IMAGE] == "true"

    def clean_key(self):
        return self.cleaned_data["key"] or slugify(self.cleaned_data.get("name") or "").replace("-", "_")

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


def limits_of(type: str) -> list[str]:
    """The names of the validations that a type has."""
    return [each.value for each in Validation if type in APPLY_TO[each]]


@admin.register(Definition)
class DefinitionAdmin(ServiceErrorsAdmin):
    about = "A custom field keeps something else about each customer, such as a shoe size or a VAT number."
    form = DefinitionForm
    list_display = ("name", "key", "type_of_values", "object", "limits", "is_filter", "is_exported")
    ordering = ("name", "pk")
    list_per_page = 50
    show_full_result_count = False
    empty_value_display = "—"

    def get_fieldsets(self, request, obj=None):
        """A definition of another object than customers comes from an app, and does nothing here."""
        own: tuple[str, ...] = ("name", "key", "type")
        if obj is None:
            limits: list[Any] = [(title, {"fields": names}) for title, names in GROUPS]
        elif self.has_change_permission(request, obj):
            limits = [("Limits", {"fields": limits_of(obj.type)})] if limits_of(obj.type) else []
        else:
            limits = [("Limits", {"fields": ("limits",)})]
        if obj and obj.object != Object.CUSTOMER:
            own = (*own, "object")
        return [(None, {"fields": own}), *limits, ("Use", {"fields": SWITCHES})]

    def get_readonly_fields(self, request, obj=None):
        return (*NEVER_CHANGED, "object", "limits") if obj else ()

    def save_model(self, request, obj, form, change):
        given: dict[str, Any] = {name: form.cleaned_data[name] for name in COLUMNS if name in form.cleaned_data}
        given["validations"] = form.validations()
        if change:
            services.update_definition(obj.pk, **given)
        else:
            obj.pk = services.create_definition(object=Object.CUSTOMER, **given).pk

    def delete_model(self, request, obj):
        services.delete_definition(obj.pk)

    @admin.display(description="type", ordering="type")
    def type_of_values(self, definition):
        return TYPES[definition.type]

    @admin.display(description="filter", ordering="enable_filter")
    def is_filter(self, definition):
        return "Yes" if definition.enable_filter else "No"

    @admin.display(description="export", ordering="enable_export")
    def is_exported(self, definition):
        return "Yes" if definition.enable_export else "No"

    @admin.display
    def limits(self, definition):
        return ", ".join(
            f"{Validation(each['type']).label.lower()}: {each['value']}" for each in definition.validations
        )
