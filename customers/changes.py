"""What a change of a person writes: the columns that differ, and entries of the timeline."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.utils import timezone

from customers import history
from customers.core.json_values import is_same_json
from customers.models import Event, User
from oauth.actor import Actor

# Derived fields; not recorded in the timeline.
COUNTER_FIELDS = ("orders_count", "total_spent", "subscriptions_count")
# What staff know about a block. The APIs show only whether there is one.
NOT_BLOCKED: dict[str, Any] = {"block_reason": "", "blocked_at": None, "blocked_until": None, "blocked_by_id": None}
SHOWN_OF_BLOCK = ("block_reason", "blocked_until")


def new_block(by: Actor) -> dict[str, Any]:
    """The columns of somebody who is blocked from now on, without a reason and without an end."""
    return {**NOT_BLOCKED, "blocked_at": timezone.now(), "blocked_by_id": by.user_id}


def assign(user: User, values: Mapping[str, Any], by: Actor) -> dict[str, list[Any]]:
    """Sets the values that differ, and `updated_at` with them. Returns their names, each with before and after.

    A change of `is_blocked` sets the other columns of a block, too.
    """
    if values.get("is_blocked") and not user.is_blocked:
        values = {**new_block(by), **values}
    elif "is_blocked" in values and not values["is_blocked"]:
        values = {**values, **NOT_BLOCKED}
    differences = {
        name: [former, value]
        for name, value in values.items()
        if (former := getattr(user, name)) != value or (isinstance(value, dict) and not is_same_json(former, value))
    }
    for name, (_, value) in differences.items():
        setattr(user, name, value)
    if differences:
        user.updated_at = timezone.now()
    return differences


def events(
    user: User, differences: Mapping[str, list[Any]], by: Actor, consent_text: Callable[[], str] = history.consent_text
) -> list[Event]:
    """The events of a change. A change of the password, and one of `is_blocked`, has an event of its own. That event
    does not show the value itself."""
    changes = {name: pair for name, pair in differences.items() if name not in COUNTER_FIELDS}
    found = []
    if changes.pop("password", None):
        found.append(history.event(user.pk, Event.Kind.PASSWORD_CHANGED, by))
    block = {name: changes.pop(name) for name in NOT_BLOCKED if name in changes}
    shown = {name: pair for name, pair in block.items() if name in SHOWN_OF_BLOCK}
    if blocked := changes.pop("is_blocked", None):
        kind = Event.Kind.BLOCKED if blocked[1] else Event.Kind.UNBLOCKED
        found.append(history.event(user.pk, kind, by, shown))
    else:
        changes |= shown
    if consent := changes.get("accepts_marketing"):
        ip = user.ip if "ip" in differences else None
        changes |= history.consent(*consent, ip=ip or by.ip, text=consent_text())
    if changes:
        found.append(history.event(user.pk, Event.Kind.CHANGED, by, changes))
    return found


def are_visible_to_apps(names: Iterable[str]) -> bool:
    return not set(names) <= NOT_BLOCKED.keys()
