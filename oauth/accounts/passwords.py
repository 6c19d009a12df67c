"""Passwords: links by email to choose one, which a person asks for or staff send; the email that one was changed.

The pages are in `oauth.accounts.password_pages`.
"""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib.auth import forms as auth
from django.contrib.auth import get_user_model
from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.http import urlsafe_base64_encode

from oauth.accounts import lockout, mail
from oauth.actor import Actor, client_ip
from oauth.audit.log import Event, record
from oauth.email_addresses import check_email
from oauth.errors import ServiceError
from oauth.signals import password_reset_sent
from oauth.store import store_origin
from oauth.widgets import EmailInput

SUBJECT_TEMPLATE = "registration/password_reset_subject.txt"
EMAIL_TEMPLATE = "accounts/password_reset_email.txt"
CHANGED_TEMPLATE = "accounts/password_changed_email.txt"
RESEND_AFTER = timedelta(minutes=5)


class PasswordReset(mail.EmailKind):
    """Also for people without a password, as customers who were imported are. `Email.details`: `origin` of the links,
    `by`, an Actor. `Email.about`: 0 for what anybody may ask for, else the id of the person."""

    key = "password_reset"
    interval = RESEND_AFTER

    def write(self, email, user):
        context = link_context(user, email.details["origin"])
        return render_to_string(SUBJECT_TEMPLATE, context), render_to_string(EMAIL_TEMPLATE, context)

    def on_sent(self, email, user):
        password_reset_sent.send(PasswordReset, user=user, by=Actor(**email.details["by"]))


class PasswordChanged(mail.EmailKind):
    """`Email.details`: `at`, the time of the change in ISO 8601."""

    key = "password_changed"

    def write(self, email, user):
        context = {"email": user.email, "at": datetime.fromisoformat(email.details["at"])}
        return "Your password was changed", render_to_string(CHANGED_TEMPLATE, context)


PASSWORD_RESET, PASSWORD_CHANGED = PasswordReset(), PasswordChanged()
mail.register(PASSWORD_RESET, PASSWORD_CHANGED)


def link_context(user: Any, origin: str) -> dict[str, Any]:
    """What templates need for a link to choose a password, by the names of Django's own. `origin`: scheme and host."""
    scheme, _, domain = origin.partition("://")
    return {
        "user": user,
        "email": user.email,
        "protocol": scheme,
        "domain": domain,
        "site_name": domain,
        "uid": urlsafe_base64_encode(str(user.pk).encode()),
        "token": default_token_generator.make_token(user),
    }


@transaction.atomic
def send_reset(user_id: int, *, by: Actor, request: HttpRequest) -> Any:
    """Queues an email with a link to the page where the person chooses a password. Returns the person.

    Raises User.DoesNotExist, ServiceError("email") where nothing can be sent.
    """
    user: Any = get_user_model()._default_manager.get(pk=user_id)
    if not user.email:
        raise ServiceError("There is no email address to send it to.", "email")
    if not user.is_active:
        raise ServiceError("This account is switched off.", "email")
    check_email(user.email)
    mail.emails_to({user.email}).filter(kind=PASSWORD_RESET.key, about=user.pk).delete()  # one that was sent just now
    mail.queue(PASSWORD_RESET, user.email, about=user.pk, origin=store_origin(request), by=asdict(by))
    return user


class ForgotPasswordForm(auth.PasswordResetForm):
    """For everybody to use. It never reveals whether an email address is known, and fills nobody's mailbox: what it
    does, does not depend on the address. A worker looks for the person."""

    email = forms.EmailField(
        max_length=get_user_model()._meta.get_field("email").max_length,
        widget=EmailInput({"autocomplete": "email"}),
    )

    def save(self, *args: Any, request: Any = None, **kwargs: Any) -> None:
        by = asdict(Actor(ip=client_ip(request.META)))
        mail.queue(PASSWORD_RESET, self.cleaned_data["email"], origin=store_origin(request), by=by)


class SetPasswordForm(auth.SetPasswordForm):
    """Saves the password alone: the person's other columns may have changed since they were read."""

    event = Event.PASSWORD_CHANGED

    def __init__(self, user: Any, *args: Any, by: Actor, **options: Any):
        super().__init__(user, *args, **options)
        self.by = by

    @transaction.atomic
    def save(self, commit=True):
        self.user.set_password(self.cleaned_data["new_password1"])
        self.user.save(update_fields=["password"])
        announce_change(self.user, by=self.by, event=self.event)
        return self.user


class ChoosePasswordForm(SetPasswordForm):
    """By the link of an email. It opens the account that strangers have locked: only its owner reads the email."""

    event = Event.PASSWORD_RESET

    def save(self, commit=True):
        lockout.reset_account(self.user.email or "")
        return super().save(commit)


def announce_change(user: Any, *, by: Actor, event: Event = Event.PASSWORD_CHANGED) -> None:
    """Records that the password of the person has changed, and queues an email to them."""
    record(event, by, account=user.email or user.pk)
    if user.email:
        mail.queue(PASSWORD_CHANGED, user.email, about=user.pk, at=timezone.now().isoformat())
