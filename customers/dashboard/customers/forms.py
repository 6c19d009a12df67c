"""A customer and their addresses as a form: it hands to the services what was changed, and shows what they refuse."""

import csv
import json
from contextlib import suppress
from io import StringIO
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.forms.fields import InvalidJSONInput
from django.urls import reverse_lazy
from django_countries import countries

from customers import services, validation
from customers.models import Address, Customer
from oauth.actor import Actor
from oauth.errors import ServiceError

PERSON = (
    "email", "first_name", "last_name", "phone_number", "language", "accepts_marketing", "tags", "metadata",
)  # fmt: skip
ADDRESS = (
    "first_name", "last_name", "line1", "line2", "line3", "line4", "state", "postcode", "country", "phone_number",
    "notes", "is_default_for_shipping", "is_default_for_billing",
)  # fmt: skip
TO_BE_QUOTED = ',"\r\n'


class IndentedEncoder(json.JSONEncoder):
    def __init__(self, **options):
        super().__init__(**{**options, "indent": 2})


class TagsField(forms.CharField):
    """Words separated by commas; one that contains a comma is put in quotation marks, as in CSV."""

    def to_python(self, value):
        if isinstance(value, list):
            return value
        text = super().to_python(value) or ""
        if "\0" in text:
            raise ValidationError("Null characters are not allowed.")
        try:
            rows = list(csv.reader(StringIO(text), skipinitialspace=True))
        except csv.Error:
            raise ValidationError("Enter words separated by commas.") from None
        return [word.strip() for row in rows for word in row if word.strip()]

    def prepare_value(self, value):
        if not isinstance(value, list):
            return value
        return ", ".join(
            '"{}"'.format(word.replace('"', '""')) if any(sign in word for sign in TO_BE_QUOTED) else word
            for word in value
        )


class JSONField(forms.JSONField):
    """What was typed is shown again as it was typed."""

    def to_python(self, value):
        try:
            return super().to_python(value)
        except (ValueError, RecursionError):  # of a number or of levels that Python does not read
            raise ValidationError(self.error_messages["invalid"], "invalid") from None

    def bound_data(self, data, initial):
        return InvalidJSONInput(data or "")


class MetadataField(JSONField):
    """An object, or nothing."""

    def to_python(self, value):
        try:
            return validation.clean_metadata(super().to_python(value))
        except ServiceError as error:
            raise ValidationError(error.message, error.code) from None

    def prepare_value(self, value):
        return "" if value is None else super().prepare_value(value)


class SinceRead(forms.ModelForm):
    """A form whose `changed_data` is what was changed since its page was read. What others changed meanwhile, and this
    form did not, is then left alone.
    """

    columns: tuple[str, ...]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.show_hidden_initial = True

    def _post_clean(self):
        """Nothing is put into the instance, which stays as it was read: a service writes, and checks constraints."""

    def changes(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self.columns if name in self.changed_data}

    def everything(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self.columns}

    def show(self, error: ServiceError, name: Any) -> None:
        self.add_error(name if name in self.fields else None, ValidationError(error.message, error.code))


class CustomerForm(SinceRead):
    columns = PERSON
    # What a service refused when this very form was saved.
    refusal: ServiceError | None = None

    email = forms.EmailField(
        max_length=validation.MAX_EMAIL_LENGTH, empty_value=None, widget=forms.EmailInput({"class": "vTextField"})
    )
    tags = TagsField(
        required=False,
        widget=forms.TextInput(
            {"class": "vTextField", "data-suggestions": reverse_lazy("admin:customers_customer_tags")}
        ),
        help_text="Separated by commas.",
    )
    metadata = MetadataField(
        required=False,
        encoder=IndentedEncoder,
        widget=forms.Textarea({"rows": 6, "class": "vLargeTextField", "spellcheck": "false"}),
        help_text="A JSON object.",
    )

    class Meta:
        model = Customer
        fields = PERSON
        help_texts = {"phone_number": "With its country code, or a local one of the country of the first address."}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["email"].required = not self.instance.pk or bool(self.instance.email)
        for name in {"first_name", "last_name"} & self.fields.keys():  # none for who may only look
            cast(forms.CharField, self.fields[name]).empty_value = ""  # null is for programs

    def clean(self):
        if self.refusal and self.refusal.path[:1] != ("addresses",):
            field, *keys = self.refusal.path or (None,)
            if field == "metadata" and keys:  # which is one field here
                self.refusal = ServiceError(f"{keys[0]}: {self.refusal.message}")
            self.show(self.refusal, field)
        return super().clean()


class PlainSelect(forms.Select):
    """Django renders a template for each option: a second for a dozen addresses with a choice of all countries."""

    template_name = "dashboard/select.html"


class AddressForm(SinceRead):
    columns = ADDRESS

    country = forms.ChoiceField(choices=[("", "---------"), *countries], widget=PlainSelect)

    class Meta:
        model = Address
        fields = ADDRESS
        labels = {"line1": "Street and number", "line2": "Line 2", "line3": "Line 3", "line4": "City"}
        widgets = {"notes": forms.Textarea({"rows": 2, "class": "vLargeTextField"})}


class AddressFormSet(forms.BaseInlineFormSet):
    forms: list[Any]
    refusal: ServiceError | None = None

    def clean(self):
        if self.refusal and self.refusal.path[:1] == ("addresses",):
            _, position, *field = cast(Any, self.refusal.path)
            self.forms[position].show(self.refusal, next(iter(field), None))


def save(form: CustomerForm, addresses: AddressFormSet, by: Actor) -> None:
    """Within a transaction of the caller's. Raises what the services do; of an address, with its row in the path."""
    rows = [(position, row) for position, row in enumerate(addresses.forms) if row.has_changed()]
    kept = [(position, row) for position, row in rows if row not in addresses.deleted_forms]
    if form.instance.pk is None:
        form.instance.pk = _create(form, kept, by)
        return
    customer_id = form.instance.pk
    for row in addresses.deleted_forms:
        with suppress(Address.DoesNotExist):  # deleted by somebody else meanwhile is as good
            services.delete_address(customer_id, row.instance.pk, by=by)
    for position, row in kept:
        try:
            _save_address(customer_id, row, by)
        except ServiceError as error:
            raise error.within("addresses", position) from None
    # Last, for a local phone number is taken to be one of the country of the first address.
    services.update_user(customer_id, by=by, **form.changes())


def _create(form: CustomerForm, rows: list[tuple[int, AddressForm]], by: Actor) -> int:
    try:
        return services.create_user(by=by, addresses=[row.everything() for _, row in rows], **form.everything()).pk
    except ServiceError as error:
        if error.path[:1] == ("addresses",):
            _, position, *field = cast(Any, error.path)
            error.path = ("addresses", rows[position][0], *field)
        raise


def _save_address(customer_id: int, row: AddressForm, by: Actor) -> None:
    if row.instance.pk is None:
        services.add_address(customer_id, by=by, **row.everything())
        return
    try:
        services.update_address(customer_id, row.instance.pk, by=by, **row.changes())
    except Address.DoesNotExist:
        raise ServiceError("Somebody has deleted this address meanwhile.") from None


class NoteForm(forms.Form):
    message = forms.CharField(
        label="Note",
        max_length=validation.MAX_NOTE_LENGTH,
        widget=forms.Textarea({"rows": 3, "class": "vLargeTextField"}),
    )
