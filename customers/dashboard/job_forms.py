"""The forms that ask for a job's options before it starts. `options()` of a valid form returns them."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse_lazy
from django_countries import countries

from customers import validation
from customers.dashboard.customers.fields import PlainSelect, TagsField
from customers.dashboard.customers.forms import BlockForm
from customers.dashboard.service_errors import as_validation_error
from customers.groups.models import CustomerGroup
from customers.jobs import bulk_edits, tag_edits
from customers.jobs.exports import formats
from customers.jobs.exports.parts import EXPORT
from customers.jobs.imports import services as imports
from customers.jobs.imports.columns import ADDRESS, ADDRESSES, METADATA, MORE_ADDRESSES, PERSON, REASONS, label
from customers.jobs.imports.header import DELIMITERS
from customers.jobs.imports.load import IMPORT
from customers.jobs.imports.values import DateOrder
from customers.jobs.models import Job
from customers.metadata import services as definitions

DELIMITER_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
DATE_ORDERS = {
    DateOrder.UNKNOWN: "Year first: 2020-01-31",
    DateOrder.DAY_FIRST: "Day first: 31/01/2020, 31.1.2020",
    DateOrder.MONTH_FIRST: "Month first: 01/31/2020",
}


class UploadForm(forms.Form):
    file = forms.FileField(
        label="File",
        help_text="CSV with column names in the first row, or JSON Lines (UTF-8)",
        widget=forms.FileInput({"accept": ".csv,.tsv,.txt,.jsonl,.ndjson"}),
    )
    delimiter = forms.ChoiceField(
        label="Separator of the cells",
        required=False,
        choices=[("", "as in the first row"), *((each, DELIMITER_NAMES[each]) for each in DELIMITERS)],
        widget=PlainSelect,
    )


class JobForm(forms.Form):
    def __init__(self, job: Job, *args, **kwargs):
        self.job = job
        super().__init__(*args, **{"label_suffix": "", **kwargs})

    def options(self) -> dict[str, Any]:
        return {}

    def columns(self) -> list[Any]:
        """Of an import: each column's form field, and its values in the first rows."""
        return []


class TagsForm(JobForm):
    tags = TagsField(
        widget=forms.TextInput(
            {"class": "vTextField", "data-suggestions": reverse_lazy("admin:customers_customer_tags")}
        ),
        help_text="Separated by commas.",
    )

    def clean_tags(self) -> list[str]:
        with as_validation_error():
            return validation.clean_tags(self.cleaned_data["tags"])

    def options(self):
        return {"tags": self.cleaned_data["tags"]}


class GroupForm(JobForm):
    group = forms.ModelChoiceField(CustomerGroup.objects.order_by("name"), widget=PlainSelect)

    def options(self):
        group = self.cleaned_data["group"]
        return {"group_id": group.pk, "group_name": group.name}


class BlockJobForm(BlockForm, JobForm):
    def options(self):
        until = self.cleaned_data["blocked_until"]
        return {"block_reason": self.cleaned_data["block_reason"], "blocked_until": until and until.isoformat()}


class ExportForm(JobForm):
    format = forms.ChoiceField(
        choices=[(name, each.label) for name, each in formats.FORMATS.items()],
        widget=forms.RadioSelect,
        initial=next(iter(formats.FORMATS)),
    )
    excel = forms.BooleanField(
        label="Mark the CSV file as UTF-8 (byte order mark), which Excel needs to show accents", required=False
    )

    def options(self):
        return {"format": self.cleaned_data["format"], "excel": self.cleaned_data["excel"]}


class ImportForm(JobForm):
    """A choice of a field for each column, as it was guessed or chosen before."""

    update = forms.BooleanField(
        label="Update existing customers (matched by email) instead of rejecting the row",
        required=False,
        help_text="Their addresses stay as they are.",
    )

    date_order = forms.ChoiceField(
        label="Dates",
        required=False,
        choices=list(DATE_ORDERS.items()),
        widget=PlainSelect,
        help_text="Dates with the year first are read in any case.",
    )
    country = forms.ChoiceField(
        label="Addresses without a country are in",
        required=False,
        choices=lambda: [("", "(reject the row)"), *countries],
        widget=PlainSelect,
        help_text="Countries of the file are codes or names, as in DE, Germany, Deutschland, Allemagne.",
    )

    def __init__(self, job, *args, **kwargs):
        super().__init__(job, *args, **kwargs)
        options = IMPORT.options_of(job)
        self.file_format = options.file_format
        self.fields["update"].initial = options.update
        self.fields["date_order"].initial = options.date_order
        self.fields["country"].initial = options.country
        defined = definitions.customer_names()
        chosen = options.fields or self.file_format.map_columns({}, defined)
        headers = [header for header in self.file_format.headers if header != REASONS]
        self.names = {f"column_{number}": header for number, header in enumerate(headers)}
        for name, header in self.names.items():
            self.fields[name] = forms.ChoiceField(
                label=header,
                required=False,
                choices=choices_for(header, chosen.get(header), defined),
                initial=chosen.get(header, ""),
                widget=PlainSelect,
            )

    def value_fields(self):
        """How the values of the columns are read."""
        return [self["date_order"], self["country"]]

    def columns(self):
        """Raises ServiceError if the file can't be read."""
        rows = imports.first_rows(self.job)
        return [(self[name], [row.get(header, "") for row in rows]) for name, header in self.names.items()]

    def clean(self):
        # A column that was not chosen stays unassigned: its field is not guessed again.
        given = {header: self.cleaned_data.get(name, "") for name, header in self.names.items()}
        with as_validation_error():
            self.chosen = self.file_format.map_columns(given)
        if "email" not in self.chosen.values():
            raise ValidationError("Choose the column with the email address.", "required")

    def options(self):
        dry_run = "rehearse" in self.data
        given = {name: self.cleaned_data[name] for name in ("update", "date_order", "country")}
        return {"fields": self.chosen, "dry_run": dry_run, **given}


def choices_for(header: str, chosen: str | None, defined: Mapping[str, str]) -> list[Any]:
    """`defined`: the names of custom fields, by key."""
    custom = {METADATA + key: name for key, name in defined.items()}
    for field in filter(None, [f"{METADATA}{header}", chosen]):
        if field.startswith(METADATA):
            custom.setdefault(field, f"metadata: {field.removeprefix(METADATA)}")
    return [
        ("", "(don't import)"),
        ("Customer", [(name, label(name)) for name in PERSON]),
        ("First address", [(f"address_{name}", label(f"address_{name}").removeprefix("address ")) for name in ADDRESS]),
        ("More", [(ADDRESSES, "all addresses, as JSON"), (MORE_ADDRESSES, "further addresses, as JSON")]),
        ("Custom fields", list(custom.items())),
    ]


def form_of(edit: bulk_edits.BulkEdit) -> type[JobForm]:
    if isinstance(edit, bulk_edits.TagEdit):
        return TagsForm
    return GroupForm if isinstance(edit, bulk_edits.GroupEdit) else JobForm


FORMS: dict[str, type[JobForm]] = {
    IMPORT.key: ImportForm,
    EXPORT.key: ExportForm,
    **{key: form_of(each) for key, each in bulk_edits.TYPES.items()},
    **{each.key: JobForm for each in tag_edits.TYPES},
    "block": BlockJobForm,
}
