"""The security log."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join

from customers.dashboard.object_pages import urls_of
from customers.dashboard.read_only import ReadOnlyAdmin
from customers.dashboard.templatetags.shop import NOTHING
from customers.jobs.models import Job
from customers.limits import shortened_search
from customers.models import Customer, StaffMember
from customers.webhooks.models import Webhook
from oauth.accounts.models import StaffRole
from oauth.audit.models import AuditEvent
from oauth.models import PartnerApp, PrivateApp

SEARCHED_EVENTS = 50_000
Event = AuditEvent.Event
# What a filter by each single event would not fit on a page. Every event belongs to one of these.
KINDS = {
    "sign-in": ("Sign-in and passwords", (
        Event.SIGNED_IN, Event.SIGN_IN_FAILED, Event.SIGNED_OUT, Event.PASSWORD_CHANGED, Event.PASSWORD_RESET_SENT,
        Event.PASSWORD_RESET, Event.LOCKED_OUT, Event.SESSIONS_ENDED, Event.TWO_FACTOR_ON, Event.TWO_FACTOR_OFF,
    )),
    "refused": ("Refused and suspicious", (
        Event.SIGN_IN_FAILED, Event.LOCKED_OUT, Event.TOKEN_REFUSED, Event.CODE_REUSED, Event.REFRESH_TOKEN_REUSED,
        Event.CONSENT_REFUSED,
    )),
    "staff": ("Staff and roles", (
        Event.STAFF_INVITED, Event.STAFF_CHANGED, Event.ROLE_CREATED, Event.ROLE_CHANGED, Event.ROLE_DELETED,
        Event.SESSIONS_ENDED,
    )),
    "tokens": ("Tokens", (
        Event.TOKEN_ISSUED, Event.TOKEN_FIRST_USED, Event.TOKEN_REVOKED, Event.TOKEN_LIMITED, Event.TOKEN_REFUSED,
        Event.CODE_REUSED, Event.REFRESH_TOKEN_REUSED,
    )),
    "apps": ("Apps and webhooks", (
        Event.APP_REGISTERED, Event.APP_CHANGED, Event.SECRET_REPLACED, Event.CONSENTED, Event.CONSENT_REFUSED,
        Event.APP_OPENED, Event.APP_UNINSTALLED, Event.WEBHOOK_CREATED, Event.WEBHOOK_CHANGED, Event.WEBHOOK_DELETED,
    )),
    "data": ("Customers' data", (
        Event.CUSTOMER_ERASED, Event.PERSONAL_DATA_DOWNLOADED, Event.EXPORT_REQUESTED, Event.EXPORT_DOWNLOADED,
    )),
}  # fmt: skip
LABELS = {"scopes": "Permissions", "new": "Newly granted", "ip": "IP address", "is_active": "Active"}
CHANGES = {"role", "is_active", "sections", "two_factor_required"}  # lists of the former and the present value
# What a value of the log names: the models that it may be of, each with the column that has this value.
STAFF: list[tuple[type[Model], str]] = [(StaffMember, "email")]
NAMED: dict[str, list[tuple[type[Model], str]]] = {
    "actor": STAFF,
    "account": STAFF,
    "member": STAFF,
    "owner": STAFF,
    "client_id": [(PartnerApp, "client_id"), (PrivateApp, "client_id")],
    "role": [(StaffRole, "group__name")],
    "webhook": [(Webhook, "pk")],
    "customer": [(Customer, "pk")],
    "export": [(Job, "pk")],
}


class KindFilter(admin.SimpleListFilter):
    title = parameter_name = "kind"

    def lookups(self, request, model_admin):
        return [(key, label) for key, (label, _) in KINDS.items()]

    def queryset(self, request, queryset):
        kind = KINDS.get(self.value() or "")
        return queryset.filter(event__in=kind[1]) if kind else queryset


def in_words(name: str, value: Any) -> str:
    if name in CHANGES and isinstance(value, list):
        return " → ".join(in_words("", each) for each in value)
    if isinstance(value, list):
        return ", ".join(map(str, value)) or NOTHING
    if isinstance(value, dict):
        return ", ".join(f"{key.replace('_', ' ')}: {each}" for key, each in value.items()) or NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    return NOTHING if value in (None, "") else str(value)


def named_by(event: AuditEvent) -> Iterator[tuple[str, Any]]:
    """The names of NAMED, with a value that the event has."""
    for name, value in {"actor": event.actor, "client_id": event.client_id, **event.detail}.items():
        for each in value if isinstance(value, list) else [value]:
            if name in NAMED and isinstance(each, str | int) and each:
                yield name, each


def find_pages(request: HttpRequest, events: Iterable[Any]) -> None:
    """Gives each event `pages`: by name and value, the address of the page of what it names."""
    events = list(events)
    named = {pair for event in events for pair in named_by(event)}
    pages: dict[tuple[str, Any], str] = {}
    for name, models in NAMED.items():
        values = {value for each, value in named if each == name}
        for model, column in models:
            pages |= {(name, value): url for value, url in urls_of(request, model, column, values).items()}
    for event in events:
        event.pages = pages


def linked(event: Any, name: str, value: Any, text: str) -> str:
    """The text, as a link if what the value names has a page."""
    url = event.pages.get((name, value)) if isinstance(value, str | int) else None
    return format_html('<a href="{}">{}</a>', url, text) if url else text


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    class Media:
        css = {"all": ["oauth/page.css"]}

    def get_changelist_instance(self, request):
        found = super().get_changelist_instance(request)
        find_pages(request, found.result_list)
        return found

    def get_object(self, request, object_id, from_field=None):
        event = super().get_object(request, object_id, from_field)
        find_pages(request, [event] if event else [])
        return event

    @admin.display(ordering="at")
    def time(self, event):
        return f"{timezone.localtime(event.at):%Y-%m-%d %H:%M:%S %Z}"

    @admin.display(description="who", ordering="actor")
    def who(self, event):
        return linked(event, "actor", event.actor, event.actor) or NOTHING

    @admin.display(description="app", ordering="app")
    def by_app(self, event):
        return linked(event, "client_id", event.client_id, event.app) or NOTHING

    @admin.display
    def details(self, event):
        def part(name: str, value: Any) -> tuple[str, str]:
            present = value[-1] if name in CHANGES and isinstance(value, list) and value else value
            label = LABELS.get(name) or name.replace("_", " ").capitalize()
            return label, linked(event, name, present, in_words(name, value))

        return format_html_join("; ", "{}: {}", (part(name, value) for name, value in event.detail.items()))

    list_display = ("time", "event", "who", "by_app", "ip", "details")
    fields = ("time", "event", "who", "by_app", "client_id", "ip", "details")
    list_filter = (KindFilter, ("at", admin.DateFieldListFilter))
    search_fields = ("actor", "app", "client_id", "ip")
    search_help_text = f"Search the newest {SEARCHED_EVENTS:,} events by email, app, client ID or IP address"
    ordering = ("-at", "-id")
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    empty_value_display = NOTHING

    def get_search_results(self, request, queryset, search_term):
        """Within the newest events that the filters find: no index serves this search, and the log only grows."""
        if search_term.strip():
            newest = queryset.order_by(*self.ordering).values("pk")[:SEARCHED_EVENTS]
            queryset = queryset.filter(pk__in=newest)
        return super().get_search_results(request, queryset, shortened_search(search_term))
