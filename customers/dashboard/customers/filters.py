"""The filters of the list of customers: links for a choice, a small form for typed values."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django_countries import countries

from customers.dashboard.customers.fields import PlainSelect
from customers.filters import METADATA, filter_customers
from customers.groups.models import CustomerGroup
from customers.metadata import services as definitions
from customers.metadata.models import Definition, Type
from customers.models import Customer, Language, UserType
from customers.segments.models import Segment
from customers.validation import MAX_TAG_LENGTH

YES_OR_NO = [("True", "Yes"), ("False", "No")]
MAX_INTEGER = 2**31 - 1  # of the database column


class ChoiceFilter(admin.SimpleListFilter):
    """A link for each value of the filter `parameter_name`. Any other value is ignored."""

    parameter_name: str
    options: Sequence[tuple[str, Any]]

    @classmethod
    def parameters(cls):
        return [cls.parameter_name]

    def lookups(self, request, model_admin):
        return self.options

    def given(self) -> dict[str, Any]:
        value = self.value()
        return {self.parameter_name: value} if value in dict(self.options) else {}

    def queryset(self, request, queryset):
        return filter_customers(queryset, self.given())


class FormFilter(admin.ListFilter):
    """A form in the sidebar; its fields are filters. Sending it keeps the other filters of the page. Invalid values are
    marked in the form and ignored."""

    template = "dashboard/customers/form_filter.html"
    form_class: type[forms.Form]

    def __init__(self, request, params, model, model_admin):
        super().__init__(request, params, model, model_admin)
        given = {name: params.pop(name)[-1] for name in self.parameters() if name in params}
        self.form = self.form_class(given or None, auto_id="filter_%s")

    @classmethod
    def parameters(cls):
        return list(cls.form_class.base_fields)

    def expected_parameters(self):
        return self.parameters()

    def has_output(self):
        return True

    def given(self) -> dict[str, Any]:
        self.form.is_valid()  # if not, `cleaned_data` has the valid fields
        values = getattr(self.form, "cleaned_data", {})
        return {name: value for name, value in values.items() if value not in forms.Field.empty_values}

    def queryset(self, request, queryset):
        return filter_customers(queryset, self.given())

    def choices(self, changelist):
        own = self.parameters()
        self.kept = [
            (name, value) for name, values in changelist.filter_params.items() if name not in own for value in values
        ]
        self.without = changelist.get_query_string(remove=own)
        return []


def bounds(name: str, field: type[forms.Field], **options: Any) -> type[forms.Form]:
    """A form for a range that includes both ends. Either end may be left empty."""
    ends = {f"{name}_{end}": field(label=end.capitalize(), required=False, **options) for end in ("from", "to")}
    return type("Bounds", (forms.Form,), ends)


class TagForm(forms.Form):
    tag = forms.CharField(max_length=MAX_TAG_LENGTH, required=False, help_text="Exact tag")


class AddressForm(forms.Form):
    country = forms.ChoiceField(choices=lambda: [("", "Any"), *countries], required=False)
    street = forms.CharField(required=False)
    city = forms.CharField(required=False)
    state = forms.CharField(required=False)
    postcode = forms.CharField(required=False)


class TypeFilter(ChoiceFilter):
    title = "type"
    parameter_name = "user_type"
    options = [(each.value, each.label) for each in (UserType.CUSTOMER, UserType.LEAD)]


class LanguageFilter(ChoiceFilter):
    title = parameter_name = "language"
    options = Language.choices


class BlockedFilter(ChoiceFilter):
    title = "blocked"
    parameter_name = "is_blocked"
    options = YES_OR_NO


class MarketingFilter(ChoiceFilter):
    title = "marketing consent"
    parameter_name = "accepts_marketing"
    options = YES_OR_NO


class TagFilter(FormFilter):
    """Any tag can be typed; the most common tags of the newest customers are links, too."""

    title = "tag"
    newest = 500
    most_common = 8
    form_class = TagForm

    def choices(self, changelist):
        super().choices(changelist)
        newest = Customer.objects.newest_first().values_list("tags", flat=True)[: self.newest]
        words = Counter(word for tags in newest for word in tags).most_common(self.most_common)
        chosen = self.form["tag"].value()
        return [
            {"display": word, "selected": word == chosen, "query_string": changelist.get_query_string({"tag": word})}
            for word, _ in words
        ]


class JoinedFilter(FormFilter):
    title = "day joined"
    form_class = bounds("joined", forms.DateField, widget=forms.DateInput({"type": "date"}))


class AddressFilter(FormFilter):
    """All of it has to match the same address. A part of a text is enough."""

    title = "address"
    form_class = AddressForm


class SegmentFilter(ChoiceFilter):
    """A link for each segment, with its number of customers as last counted."""

    title = parameter_name = "segment"

    def lookups(self, request, model_admin):
        rows = Segment.objects.order_by("search_name").values_list("pk", "name", "customers_count")
        self.options = [(str(id), name if count is None else f"{name} ({count:,})") for id, name, count in rows]
        return self.options

    def given(self):
        return {name: int(id) for name, id in super().given().items()}


class GroupForm(forms.Form):
    group = forms.ModelChoiceField(
        CustomerGroup.objects.order_by("name"), required=False, empty_label="Any", widget=PlainSelect
    )


class GroupFilter(FormFilter):
    title = "group"
    form_class = GroupForm

    def given(self):
        return {name: group.pk for name, group in super().given().items()}


class SpentFilter(FormFilter):
    title = "amount spent"
    form_class = bounds("spent", forms.DecimalField, min_value=0, max_digits=12, decimal_places=2)


class OrdersFilter(FormFilter):
    title = "number of orders"
    form_class = bounds("orders", forms.IntegerField, min_value=0, max_value=MAX_INTEGER)


FILTERS = (
    SegmentFilter,
    TypeFilter,
    BlockedFilter,
    MarketingFilter,
    TagFilter,
    GroupFilter,
    JoinedFilter,
    SpentFilter,
    OrdersFilter,
    AddressFilter,
    LanguageFilter,
)


class DefinedChoiceFilter(ChoiceFilter):
    options = YES_OR_NO

    def given(self):
        return {name: value == "True" for name, value in super().given().items()}


class EntryField(forms.CharField):
    """One entry of a list of texts."""

    def clean(self, value):
        text = super().clean(value)
        return [text] if text else None


# The form field that searches for a value of a type; other types use a text.
FIELDS = {Type.INTEGER: forms.IntegerField, Type.DECIMAL: forms.FloatField, Type.MULTI_TEXT: EntryField}


def defined_filters() -> list[type[ChoiceFilter | FormFilter]]:
    """A filter for each metadata definition that has `enable_filter`."""
    return [_filter_of(definition) for definition in definitions.filterable_definitions()]


def _filter_of(definition: Definition) -> type[ChoiceFilter | FormFilter]:
    parameter = METADATA + definition.key
    if definition.type == Type.BOOLEAN:
        return type("Filter", (DefinedChoiceFilter,), {"title": definition.name, "parameter_name": parameter})
    field = FIELDS.get(Type(definition.type), forms.CharField)(label=definition.name, required=False)
    form = type("ValueForm", (forms.Form,), {parameter: field})
    return type("Filter", (FormFilter,), {"title": definition.name, "form_class": form})
