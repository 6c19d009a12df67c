"""The forms of a customer. They pass to the services only what was changed, and show all errors at once."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.urls import reverse, reverse_lazy
from django.utils.html import format_html
from django_countries import countries

from customers import services, validation
from customers.core.json_values import is_same_json
from customers.dashboard.customers.fields import (
    GroupsField,
    IndentedEncoder,
    MetadataField,
    PlainSelect,
    TagsField,
    defined_fields,
)
from customers.dashboard.service_errors import UnchangedInstanceForm, as_validation_error, message_of
from customers.filters import METADATA
from customers.groups import services as groups
from customers.groups.models import CustomerGroup
from customers.limits import MAX_NOTE_LENGTH
from customers.metadata import services as definitions
from customers.models import Address, Customer, User
from customers.validation import EmailTaken
from oauth.actor import Actor
from oauth.email_addresses import MAX_EMAIL_LENGTH
from oauth.errors import ServiceError
from oauth.widgets import EmailInput

CUSTOMER_FIELDS = (
    "email", "first_name", "last_name", "phone_number", "language", "accepts_marketing", "tags", "metadata",
)  # fmt: skip
ADDRESS_FIELDS = (
    "first_name", "last_name", "line1", "line2", "line3", "postcode", "line4", "state", "country", "phone_number",
    "notes", "is_default_for_shipping", "is_default_for_billing",
)  # fmt: skip
MAX_NEW_ADDRESSES = 50  # of a new customer, in one request


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the customer's form that a card of the page edits by itself."""

    title: str
    fields: tuple[str, ...]

    def has(self, name: str) -> bool:
        return name in self.fields or ("metadata" in self.fields and name.startswith(METADATA))


PARTS = {
    "contact": Part("Edit contact", ("first_name", "last_name", "email", "phone_number", "language")),
    "tags": Part("Edit tags", ("tags",)),
    "groups": Part("Edit groups", ("customer_groups",)),
    "marketing": Part("Edit marketing consent", ("accepts_marketing",)),
    "custom-fields": Part("Edit custom fields", ("metadata",)),
}
EVERYTHING = Part("Edit customer", (*CUSTOMER_FIELDS, "customer_groups"))


class ChangedFieldsForm(UnchangedInstanceForm):
    """A form whose `changed_data` compares with the values on the page, not with the database.

    So the form writes only what this person changed, and keeps what others changed in the meantime.
    """

    columns: tuple[str, ...]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.show_hidden_initial = True

    def given(self) -> dict[str, Any]:
        """What a service gets of a valid form: all values of a new object, else those that were changed."""
        names = self.columns if self.instance.pk is None else self.changed_data
        return {name: self.cleaned_data[name] for name in self.columns if name in names and name in self.cleaned_data}

    def check_each(self, check: Callable[[dict[str, Any]], Any]) -> None:
        """Adds the errors of all fields. A service stops at the first one."""
        for name, value in self.given().items():
            try:
                check({name: value})
            except ServiceError as error:
                self.add_service_error(error)

    def add_service_error(self, error: ServiceError) -> None:
        text = (self.cleaned_data or {}).get("phone_number")
        if error.path[-1:] == ("phone_number",) and (hint := read_as(text, *self.assumed_country())):
            self.add_error("phone_number", ValidationError(f"{message_of(error)} {hint}", error.code))
        else:
            super().add_service_error(error)

    def assumed_country(self) -> tuple[str | None, str]:
        """That of a local phone number (ISO 3166), and where it is from."""
        return settings.STORE_COUNTRY or None, "the store’s country"


def read_as(phone_number: str | None, country: str | None, source: str) -> str:
    """Which country was assumed for a number. Empty for an international number, and without a country."""
    if not phone_number or not country or phone_number.strip().startswith(("+", "＋")):
        return ""
    return (
        f"It was read as a number of {countries.name(country) or country}, {source}. "
        "For another country, start with its country code, as in +33 1 …"
    )


