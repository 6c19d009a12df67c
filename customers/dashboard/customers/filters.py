"""The filters of the list of customers: one form with one button. A customer has to match each of the filters."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django_countries import countries

from customers.dashboard.customers.fields import GroupsField
from customers.dashboard.dates import DateField
from customers.filters import METADATA, filter_customers
from customers.metadata import services as definitions
from customers.metadata.models import Definition, Type
from customers.models import Customer, Language, UserType
from customers.segments.models import Segment
from customers.validation import MAX_TAG_LENGTH

YES_OR_NO = [("", "Any"), ("True", "Yes"), ("False", "No")]
MAX_INTEGER = 2**31 - 1  # of the database column
NEWEST, MOST_COMMON = 500, 8  # the most common tags of the newest customers are offered


class Choices(forms.CheckboxSelectMultiple):
    """Boxes to tick, in one template. Django's renders one for each box."""

    template_name = "dashboard/customers/list/choices.html"


class MoreChoices(Choices):
    """Boxes for those that are chosen; any other one can be added, from a long list or by typing."""

    adds_by = "select"

    def get_context(self, name, value, attrs):
        context = super().get_context(name, value, attrs)
        options = [option for _, group, _ in context["widget"]["optgroups"] for option in group]
        context["widget"]["chosen"] = [option for option in options if option["selected"]]
        context["widget"]["others"] = [option for option in options if not option["selected"]]
        context["widget"]["adds_by"] = self.adds_by
        return context


class TypedChoices(MoreChoices):
    adds_by = "text"


class SeveralField(forms.MultipleChoiceField):
    widget = Choices

    def clean(self, value):
        return super().clean([each for each in value or () if each])


class TextsField(SeveralField):
    """Any texts of at most `max_length` characters. The choices are suggestions."""

    widget = TypedChoices

    def __init__(self, *, max_length: int, **options):
        super().__init__(**options)
        self.text = forms.CharField(max_length=max_length)

    def valid_value(self, value):
        self.text.clean(value)  # raises ValidationError
        return True


class OrderDayField(DateField):
    """A day that has a day before and after it."""

    def validate(self, value):
        super().validate(value)
        if value in (date.min, date.max):
            raise ValidationError("Enter a valid date.", "invalid")


class AmountField(forms.DecimalField):
    def __init__(self, **options):
        super().__init__(**{"min_value": 0, "max_digits": 12, "decimal_places": 2, **options})


class CountField(forms.IntegerField):
    def __init__(self, **options):
        super().__init__(**{"min_value": 0, "max_value": MAX_INTEGER, **options})


class EntryField(forms.CharField):
    """One entry of a list of texts."""

    def clean(self, value):
        text = super().clean(value)
        return [text] if text else None


# The form field that searches for a value of a type of custom fields; other types use a text.
FIELDS = {Type.INTEGER: forms.IntegerField, Type.DECIMAL: forms.FloatField, Type.MULTI_TEXT: EntryField}


