"""How the dashboard shows the errors that services raise: one place for messages, one for forms."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from customers import validation
from customers.dashboard.model_admin import DashboardAdmin
from customers.limits import MAX_DEFINITIONS
from customers.metadata.services import KeyTaken as DefinitionKeyTaken
from customers.metadata.services import TooManyDefinitions
from customers.validation import EmailTaken
from oauth.errors import ServiceError
from oauth.text import one_line

# What the dashboard says instead of a service's own message, which is written for programs.
MESSAGES: dict[type[ServiceError], str] = {
    DefinitionKeyTaken: "There is already a custom field with this key.",
    EmailTaken: "There is already a customer or a member of staff with this email address.",
    TooManyDefinitions: f"A store has at most {MAX_DEFINITIONS} custom fields.",
}


def message_of(error: ServiceError) -> str:
    return MESSAGES.get(type(error), error.message)


def to_validation_error(error: ServiceError) -> ValidationError:
    return ValidationError(message_of(error), error.code)


@contextmanager
def as_validation_error() -> Iterator[None]:
    """Within a field's or a form's `clean`: a ServiceError is raised as the ValidationError that Django expects."""
    try:
        yield
    except ServiceError as error:
        raise to_validation_error(error) from None


class ServiceErrorsForm(forms.ModelForm):
    """A form that shows the error with which a service refused this very data, at the field that the error names."""

    service_error: ServiceError | None = None

    def clean(self):
        if self.service_error:
            self.add_service_error(self.service_error)
        return super().clean()

    def add_service_error(self, error: ServiceError) -> None:
        self.add_error(self.field_of(error), to_validation_error(error))

    def get_initial_for_field(self, field, field_name):
        """Shows a stored line break as a service would replace it. A browser leaves breaks out of an input: a field
        that nobody touched would be glued together, and be taken for changed."""
        value = super().get_initial_for_field(field, field_name)
        if isinstance(value, str) and isinstance(field.widget, forms.TextInput):
            return one_line(value, validation.ADDRESS_SEPARATORS.get(field_name, " "))
        return value

    def field_of(self, error: ServiceError) -> str | None:
        """The first field of this form on the error's path. None: an error of the whole form."""
        return next((str(name) for name in error.path if name in self.fields), None)


class UnchangedInstanceForm(ServiceErrorsForm):
    """A form that leaves its instance as it was read. A service gets `cleaned_data`, validates and writes."""

    def _post_clean(self):
        """Sets no attribute of the instance, and does not validate it."""


class ServiceErrorsAdmin(DashboardAdmin):
    """Saves by a service. If the service refuses, the form is shown again, with the error; nothing was saved.

    The form is a ServiceErrorsForm. An inline formset that shows errors of its rows takes `request.service_error`.
    """

    def get_form(self, request, obj=None, change=False, **options):
        form: Any = super().get_form(request, obj, change=change, **options)
        form.service_error = getattr(request, "service_error", None)
        return form

    def changeform_view(self, request, *args, **options):
        try:
            return super().changeform_view(request, *args, **options)
        except ServiceError as error:
            request.service_error = error
            return super().changeform_view(request, *args, **options)
