"""What happens with every sign-in and sign-out, in the dashboard or through an API: it is logged, with its origin.

`oauth.accounts.lockout` logs failed sign-ins.
"""

import re

from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.dispatch import receiver
from django.utils import timezone

from oauth.accounts.session_store import ORIGIN
from oauth.actor import Actor, client_ip
from oauth.audit.log import Event, record
from oauth.signals import password_reset_sent


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


@receiver(password_reset_sent)
def record_password_reset(sender, user, by, **kwargs):
    record(Event.PASSWORD_RESET_SENT, by, account=user.email)