class CustomerForm(ChangedFieldsForm):
    """The whole form, or a part of it. Each definition of a customer's metadata has a field, `metadata.KEY`."""

    columns = CUSTOMER_FIELDS

    email = forms.EmailField(max_length=MAX_EMAIL_LENGTH, empty_value=None, widget=EmailInput)
    tags = TagsField(
        required=False,
        widget=forms.TextInput({"data-suggestions": reverse_lazy("admin:customers_customer_tags")}),
        help_text="Separated by commas.",
    )
    metadata = MetadataField(
        label="Further values (JSON)",
        required=False,
        encoder=IndentedEncoder,
        widget=forms.Textarea({"rows": 6, "spellcheck": "false"}),
        help_text="An object with keys that no custom field defines. An empty text removes a key.",
    )
    customer_groups = GroupsField(label="Groups", widget=forms.CheckboxSelectMultiple)

    class Meta:
        model = Customer
        fields = CUSTOMER_FIELDS
        labels = {"accepts_marketing": "Accepts marketing emails"}
        help_texts = {"phone_number": "With country code (+44 20 …). Without one, we use the first address's country."}

    def __init__(self, *args, part: Part = EVERYTHING, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields = {name: field for name, field in self.fields.items() if part.has(name)}
        if "email" in self.fields:
            self.fields["email"].required = not self.instance.pk or bool(self.instance.email)
            if not self.instance.pk:
                self.fields["email"].widget.attrs["autofocus"] = True
        for name in {"first_name", "last_name"} & self.fields.keys():
            cast(forms.CharField, self.fields[name]).empty_value = ""  # null is left to API clients
        if "metadata" in self.fields:
            self._add_defined_fields()
        if "customer_groups" in self.fields and not (self.instance.pk and CustomerGroup.objects.exists()):
            del self.fields["customer_groups"]
        self.first_country: str | None = None

    def _add_defined_fields(self) -> None:
        metadata = self.instance.metadata or {}
        fields = defined_fields(definitions.customer_definitions(), metadata)
        for field in fields.values():
            field.show_hidden_initial = True
        raw = self.fields.pop("metadata")
        self.fields |= {**fields, "metadata": raw}
        self.initial["metadata"] = {key: metadata[key] for key in metadata if METADATA + key not in fields} or None

    def get_initial_for_field(self, field, field_name):
        if field_name == "customer_groups" and self.instance.pk:
            return [group.pk for group in groups.groups_of(self.instance.pk)]
        return super().get_initial_for_field(field, field_name)

    @property
    def main_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name != "metadata"]

    @property
    def advanced_fields(self) -> list[forms.BoundField]:
        return [self["metadata"]] if "metadata" in self.fields else []

    def clean(self):
        self.first_country = self._first_country()
        self.check_each(lambda given: services.clean_person(given, country=self.first_country))
        if self.given().get("email") and self._customer_with_email():
            self.add_service_error(EmailTaken())
        return super().clean()

    def given(self):
        """With `metadata_changes` in place of the metadata, so that a key that others changed stays as it is."""
        given = super().given()
        typed = given.pop("metadata", None)
        changes = self._metadata_changes()
        if self.instance.pk is None:
            return {**given, "metadata": changes or typed}
        return {**given, "metadata_changes": changes} if changes else given

    def update(self, by: Actor) -> None:
        """Raises what the services raise."""
        groups.update_customer(self.instance.pk, by=by, group_ids=self.group_ids(), **self.given())

    def group_ids(self) -> list[int] | None:
        """The groups that were chosen; None if the choice was not changed."""
        if "customer_groups" not in self.changed_data:
            return None
        return [group.pk for group in self.cleaned_data["customer_groups"]]

    def add_service_error(self, error: ServiceError) -> None:
        if isinstance(error, EmailTaken) and "email" in self.fields:
            self.add_error("email", ValidationError(self._email_taken(), error.code))
            return
        if error.path[:1] == ("metadata",) and len(error.path) > 1:
            name = f"{METADATA}{error.path[1]}"
            if name in self.fields:
                error = ServiceError(message_of(error), name)
            else:
                error = ServiceError(f"{error.path[1]}: {message_of(error)}", "metadata")
        super().add_service_error(error)

    def assumed_country(self):
        if self.first_country:
            return self.first_country, "the country of the first address"
        return super().assumed_country()

    def _first_country(self) -> str | None:
        if self.instance.pk:
            return self.instance.addresses.order_by("id").values_list("country", flat=True).first()
        typed = (self.data.get(f"addresses-{row}-country") for row in range(MAX_NEW_ADDRESSES))
        return next((country for country in typed if country in validation.COUNTRY_CODES), None)

    def _metadata_changes(self) -> dict[str, Any]:
        """By key: the new value; an empty text removes the key."""
        changes = {}
        for name in self.changed_data:
            if name.startswith(METADATA) and name in self.cleaned_data:
                value = self.cleaned_data[name]
                changes[name.removeprefix(METADATA)] = "" if value in forms.Field.empty_values else value
        if "metadata" in self.changed_data and "metadata" in self.cleaned_data:
            former, latter = self._former_metadata(), self.cleaned_data["metadata"] or {}
            changes |= dict.fromkeys(former.keys() - latter.keys(), "")
            changes |= {
                key: value for key, value in latter.items() if key not in former or not is_same_json(former[key], value)
            }
        return changes

    def _former_metadata(self) -> Mapping[str, Any]:
        """The further values that the page showed."""
        try:
            shown = self.data.get(self.add_initial_prefix("metadata"), "")
            return self.fields["metadata"].to_python(shown) or {}
        except ValidationError:
            return {}

    def _customer_with_email(self) -> User | None:
        return User.objects.with_email(self.cleaned_data["email"]).exclude(pk=self.instance.pk).first()

    def _email_taken(self) -> str:
        taken = self._customer_with_email()
        if taken is None:
            return message_of(EmailTaken())
        if taken.is_staff:
            return "There is already a member of staff with this email address."
        url = reverse("admin:customers_customer_change", args=[taken.pk])
        return format_html('There is already a customer with this email address: <a href="{}">{}</a>', url, taken)


