"""The forms of a customer: they pass to the services only what was changed, and show the errors of the services."""

import csv
import json
from contextlib import suppress
from io import StringIO
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.forms.fields import InvalidJSONInput
from django.urls import reverse_lazy
from django_countries import countries

from customers import services, validation
from customers.core.json_values import StrictDecoder
from customers.dashboard.ids import is_id
from customers.dashboard.service_errors import UnchangedInstanceForm, as_validation_error, message_of
from customers.groups import services as groups
from customers.groups.models import CustomerGroup
from customers.limits import MAX_NOTE_LENGTH
from customers.models import Address, Customer
from oauth.actor import Actor
from oauth.email_addresses import MAX_EMAIL_LENGTH
from oauth.errors import ServiceError
from oauth.text import one_line
from oauth.widgets import EmailInput

CUSTOMER_FIELDS = (
    "email", "first_name", "last_name", "phone_number", "language", "accepts_marketing", "tags", "metadata",
)  # fmt: skip
ADDRESS_FIELDS = (
    "first_name", "last_name", "line1", "line2", "line3", "line4", "state", "postcode", "country", "phone_number",
    "notes", "is_default_for_shipping", "is_default_for_billing",
)  # fmt: skip
ADDRESSES_PER_PAGE = 20
NEEDS_QUOTES = ',"\r\n'


class IndentedEncoder(json.JSONEncoder):
    def __init__(self, **options):
        super().__init__(**{**options, "indent": 2})


class TagsField(forms.CharField):
    """Tags separated by commas. A tag that contains a comma stands in quotation marks, as in CSV."""

    def to_python(self, value):
        if isinstance(value, list):
            return value
        text = super().to_python(value) or ""
        if "\0" in text:
            raise ValidationError("Null characters are not allowed.")
        try:
            rows = list(csv.reader(StringIO(text), skipinitialspace=True))
        except csv.Error:
            raise ValidationError("Enter tags separated by commas.") from None
        return [word.strip() for row in rows for word in row if word.strip()]

    def prepare_value(self, value):
        if not isinstance(value, list):
            return value
        return ", ".join(
            '"{}"'.format(word.replace('"', '""')) if any(sign in word for sign in NEEDS_QUOTES) else word
            for word in map(one_line, value)
        )


class JSONField(forms.JSONField):
    """Shows invalid input again exactly as it was typed."""

    def __init__(self, **options):
        super().__init__(**{**options, "decoder": StrictDecoder})

    def to_python(self, value):
        try:
            return super().to_python(value)
        except (ValueError, RecursionError):  # a number too long, or nesting too deep, for Python's parser
            raise ValidationError(self.error_messages["invalid"], "invalid") from None

    def bound_data(self, data, initial):
        return InvalidJSONInput(data or "")


class MetadataField(JSONField):
    """A JSON object, or nothing."""

    def to_python(self, value):
        with as_validation_error():
            return validation.clean_metadata(super().to_python(value))

    def prepare_value(self, value):
        return "" if value is None else super().prepare_value(value)


class ChangedFieldsForm(UnchangedInstanceForm):
    """A form whose `changed_data` compares with the values on the page, not with the database.

    So the form writes only what this person changed, and keeps what others changed in the meantime.
    """

    columns: tuple[str, ...]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.show_hidden_initial = True

    def changes(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self.columns if name in self.changed_data}

    def everything(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self.columns}


