"""Where a person is signed in: noted at sign-in, to be listed and ended."""

import re
from typing import Any

from django.contrib.auth.signals import user_logged_in
from django.db.models import QuerySet
from django.dispatch import receiver
from django.utils import timezone

from oauth.accounts.models import Session
from oauth.accounts.session_store import ORIGIN
from oauth.actor import Actor, client_ip
from oauth.audit.log import Event, record
from oauth.fields import Digest, digest

# The first that is found tells: most browsers name others, too.
BROWSERS = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "Chrome": "Chrome", "Safari": "Safari"}
SYSTEMS = {"Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Windows": "Windows", "Mac OS": "macOS",
           "Linux": "Linux"}  # fmt: skip


@receiver(user_logged_in)
def note_origin(sender, request, user, **kwargs):
    agent = re.sub(r"[^ -~]", "", request.META.get("HTTP_USER_AGENT", ""))[:500]
    ip = client_ip(request.META)
    request.session[ORIGIN] = {"created_at": timezone.now().isoformat(), "ip": ip, "user_agent": agent}


def sessions_of(user: Any) -> QuerySet[Session]:
    """Those that have not expired, the newest first."""
    return Session.objects.filter(user=user, expire_date__gt=timezone.now()).order_by("-created_at")


def end_sessions(user: Any, by: Actor, *, only: str | None = None, but: str | None = None) -> int:
    """Signs the person out at once: everywhere, or where a session is (`only`), or everywhere else (`but`).

    A session is named by its digest, as `Session` has it. The answer is the number of those that were ended.
    """
    sessions = sessions_of(user)
    if only is not None:
        sessions = sessions.filter(pk=Digest(only))
    if but is not None:
        sessions = sessions.exclude(pk=Digest(but))
    ended, _ = sessions.delete()
    if ended:
        record(Event.SESSIONS_ENDED, by, account=user.email, sessions=ended)
    return ended


def digest_of_session(request: Any) -> str:
    """What `end_sessions` calls the session of a request."""
    return digest(request.session.session_key)


def browser_name(user_agent: str) -> str:
    """For people: "Firefox on Linux"."""
    browser = next((name for sign, name in BROWSERS.items() if sign in user_agent), "")
    system = next((name for sign, name in SYSTEMS.items() if sign in user_agent), "")
    return " on ".join(filter(None, [browser, system])) or user_agent[:60] or "unknown"
