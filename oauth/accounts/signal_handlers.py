"""What happens with every sign-in and sign-out, in the dashboard or through an API: it is logged, with its origin."""

import re

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.utils import timezone

from oauth.accounts import lockout
from oauth.accounts.session_store import ORIGIN
from oauth.actor import Actor, client_ip
from oauth.audit.log import Event, record


@receiver(user_logged_in)
def store_origin_in_session(sender, request, user, **kwargs):
    agent = re.sub(r"[^ -~]", "", request.META.get("HTTP_USER_AGENT", ""))[:500]
    ip = client_ip(request.META)
    request.session[ORIGIN] = {"created_at": timezone.now().isoformat(), "ip": ip, "user_agent": agent}


@receiver(user_logged_in)
def record_sign_in(sender, request, user, **kwargs):
    record(Event.SIGNED_IN, Actor(email=user.email or "", ip=client_ip(request.META)))


@receiver(user_logged_out)
def record_sign_out(sender, request, user, **kwargs):
    if user:
        record(Event.SIGNED_OUT, Actor(email=user.email or "", ip=client_ip(request.META)))


@receiver(user_login_failed)
def record_failed_sign_in(sender, credentials, request=None, **kwargs):
    if lockout.is_refused(request):
        return  # further attempts during a lockout would fill the log
    typed = str(credentials.get("username") or "").replace("\0", "")
    account = lockout.account_name(typed)
    # As typed, unless it is another spelling of an email address: an erasure has to find it.
    shown = typed if typed.strip().lower() == account else account
    detail = {"step": credentials["step"]} if "step" in credentials else {}
    record(Event.SIGN_IN_FAILED, Actor(email=shown, ip=client_ip(request.META) if request else None), **detail)
