"""The only writer of the security log: who did what, and from where."""

from dataclasses import replace
from typing import Any, Protocol

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model

from oauth.actor import Actor
from oauth.audit.models import AuditEvent

Event = AuditEvent.Event


class LoggedApp(Protocol):
    """The names of an app, which the log copies: they stay when the app is renamed."""

    name: str
    client_id: str


def record(event: Event, by: Actor, app: LoggedApp | None = None, **detail: Any) -> None:
    """Appends to the log. See `entry`."""
    entry(event, by, app, **detail).save()


def entry(event: Event, by: Actor, app: LoggedApp | None = None, **detail: Any) -> AuditEvent:
    """A row of the log that is not saved. `detail`: values for JSON, without secrets.

    Looks up the email address and the app of an actor that has their ids alone.
    """
    if by.user_id and not by.email:
        by = replace(by, email=_found(get_user_model(), by.user_id).email or "")
    if by.app_id and app is None:
        app = _found(apps.get_model(settings.OAUTH2_PROVIDER_APPLICATION_MODEL), by.app_id)
    return AuditEvent(
        event=event,
        actor=by.email[:320],
        ip=by.ip,
        app=app.name if app else "",
        client_id=app.client_id if app else "",
        detail=detail,
    )


def _found(model: Any, pk: int) -> Any:
    return model._base_manager.get(pk=pk)
