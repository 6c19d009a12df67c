"""The sessions of a person: listed and ended."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from oauth.accounts.models import Session
from oauth.actor import Actor
from oauth.audit.log import Event, record
from oauth.fields import Digest, digest

# In this order, as most browsers name others, too.
BROWSERS = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "Chrome": "Chrome", "Safari": "Safari"}
SYSTEMS = {"Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Windows": "Windows", "Mac OS": "macOS",
           "Linux": "Linux"}  # fmt: skip


def active_sessions(user: Any) -> QuerySet[Session]:
    """Sessions that have not expired, the newest first."""
    return Session.objects.filter(user=user, expire_date__gt=timezone.now()).order_by("-created_at")


def end_sessions(user: Any, by: Actor, *, only: str | None = None, keep: str | None = None) -> int:
    """Ends all sessions of a person at once, or the one session `only`, or all others than `keep`.

    A session is named by its digest, which is the primary key of `Session`. Returns how many were ended.
    """
    sessions = active_sessions(user)
    if only is not None:
        sessions = sessions.filter(pk=Digest(only))
    if keep is not None:
        sessions = sessions.exclude(pk=Digest(keep))
    ended, _ = sessions.delete()
    if ended:
        record(Event.SESSIONS_ENDED, by, account=user.email, sessions=ended)
    return ended


def user_of(session: str) -> Any | None:
    """The person whose session has this digest. None if it has ended."""
    active = Session.objects.select_related("user").filter(pk=Digest(session), expire_date__gt=timezone.now()).first()
    return active and active.user


def end_session(session: str) -> Any | None:
    """Ends the session with this digest, and returns the person."""
    user = user_of(session)
    Session.objects.filter(pk=Digest(session)).delete()
    return user


def current_session(request: HttpRequest) -> str:
    """The digest of the request's own session."""
    return digest(request.session.session_key or "")


def browser_name(user_agent: str) -> str:
    """A browser for people to recognise, such as "Firefox on Linux"."""
    browser = next((name for sign, name in BROWSERS.items() if sign in user_agent), "")
    system = next((name for sign, name in SYSTEMS.items() if sign in user_agent), "")
    return " on ".join(filter(None, [browser, system])) or user_agent[:60] or "unknown"
