"""Choosing a password by a link in an email, which a person asks for, or staff send to a customer."""

import logging
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib.auth import forms as auth
from django.contrib.auth import get_user_model
from django.core.mail import EmailMessage
from django.db.models import Exists, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone

from oauth.actor import SYSTEM, Actor
from oauth.email_addresses import deliverable
from oauth.errors import ServiceError
from oauth.signals import password_reset_sent

EMAIL_TEMPLATE = "accounts/password_reset_email.txt"
RESEND_AFTER = timedelta(minutes=5)

logger = logging.getLogger(__name__)


def send_reset(user_id: int, *, by: Actor, request: HttpRequest) -> Any:
    """Sends a link to the page where the person chooses a password. Returns the person.

    `request`: the links of the email lead to its host. Raises User.DoesNotExist, ServiceError("email") where nothing
    can be sent.
    """
    user: Any = get_user_model()._default_manager.get(pk=user_id)
    if not user.email:
        raise ServiceError("There is no email address to send it to.", "email")
    if not user.is_active:
        raise ServiceError("This account is switched off.", "email")
    form = ResetForm({"email": user.email}, by=by)
    try:
        if not form.is_valid():
            raise ValueError(form.errors.as_json())
        form.save(request=request, use_https=request.is_secure(), email_template_name=EMAIL_TEMPLATE)
    except (OSError, ValueError):  # the mail server failed, or the address can't stand in an email
        logger.exception("The password reset email for user %s could not be sent.", user.pk)
        raise ServiceError("The email could not be sent. Try again later.", "email") from None
    return user


class ResetForm(auth.PasswordResetForm):
    """Sends the link to everybody who may sign in, also to people without a password, as customers who were imported
    are. Sends `password_reset_sent`, and raises what goes wrong."""

    email = forms.EmailField(
        max_length=get_user_model()._meta.get_field("email").max_length,
        widget=forms.EmailInput({"autocomplete": "email"}),
    )

    def __init__(self, *args: Any, by: Actor = SYSTEM, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.by = by

    def get_users(self, email: str) -> QuerySet[Any]:
        users: Any = get_user_model()._default_manager
        return users.with_email(email).filter(is_active=True)

    def send_mail(
        self, subject_template_name, email_template_name, context, from_email, to_email, html_email_template_name=None
    ):
        subject = "".join(render_to_string(subject_template_name, context).splitlines())
        text = render_to_string(email_template_name, context)
        EmailMessage(subject, text, from_email, [deliverable(to_email)]).send()
        password_reset_sent.send(ResetForm, user=context["user"], by=self.by)


class ForgotPasswordForm(ResetForm):
    """For everybody to use. It never reveals whether an email address is known, and fills nobody's mailbox."""

    def resets_since(self, moment: datetime) -> QuerySet[Any]:
        """Rows for resets that were sent to the user of an outer query, OuterRef("pk"), after the moment.

        Implemented by the app that handles `password_reset_sent`.
        """
        raise NotImplementedError

    def get_users(self, email):
        return super().get_users(email).exclude(Exists(self.resets_since(timezone.now() - RESEND_AFTER)))

    def send_mail(self, *args, **kwargs):
        try:
            super().send_mail(*args, **kwargs)
        except (OSError, ValueError):
            logger.exception("A password reset email that somebody asked for could not be sent.")


class SetPasswordForm(auth.SetPasswordForm):
    """Saves the password alone: the person's other columns may have changed since they were read."""

    def save(self, commit=True):
        self.user.set_password(self.cleaned_data["new_password1"])
        self.user.save(update_fields=["password"])
        return self.user
