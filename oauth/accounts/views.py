"""The page "Your account" of the dashboard: where you are signed in, two-factor sign-in, and the password."""

from typing import Any

import segno
from django import forms
from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.contrib.auth import views as auth
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe
from django.views.generic import FormView

from oauth.accounts import lockout, passwords, reauthentication, sessions, staff, trusted_devices, two_factor
from oauth.accounts.login import CodeForm, DashboardPage
from oauth.accounts.reauthentication import reauthenticated
from oauth.actor import Actor
from oauth.errors import ServiceError
from oauth.store import store_domain


@require_safe
@never_cache
def account(request: HttpRequest) -> HttpResponse:
    current = sessions.current_session(request)
    rows = [
        {"digest": session.pk, "browser": sessions.browser_name(session.user_agent), "ip": session.ip,
         "created_at": session.created_at, "is_current": session.pk == current}
        for session in sessions.active_sessions(request.user)
    ]  # fmt: skip
    context = {
        "title": "Your account",
        "name_form": NameForm(instance=request.user),
        "sessions": rows,
        "two_factor_is_on": two_factor.is_on(request.user),
        "two_factor_is_required": two_factor.is_required(request.user),
    }
    return render(request, "accounts/account.html", {**admin.site.each_context(request), **context})


class NameForm(forms.ModelForm):
    class Meta:
        model = get_user_model()
        fields = ("first_name", "last_name")
        widgets = {
            "first_name": forms.TextInput({"autocomplete": "given-name"}),
            "last_name": forms.TextInput({"autocomplete": "family-name"}),
        }


@require_POST
def change_name(request: HttpRequest) -> HttpResponse:
    names = {name: request.POST.get(name, "") for name in NameForm.Meta.fields}
    user: Any = request.user
    try:
        staff.rename(user.pk, by=Actor.from_request(request), **names)
    except ServiceError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "Your name is saved.")
    return redirect("account")


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Ends one session, `session`, or all others than this one."""
    current = sessions.current_session(request)
    if one := request.POST.get("session"):
        ended = sessions.end_sessions(request.user, Actor.from_request(request), only=one.replace("\0", ""))
    else:
        ended = sessions.end_sessions(request.user, Actor.from_request(request), keep=current)
    if one != current:
        messages.success(request, f"Sessions signed out: {ended}.")
    return redirect("account")


@reauthenticated
@require_POST
def begin_two_factor(request: HttpRequest) -> HttpResponse:
    two_factor.begin(request.user)
    return redirect("two-factor-confirm")


@method_decorator([never_cache, sensitive_post_parameters("code"), reauthenticated], name="dispatch")
class ConfirmTwoFactor(DashboardPage, FormView):
    """Shows the key and takes a first code. Other sessions of the person end, as they began without a code."""

    form_class = CodeForm
    template_name = "accounts/two_factor_confirm.html"
    title = "Two-factor sign-in"

    def dispatch(self, request, *args, **kwargs):
        self.key = two_factor.unconfirmed_key(request.user) or ""
        return super().dispatch(request, *args, **kwargs) if self.key else redirect("account")

    def get_context_data(self, **context):
        uri = two_factor.provisioning_uri(self.request.user, self.key, store_domain(self.request))
        # On white in dark mode, too: cameras read dark on light.
        image = segno.make(uri, error="m").svg_data_uri(scale=5, light="#fff")
        return super().get_context_data(image=image, key=self.key, **context)

    def form_valid(self, form):
        user, by = self.request.user, Actor.from_request(self.request)
        codes = two_factor.confirm(user, form.cleaned_data["code"], by)
        if codes is None:
            form.add_error("code", "This code is wrong. Is the clock of your device right?")
            return self.form_invalid(form)
        sessions.end_sessions(user, by, keep=sessions.current_session(self.request))
        context = {"title": "Your recovery codes", "codes": codes, "file": "\n".join(codes) + "\n"}
        return render(
            self.request, "accounts/recovery_codes.html", {**admin.site.each_context(self.request), **context}
        )


@require_safe
def two_factor_required(request: HttpRequest) -> HttpResponse:
    """Where `RequiredTwoFactorMiddleware` leads to."""
    if not two_factor.must_be_set_up(request.user):
        return redirect("admin:index")
    context = {"title": "Set up two-factor sign-in"}
    return render(request, "accounts/two_factor_required.html", {**admin.site.each_context(request), **context})


@method_decorator([never_cache, reauthenticated], name="dispatch")
class SwitchOffTwoFactor(DashboardPage, FormView):
    form_class = forms.Form
    template_name = "accounts/two_factor_off.html"
    title = "Switch off two-factor sign-in"

    def dispatch(self, request, *args, **kwargs):
        if two_factor.is_required(request.user):
            messages.error(request, "Your role requires two-factor sign-in.")
            return redirect("account")
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form):
        two_factor.switch_off(self.request.user, Actor.from_request(self.request))
        messages.success(self.request, "Two-factor sign-in is off.")
        return redirect("account")


class ChangePasswordForm(passwords.SetPasswordForm):
    """Asks for the present password, always. For a code of two-factor sign-in, unless one was given just now."""

    old_password = forms.CharField(
        label="Present password",
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "current-password", "autofocus": True}),
    )
    field_order = ("old_password", "code", "new_password1", "new_password2")

    def __init__(self, user, *args, request: HttpRequest, **options):
        super().__init__(user, *args, by=Actor.from_request(request), **options)
        self.request = request
        if two_factor.is_on(user) and not reauthentication.is_confirmed(request):
            self.fields["code"] = reauthentication.code_field()
            self.order_fields(self.field_order)

    def clean(self):
        super().clean()
        given = self.cleaned_data
        # Last: a code works once, so none is used for a form that has to be sent again.
        if not self.errors and not reauthentication.is_right(self.request, given["old_password"], given.get("code")):
            self.add_error("old_password", reauthentication.REFUSED)


@method_decorator(never_cache, name="dispatch")
class ChangePassword(DashboardPage, auth.PasswordChangeView):
    """Other sessions of the person end, and so do their trusted devices."""

    form_class: Any = ChangePasswordForm
    template_name = "accounts/change_password.html"
    title = "Change your password"
    success_url = reverse_lazy("admin:password_change_done")

    def get_form_kwargs(self):
        return {"request": self.request, **super().get_form_kwargs()}

    def form_invalid(self, form):
        return lockout.page(self.request) if lockout.is_refused(self.request) else super().form_invalid(form)

    def form_valid(self, form):
        response = super().form_valid(form)
        reauthentication.confirm(self.request)
        trusted_devices.trust(response, form.user)
        return response
