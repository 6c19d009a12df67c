"""The only writer of the security log: who did what, and from where."""

from typing import Any, Protocol

from oauth.actor import Actor
from oauth.audit.models import AuditEvent

Event = AuditEvent.Event


class LoggedApp(Protocol):
    """The names of an app, which the log copies: they stay when the app is renamed."""

    name: str
    client_id: str


def record(event: Event, by: Actor, app: LoggedApp | None = None, **detail: Any) -> None:
    """Appends to the log. `detail`: values for JSON, without secrets."""
    AuditEvent.objects.create(
        event=event,
        actor=by.email[:320],
        ip=by.ip,
        app=app.name if app else "",
        client_id=app.client_id if app else "",
        detail=detail,
    )
