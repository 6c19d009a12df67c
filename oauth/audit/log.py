"""The security log: who did what, from where. Written here alone, and never changed."""

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver

from oauth.actor import Actor, client_ip
from oauth.audit.models import AuditEvent
from oauth.models import App

Event = AuditEvent.Event


def record(event: Event, by: Actor, app: App | None = None, **detail: Any) -> None:
    """Appends to the log. `detail`: values that JSON can hold, and no secrets."""
    AuditEvent.objects.create(
        event=event,
        actor=by.email[:320],
        ip=by.ip,
        app=app.name if app else "",
        client_id=app.client_id if app else "",
        detail=detail,
    )


@receiver(user_logged_in)
def record_sign_in(sender, request, user, **kwargs):
    record(Event.SIGNED_IN, Actor(email=user.email or "", ip=client_ip(request.META)))


@receiver(user_logged_out)
def record_sign_out(sender, request, user, **kwargs):
    if user:
        record(Event.SIGNED_OUT, Actor(email=user.email or "", ip=client_ip(request.META)))


@receiver(user_login_failed)
def record_failed_sign_in(sender, credentials, request=None, **kwargs):
    if getattr(request, "axes_locked_out", False):
        return  # or whoever goes on trying would fill the log
    account = str(credentials.get("username") or "").replace("\0", "")
    detail = {"step": credentials["step"]} if "step" in credentials else {}
    record(Event.SIGN_IN_FAILED, Actor(email=account, ip=client_ip(request.META) if request else None), **detail)