class CustomerFilterForm(forms.Form):
    segment = forms.ModelChoiceField(Segment.objects.all(), required=False, widget=forms.HiddenInput)
    user_type = SeveralField(
        label="Type",
        required=False,
        choices=[(each.value, each.label) for each in (UserType.CUSTOMER, UserType.LEAD)],
    )
    tag = TextsField(label="Tag", required=False, max_length=MAX_TAG_LENGTH)
    group = GroupsField(label="Group", widget=MoreChoices)
    country = SeveralField(label="Country", required=False, choices=lambda: list(countries), widget=MoreChoices)
    street = forms.CharField(label="Street", required=False)
    city = forms.CharField(label="City", required=False)
    state = forms.CharField(label="State", required=False)
    postcode = forms.CharField(label="Postcode", required=False)
    joined_from = DateField(label="Joined from", required=False)
    joined_to = DateField(label="Joined to", required=False)
    orders_from = CountField(label="Orders from", required=False)
    orders_to = CountField(label="Orders to", required=False)
    ordered_from = OrderDayField(label="Ordered since", required=False)
    ordered_to = OrderDayField(label="Ordered until", required=False)
    first_order_from = OrderDayField(label="First order since", required=False)
    last_order_to = OrderDayField(label="Last order until", required=False)
    spent_from = AmountField(label="Spent from", required=False)
    spent_to = AmountField(label="Spent to", required=False)
    is_blocked = forms.ChoiceField(label="Blocked", required=False, choices=YES_OR_NO)
    accepts_marketing = forms.ChoiceField(label="Marketing consent", required=False, choices=YES_OR_NO)
    language = SeveralField(label="Language", required=False, choices=Language.choices)

    def __init__(self, data: QueryDict | None, definitions: list[Definition]):
        super().__init__(data, auto_id="filter_%s")
        self.defined = [METADATA + definition.key for definition in definitions]
        for name, definition in zip(self.defined, definitions, strict=True):
            self.fields[name] = _field_of(definition)

    def sections(self) -> Iterator[tuple[str, list[forms.BoundField]]]:
        """The parts of the form, each with its fields. A tag is offered if many of the newest customers have it."""
        tags = cast(forms.ChoiceField, self.fields["tag"])
        tags.choices = [(tag, tag) for tag in dict.fromkeys([*self.chosen_tags(), *common_tags()])]
        sections: dict[str, list[str]] = {
            "Type": ["user_type"],
            "Tag": ["tag"],
            "Group": ["group"],
            "Country": ["country"],
            "Address": ["street", "city", "state", "postcode"],
            "Joined": ["joined_from", "joined_to"],
            "Orders": ["orders_from", "orders_to"],
            "Days of orders": ["ordered_from", "ordered_to", "first_order_from", "last_order_to"],
            "Spent": ["spent_from", "spent_to"],
            "Status": ["is_blocked", "accepts_marketing"],
            "Language": ["language"],
        }
        if self.defined:
            sections["Custom fields"] = self.defined
        for title, names in sections.items():
            yield title, [self[name] for name in names]

    def chosen_tags(self) -> list[str]:
        return [tag for tag in self["tag"].value() or () if tag]

    def given(self) -> dict[str, Any]:
        """For `filter_customers`. Several values are a list; one value stands alone. The list that a custom field holds
        stays a list, even of one value."""
        self.is_valid()  # if not, `cleaned_data` has the valid fields
        values = getattr(self, "cleaned_data", {})
        given = {name: value if name in self.defined else _plain(value) for name, value in values.items()}
        return {name: value for name, value in given.items() if value not in forms.Field.empty_values}

    def chips(self) -> Iterator["Chip"]:
        """What is chosen, value by value. The segment is a tab instead."""
        for name, value in self.given().items():
            if name != "segment":
                field = self.fields[name]
                is_list = isinstance(field, SeveralField | forms.ModelMultipleChoiceField)
                for each in value if isinstance(value, list) and is_list else [value]:
                    yield Chip(name, str(field.label), shown(field, each), str(each) if is_list else None)


@dataclass(frozen=True, slots=True)
class Chip:
    """A value of a filter. `value`: the one of several that a click removes; None: the whole filter."""

    name: str
    label: str
    text: str
    value: str | None


def common_tags() -> list[str]:
    newest = Customer.objects.newest_first().values_list("tags", flat=True)[:NEWEST]
    return [tag for tag, _ in Counter(tag for tags in newest for tag in tags).most_common(MOST_COMMON)]


def _plain(value: Any) -> Any:
    if isinstance(value, Segment):
        return value.pk
    if hasattr(value, "values_list"):  # groups
        value = [group.pk for group in value]
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def shown(field: forms.Field, value: Any) -> str:
    if isinstance(field, forms.ModelMultipleChoiceField):
        return str(next((group for group in field.queryset or () if group.pk == value), value))
    if isinstance(field, forms.ChoiceField):
        choices: Any = field.choices
        return str(dict(choices).get(str(value), value))
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _field_of(definition: Definition) -> forms.Field:
    if definition.type == Type.BOOLEAN:
        return forms.TypedChoiceField(
            label=definition.name,
            required=False,
            choices=YES_OR_NO,
            coerce=lambda text: text == "True",
            empty_value=None,
        )
    return FIELDS.get(Type(definition.type), forms.CharField)(label=definition.name, required=False)


class CustomerFilter(admin.ListFilter):
    """The whole form, as one filter of Django's list. Invalid values are marked in the form and ignored."""

    title = "filters"

    def __init__(self, request, params, model, model_admin):
        super().__init__(request, params, model, model_admin)
        data = QueryDict(mutable=True)
        for name in parameters(request):
            if name in params:
                data.setlist(name, params.pop(name))
        self.form = CustomerFilterForm(data or None, defined(request))

    def has_output(self):
        return True

    def given(self) -> dict[str, Any]:
        return self.form.given()

    def queryset(self, request, queryset):
        return filter_customers(queryset, self.given())


def parameters(request) -> list[str]:
    return [*CustomerFilterForm.base_fields, *(METADATA + definition.key for definition in defined(request))]


def defined(request) -> list[Definition]:
    """The custom fields that have a filter, read once per request."""
    if not hasattr(request, "filterable_definitions"):
        request.filterable_definitions = list(definitions.filterable_definitions())
    return request.filterable_definitions