class CustomerForm(ChangedFieldsForm):
    columns = CUSTOMER_FIELDS

    email = forms.EmailField(max_length=MAX_EMAIL_LENGTH, empty_value=None, widget=EmailInput({"class": "vTextField"}))
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

    customer_groups = forms.ModelMultipleChoiceField(
        CustomerGroup.objects.order_by("name"), label="Groups", required=False, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = Customer
        fields = CUSTOMER_FIELDS
        help_texts = {"phone_number": "With country code (+44 20 …). Without one, we use the first address's country."}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["email"].required = not self.instance.pk or bool(self.instance.email)
        for name in {"first_name", "last_name"} & self.fields.keys():  # a viewer's form has no fields
            cast(forms.CharField, self.fields[name]).empty_value = ""  # null is left to API clients

    def get_initial_for_field(self, field, field_name):
        if field_name == "customer_groups" and self.instance.pk:
            return [group.pk for group in groups.groups_of(self.instance.pk)]
        return super().get_initial_for_field(field, field_name)

    def group_ids(self) -> list[int] | None:
        """The groups that were chosen; None if the choice was not changed."""
        if "customer_groups" not in self.changed_data:
            return None
        return [group.pk for group in self.cleaned_data["customer_groups"]]

    def add_service_error(self, error: ServiceError) -> None:
        if error.path[:1] == ("addresses",):
            return  # AddressFormSet shows it
        if error.path[:1] == ("metadata",) and len(error.path) > 1:
            error = ServiceError(f"{error.path[1]}: {message_of(error)}", "metadata")
        super().add_service_error(error)


class PlainSelect(forms.Select):
    """One template for the whole select. Django's renders one per option: a second for a dozen lists of countries."""

    template_name = "dashboard/plain_select.html"


class AddressForm(ChangedFieldsForm):
    columns = ADDRESS_FIELDS

    country = forms.ChoiceField(choices=[("", "---------"), *countries], widget=PlainSelect)

    class Meta:
        model = Address
        fields = ADDRESS_FIELDS
        labels = {"line1": "Street and number", "line2": "Line 2", "line3": "Line 3", "line4": "City"}
        widgets = {"notes": forms.Textarea({"rows": 2, "class": "vLargeTextField"})}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        code, field = self.instance.country, cast(Any, self.fields.get("country"))  # a viewer's form has no fields
        if field and code and code not in validation.COUNTRY_CODES:
            field.choices = [(code, code), *field.choices]  # of a mirrored store


class AddressFormSet(forms.BaseInlineFormSet):
    """One page of the addresses of a customer; in a request that saves, those that were on the page."""

    forms: list[Any]
    service_error: ServiceError | None = None
    page = "1"

    def get_queryset(self):
        if not hasattr(self, "_queryset"):
            book = super().get_queryset().order_by("pk")
            if self.is_bound:
                names = (f"{self.add_prefix(number)}-id" for number in range(self.total_form_count()))
                ids = (self.data.get(name, "") for name in names)
                self._queryset = book.filter(pk__in=list(filter(is_id, ids)))
            else:
                self._queryset = cast(Any, Paginator(book, ADDRESSES_PER_PAGE).get_page(self.page).object_list)
        return self._queryset

    def clean(self):
        if self.service_error and self.service_error.path[:1] == ("addresses",):
            position = cast(int, self.service_error.path[1])
            self.forms[position].add_service_error(self.service_error)


def save(form: CustomerForm, addresses: AddressFormSet, by: Actor) -> None:
    """Needs a transaction. Raises the services' errors; of an address, the path starts with its row."""
    rows = [(position, row) for position, row in enumerate(addresses.forms) if row.has_changed()]
    kept = [(position, row) for position, row in rows if row not in addresses.deleted_forms]
    if form.instance.pk is None:
        form.instance.pk = _create(form, kept, by)
        return
    customer_id = form.instance.pk
    for row in addresses.deleted_forms:
        with suppress(Address.DoesNotExist):  # somebody else has deleted it already
            services.delete_address(customer_id, row.instance.pk, by=by)
    for position, row in kept:
        try:
            _save_address(customer_id, row, by)
        except ServiceError as error:
            raise error.within("addresses", position) from None
    # Last: a local phone number is read as one of the country of the first address.
    groups.update_customer(customer_id, by=by, group_ids=form.group_ids(), **form.changes())


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
        raise ServiceError("Somebody else has deleted this address.") from None


class BlockForm(forms.Form):
    block_reason = forms.CharField(
        label="Reason",
        max_length=validation.MAX_BLOCK_REASON_LENGTH,
        required=False,
        widget=forms.TextInput({"class": "vTextField"}),
        help_text="For staff. Apps do not see it; exports and the customer’s personal data have it.",
    )
    blocked_until = forms.DateTimeField(
        label="Until",
        required=False,
        widget=forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text="Leave it empty to block without an end.",
    )

    def clean_block_reason(self):
        with as_validation_error():
            return validation.clean_block_reason(self.cleaned_data["block_reason"])

    def clean_blocked_until(self):
        with as_validation_error():
            return validation.clean_block_end(self.cleaned_data["blocked_until"])


class NoteForm(forms.Form):
    message = forms.CharField(
        label="Note",
        max_length=MAX_NOTE_LENGTH,
        widget=forms.Textarea({"rows": 3, "class": "vLargeTextField"}),
    )

    def clean_message(self):
        with as_validation_error():
            return validation.clean_note(self.cleaned_data["message"])