class AddressForm(ChangedFieldsForm):
    columns = ADDRESS_FIELDS

    country = forms.ChoiceField(choices=[("", "---------"), *countries], widget=PlainSelect)

    class Meta:
        model = Address
        fields = ADDRESS_FIELDS
        labels = {
            "line1": "Street and number",
            "line2": "Line 2",
            "line3": "Line 3",
            "line4": "City",
            "is_default_for_shipping": "Default for shipping",
            "is_default_for_billing": "Default for billing",
        }
        help_texts = {"phone_number": "With country code. Without one, it is a number of this address’s country."}
        widgets = {"notes": forms.Textarea({"rows": 2})}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        code, field = self.instance.country, cast(Any, self.fields["country"])
        if code and code not in validation.COUNTRY_CODES:
            field.choices = [(code, code), *field.choices]  # of a mirrored store

    def clean(self):
        if self.has_changed():
            country = self.cleaned_data.get("country") or self.instance.country or None
            self.check_each(lambda given: validation.clean_address(given, country=country))
        return super().clean()

    def assumed_country(self):
        if country := self.cleaned_data.get("country"):
            return country, "the country of the address"
        return super().assumed_country()

    def add_or_update(self, customer_id: int, by: Actor) -> None:
        """Raises what the services raise."""
        if self.instance.pk is None:
            services.add_address(customer_id, by=by, **self.given())
        elif given := self.given():
            services.update_address(customer_id, self.instance.pk, by=by, **given)


# Of a new customer: one address, which may be left empty. A request may send more.
AddressFormSet = forms.formset_factory(
    AddressForm, extra=1, max_num=MAX_NEW_ADDRESSES, absolute_max=MAX_NEW_ADDRESSES, validate_max=True
)


def create(form: CustomerForm, rows: Iterable[AddressForm], by: Actor) -> User:
    """Creates a customer with addresses. Raises ServiceError; of an address, the form shows it."""
    given = [row for row in rows if row.has_changed()]
    try:
        return services.create_user(by=by, addresses=[row.given() for row in given], **form.given())
    except ServiceError as error:
        if error.path[:1] == ("addresses",) and len(error.path) > 1:
            given[int(error.path[1])].add_service_error(error)
        else:
            form.add_service_error(error)
        raise


class BlockForm(forms.Form):
    block_reason = forms.CharField(
        label="Reason",
        max_length=validation.MAX_BLOCK_REASON_LENGTH,
        required=False,
        help_text="For staff. Apps do not see it; exports and the customer’s personal data have it.",
    )
    blocked_until = forms.DateTimeField(
        label="Until",
        required=False,
        widget=forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text="In the store’s time zone. Leave it empty to block without an end.",
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
        widget=forms.Textarea({"rows": 3}),
    )

    def clean_message(self):
        with as_validation_error():
            return validation.clean_note(self.cleaned_data["message"])
