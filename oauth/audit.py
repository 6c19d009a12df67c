"""The security log: who did what, from where. Written here alone, and never changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from oauth.models import App, AuditEvent

Event = AuditEvent.Event


@dataclass(frozen=True, slots=True)
class Origin:
    """Who does something, by email address, and from which IP address. Neither: from the command line."""

    actor: str = ""
    ip: str | None = None

    @classmethod
    def of(cls, request: HttpRequest) -> "Origin":
        user = getattr(request, "user", None)
        return cls(actor=getattr(user, "email", None) or "", ip=client_ip(request.META))


def client_ip(meta: Mapping[str, Any]) -> str | None:
    """The address a request came from; behind a proxy, the one that the proxy saw. None where there is none.

    `meta`: the request's WSGI environment.
    """
    address = meta.get("REMOTE_ADDR") or ""
    if settings.BEHIND_PROXY:
        # What stands before the last comma was sent by the client, who may write anything.
        address = meta.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip() or address
    try:
        return str(ip_address(address))
    except ValueError:
        return None


def record(event: Event, by: Origin, app: App | None = None, **detail: Any) -> None:
    """Appends to the log. `detail`: values that JSON can hold, and no secrets."""
    AuditEvent.objects.create(
        event=event,
        actor=by.actor[:320],
        ip=by.ip,
        app=app.name if app else "",
        client_id=app.client_id if app else "",
        detail=detail,
    )


@receiver(user_logged_in)
def record_sign_in(sender, request, user, **kwargs):
    record(Event.SIGNED_IN, Origin(user.email or "", client_ip(request.META)))


@receiver(user_logged_out)
def record_sign_out(sender, request, user, **kwargs):
    if user:
        record(Event.SIGNED_OUT, Origin(user.email or "", client_ip(request.META)))


@receiver(user_login_failed)
def record_failed_sign_in(sender, credentials, request=None, **kwargs):
    if getattr(request, "axes_locked_out", False):
        return  # or whoever goes on trying would fill the log
    account = str(credentials.get("username") or "").replace("\0", "")
    detail = {"step": credentials["step"]} if "step" in credentials else {}
    record(Event.SIGN_IN_FAILED, Origin(account, client_ip(request.META) if request else None), **detail)
