"""Asks people who are signed in to confirm that it is them, before what a thief of their session must not do.

The confirmation is their password and, where it is on, a code of two-factor sign-in. It holds for ten minutes, and so
does a sign-in: then nothing is asked again. Wrong confirmations count apart from failed sign-ins.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render

from oauth.accounts import lockout, two_factor
from oauth.actor import Actor
from oauth.audit.log import Event, record

HOLDS_FOR = timedelta(minutes=10)
CONFIRMED_AT = "identity_confirmed_at"  # the session's key for the time of the last confirmation, in seconds
PREFIX = "identity-"  # of the names of the page's fields, which stand beside those of an interrupted form
THEN = f"{PREFIX}then"  # the method of the request that was interrupted
REFUSED = "This is not your password, or the code is wrong."


def reauthenticated(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """A view that asks for a confirmation first. See `interrupt`."""

    @wraps(view)
    def confirmed(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return interrupt(request) or view(request, *args, **kwargs)

    return confirmed


def interrupt(request: HttpRequest) -> HttpResponse | None:
    """None if the person has confirmed who they are. Otherwise the page that asks for it, at the same URL.

    After the confirmation a page that was asked for is opened. A form that was sent is not lost: the page that asks
    contains its fields, and the button that confirms sends them on.
    """
    method = request.POST.get(THEN) or request.method
    form = None if is_confirmed(request) else IdentityForm(request)
    if form is None or form.is_valid():
        if form:
            confirm(request)
        if is_answer(request):
            if method != "POST":
                return redirect(request.get_full_path())
            _remove_own_fields(request)
        return None
    if lockout.is_refused(request):
        return lockout.page(request)
    sent = [(name, value) for name, values in request.POST.lists() if not _is_own(name) for value in values]
    context = {"title": "Confirm that it is you", "form": form, "sent": sent, "method": method, "then": THEN}
    return render(request, "accounts/confirm_identity.html", {**admin.site.each_context(request), **context})


def is_answer(request: HttpRequest) -> bool:
    """Whether the request comes from the page that asks for a confirmation."""
    return THEN in request.POST


def is_confirmed(request: HttpRequest) -> bool:
    return time.time() - request.session.get(CONFIRMED_AT, 0) < HOLDS_FOR.total_seconds()


def confirm(request: HttpRequest) -> None:
    request.session[CONFIRMED_AT] = time.time()


@receiver(user_logged_in)
def confirm_by_sign_in(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    confirm(request)


def is_right(request: HttpRequest, password: str, code: str | None) -> bool:
    """Whether the password and the code are those of the person who is signed in. A `code` of None is not checked.

    Counts and records what is wrong, without a hint which of the two it was. Refuses the request where the limit is
    reached; the caller answers with `lockout.page`.
    """
    user: Any = request.user
    attempt, by = lockout.confirmation(user), Actor.from_request(request)
    # Again afterwards: other guesses, sent at the same time, may have reached the limit meanwhile.
    is_valid = (
        not attempt.is_locked_out()
        and user.check_password(password)
        and (code is None or two_factor.verify(user, code))
        and not attempt.is_locked_out()
    )
    if is_valid:
        attempt.reset()
    elif attempt.is_locked_out() or attempt.count_failure(by):
        lockout.refuse(request)
    else:
        record(Event.SIGN_IN_FAILED, by, step="confirmation")
    return is_valid


class IdentityForm(forms.Form):
    password = forms.CharField(
        strip=False, widget=forms.PasswordInput({"autocomplete": "current-password", "autofocus": True})
    )

    def __init__(self, request: HttpRequest):
        super().__init__(request.POST if f"{PREFIX}password" in request.POST else None, prefix=PREFIX.rstrip("-"))
        self.request = request
        if two_factor.is_on(request.user):
            self.fields["code"] = code_field()

    def clean(self) -> None:
        given = self.cleaned_data
        if not self.errors and not is_right(self.request, given["password"], given.get("code")):
            self.add_error("password", REFUSED)


def code_field() -> forms.CharField:
    widget = forms.TextInput({"autocomplete": "one-time-code", "spellcheck": "false"})
    return forms.CharField(max_length=40, widget=widget, help_text="Of your authenticator app, or a recovery code.")


def _is_own(name: str) -> bool:
    return name.startswith(PREFIX) or name == "csrfmiddlewaretoken"


def _remove_own_fields(request: HttpRequest) -> None:
    """The view sees the form that was interrupted, and nothing else."""
    fields = request.POST.copy()
    for name in [name for name in fields if name.startswith(PREFIX)]:
        del fields[name]
    request.POST = fields  # type: ignore[assignment]  # typed as immutable
