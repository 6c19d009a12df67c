"""The permissions of a token or an app as boxes, those that this store serves first. A preset ticks several."""

from collections.abc import Iterable

from django import forms

from oauth.scopes import SCOPE_LABELS, Scope

# What the endpoints of this store require. Other scopes are of sections of the platform that this store lacks, or that
# are always empty here.
SERVED = (
    Scope.USERS_READ, Scope.USERS_WRITE, Scope.ORDERS_READ, Scope.ORDERS_WRITE, Scope.SUBSCRIPTIONS_READ,
    Scope.SUBSCRIPTIONS_WRITE, Scope.CARTS_WRITE, Scope.METADATA_READ, Scope.METADATA_WRITE, Scope.EXPORTS_READ,
    Scope.EXPORTS_WRITE, Scope.WEBHOOKS_READ, Scope.WEBHOOKS_WRITE, Scope.STORE_READ,
)  # fmt: skip
FIRST = (*SERVED, Scope.ADMIN_READ, Scope.ADMIN_WRITE)
CHOOSE = "choose"
# Label and scopes by key.
PRESETS: dict[str, tuple[str, tuple[Scope, ...]]] = {
    "read": ("See everything that this store serves", tuple(scope for scope in SERVED if scope.endswith(":read"))),
    "customers": ("See, add and change customers", (Scope.USERS_READ, Scope.USERS_WRITE)),
    "all": ("Everything that this store serves", SERVED),
}
MORE = "More"
SHOWN_LABELS = 3


class ScopesWidget(forms.CheckboxSelectMultiple):
    template_name = "dashboard/apps/scopes.html"

    class Media:
        js = ["dashboard/scopes.js"]
        css = {"all": ["dashboard/apps.css"]}

    def get_context(self, name, value, attrs):
        context = super().get_context(name, value, attrs)
        context["widget"]["folded"] = MORE
        context["widget"]["is_open"] = not set(value or ()) <= set(FIRST)
        return context


class ScopesField(forms.MultipleChoiceField):
    widget = ScopesWidget

    def __init__(self, **options):
        others = [scope for scope in Scope if scope not in FIRST]
        super().__init__(choices=[*map(_choice, FIRST), (MORE, [*map(_choice, others)])], **options)


class PresetWidget(forms.RadioSelect):
    """Each button has its scopes, for the page's script."""

    def create_option(self, name, value, *args, **kwargs):
        option = super().create_option(name, value, *args, **kwargs)
        if value in PRESETS:
            option["attrs"]["data-scopes"] = " ".join(PRESETS[value][1])
        return option


def preset_field() -> forms.ChoiceField:
    choices = [*((key, label) for key, (label, _) in PRESETS.items()), (CHOOSE, "Choose below")]
    return forms.ChoiceField(label="May", choices=choices, widget=PresetWidget, required=False, initial=CHOOSE)


def _choice(scope: Scope) -> tuple[str, str]:
    return str(scope), f"{SCOPE_LABELS[scope]} ({scope})"


def labels_of(scopes: Iterable[str]) -> list[str]:
    return [SCOPE_LABELS[Scope(scope)] for scope in scopes]


def short_labels(scopes: Iterable[str]) -> str:
    """A few labels, and how many more there are."""
    labels = labels_of(scopes)
    more = len(labels) - SHOWN_LABELS
    return ", ".join(labels[:SHOWN_LABELS]) + (f" and {more} more" if more > 0 else "")
