"""Choosing a password by a link in an email: for who forgot theirs, and for customers at the store's request."""

import logging
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib.auth import forms as auth
from django.core.mail import EmailMessage
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone

from customers import services
from customers.models import Event, User
from customers.validation import MAX_EMAIL_LENGTH
from oauth.actor import SYSTEM, Actor
from oauth.errors import ServiceError

EMAIL_TEMPLATE = "accounts/password_reset_email.txt"
ASKED_AGAIN_AFTER = timedelta(minutes=5)

logger = logging.getLogger(__name__)


def send_reset(user_id: int, *, by: Actor, request: HttpRequest) -> User:
    """Sends a link to the page where the person chooses a password; `request` tells the name of the store.

    Raises User.DoesNotExist, and ServiceError("email") where nothing can be sent.
    """
    user = User.objects.get(pk=user_id)
    if not user.email:
        raise ServiceError("There is no email address to send it to.", "email")
    if not user.is_active:
        raise ServiceError("This account is switched off.", "email")
    form = ResetForm({"email": user.email}, by=by)
    try:
        if not form.is_valid():
            raise ValueError(form.errors.as_json())
        form.save(request=request, use_https=request.is_secure(), email_template_name=EMAIL_TEMPLATE)
    except (OSError, ValueError):  # from the mail server and the way to it; for an address that mail can't hold
        logger.exception("No password reset email for person %s", user.pk)
        raise ServiceError("The email could not be sent. Try again later.", "email") from None
    return user


class ResetForm(auth.PasswordResetForm):
    """Sends to everybody who may sign in, with a usable password or not: customers who came through the API or an
    import have none. What was sent is recorded; what goes wrong is raised."""

    email = forms.EmailField(max_length=MAX_EMAIL_LENGTH, widget=forms.EmailInput({"autocomplete": "email"}))

    def __init__(self, *args: Any, by: Actor = SYSTEM, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.by = by

    def get_users(self, email: str) -> QuerySet[User]:
        return User.objects.filter(email__lower=email.lower(), is_active=True)

    def send_mail(
        self, subject_template_name, email_template_name, context, from_email, to_email, html_email_template_name=None
    ):
        subject = "".join(render_to_string(subject_template_name, context).splitlines())
        EmailMessage(subject, render_to_string(email_template_name, context), from_email, [to_email]).send()
        services.record(context["user"], Event.Kind.PASSWORD_RESET_SENT, self.by)


class ForgottenForm(ResetForm):
    """For everybody to use: it never tells whether there is such a person, nor fills anybody's mailbox."""

    def get_users(self, email):
        just_sent = Event.objects.filter(
            user=OuterRef("pk"),
            kind=Event.Kind.PASSWORD_RESET_SENT,
            at__gt=timezone.now() - ASKED_AGAIN_AFTER,
        )
        return super().get_users(email).exclude(Exists(just_sent))

    def send_mail(self, *args, **kwargs):
        try:
            super().send_mail(*args, **kwargs)
        except (OSError, ValueError):
            logger.exception("No password reset email for who asked for one")


class SetPasswordForm(auth.SetPasswordForm):
    """Writes the password alone: what else is known of the person may have changed since it was read."""

    def save(self, commit=True):
        self.user.set_password(self.cleaned_data["new_password1"])
        self.user.save(update_fields=["password"])
        return self.user
