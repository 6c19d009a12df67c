"""The events that a webhook subscribes to, as boxes."""

from collections.abc import Collection, Iterable
from itertools import groupby
from typing import Any

from django import forms

from customers.webhooks.events import APP_UNINSTALLED, EVENT_TYPES, OTHER_NAMES, PUBLISHED_NAMES

ALL = "all"  # the value of the box "All events"
OTHERS = "Events of the platform that this store does not send"
TITLES = {"customer": "Customers", "export": "Exports", "app": "The app itself"}


class EventsWidget(forms.CheckboxSelectMultiple):
    template_name = "dashboard/webhooks/events.html"

    def get_context(self, name, value, attrs):
        context = super().get_context(name, value, attrs)
        context["widget"]["folded"] = OTHERS
        return context

    class Media:
        js = ["dashboard/events.js"]
        css = {"all": ["dashboard/events.css"]}


class EventsField(forms.MultipleChoiceField):
    """Names of event types. "All events" stands for every event that the API publishes, whatever else is ticked. It
    does not need the page's script."""

    widget = EventsWidget

    def offer(self, subscribed: Collection[str], *, of_app: bool) -> list[str]:
        """Sets the boxes, and returns those that are ticked. Only an app's own webhook can get `app.uninstalled`."""
        shown = [
            event_type
            for event_type in EVENT_TYPES.values()
            if event_type != APP_UNINSTALLED or of_app or event_type.name in subscribed
        ]
        groups = groupby(sorted(shown, key=_title), key=_title)
        self.choices = [
            (ALL, "All events"),
            *((title, [(each.name, f"{each.name}: {each.help_text}") for each in group]) for title, group in groups),
            (OTHERS, [(name, name) for name in OTHER_NAMES]),
        ]
        is_all = set(PUBLISHED_NAMES) <= set(subscribed)
        return [*([ALL] if is_all else []), *subscribed]

    def clean(self, value: Any) -> list[str]:
        names: Iterable[str] = super().clean(value)
        if ALL not in names:
            return list(names)
        return [*PUBLISHED_NAMES, *(name for name in names if name == APP_UNINSTALLED.name)]


def _title(event_type) -> str:
    return TITLES.get(event_type.object_name, f"{event_type.object_name}s".capitalize())
