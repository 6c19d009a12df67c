"""Signing in to the dashboard: email and password and, where it is switched on, the second factor.

Nobody is signed in before both are right, so no other page has to check whether the second one was.
"""

import time
from urllib.parse import urlsplit

from django import forms
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import REDIRECT_FIELD_NAME, get_user_model, login
from django.contrib.auth.views import LoginView, RedirectURLMixin
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import FormView

from oauth.accounts import lockout, trusted_devices, two_factor

# The session's key for a person whose password was right and whose code is missing: id, backend, and time of it.
AWAITING_CODE = "awaiting_code"
MINUTES_FOR_CODE = 5
# Names of the URLs below which pages redirect to the sites of apps.
LINKS_TO_APPS = ("apps", "oauth2_provider:authorize")


class CodeInput(forms.TextInput):
    def format_value(self, value):
        """Nothing: a refused code is not shown again, as the next one will be another."""


class CodeForm(forms.Form):
    """Asks for the six digits of an authenticator app."""

    code = forms.CharField(
        max_length=40,
        widget=CodeInput(
            {"inputmode": "numeric", "autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}
        ),
    )


class RecoveryCodeForm(forms.Form):
    """Asks for a recovery code. It differs from CodeForm in its label and in the keyboard that a phone opens: either
    form accepts either code."""

    code = forms.CharField(
        label="Recovery code",
        max_length=40,
        widget=CodeInput({"autocomplete": "off", "autocapitalize": "none", "autofocus": True, "spellcheck": "false"}),
    )


class SignInForm(AdminAuthenticationForm):
    error_messages = dict.fromkeys(("invalid_login", "inactive"), "Wrong email or password.")


class DashboardPage:
    """A view with the context of the admin site's pages."""

    title = ""
    request: HttpRequest

    def get_context_data(self, **context):
        site = admin.site.each_context(self.request)
        return super().get_context_data(**site, title=self.title, **context)  # type: ignore[misc]  # the view has it


class SignInPage(DashboardPage, RedirectURLMixin):
    """A step of signing in. The last step leads to the page that asked for it."""

    def get_default_redirect_url(self):
        return reverse("admin:index")

    def form_invalid(self, form):
        if lockout.is_refused(self.request):
            return lockout.page(self.request)
        return super().form_invalid(form)  # type: ignore[misc]  # the view has it

    def complete(self, user, backend):
        """Signs in, unless guesses that were sent at the same time have reached the limit meanwhile."""
        attempt = lockout.sign_in(self.request, user.email)
        if attempt.is_locked_out():
            return lockout.page(self.request)
        attempt.reset()
        login(self.request, user, backend=backend)
        response = self.open_page(self.get_success_url())
        trusted_devices.trust(response, user)
        return response

    def ask_for_code(self, user, backend):
        """Leads to the second step."""
        self.request.session[AWAITING_CODE] = {"user": user.pk, "backend": backend, "at": time.time()}
        query = urlencode({REDIRECT_FIELD_NAME: self.get_success_url()})
        return HttpResponseRedirect(f"{reverse('sign-in-code')}?{query}")

    def open_page(self, url):
        """Redirects to a page of the store. A page that may redirect to an app is opened by a page in between.

        Browsers check every redirect that follows a form against `form-action` of the Content-Security-Policy, which
        allows the store alone.
        """
        if not urlsplit(url).path.startswith(tuple(map(reverse, LINKS_TO_APPS))):
            return HttpResponseRedirect(url)
        return render(self.request, "accounts/signed_in.html", {**admin.site.each_context(self.request), "url": url})


class SignIn(SignInPage, LoginView):
    """The first step."""

    authentication_form = SignInForm
    template_name = "accounts/sign_in.html"
    title = "Sign in"

    def get(self, request, *args, **kwargs):
        if admin.site.has_permission(request):
            return redirect("admin:index")
        return super().get(request, *args, **kwargs)

    def form_valid(self, form):
        user = form.get_user()
        if not two_factor.is_on(user):
            return self.complete(user, user.backend)
        return self.ask_for_code(user, user.backend)


@method_decorator([never_cache, sensitive_post_parameters("code")], name="dispatch")
class EnterCode(SignInPage, FormView):
    """The second step. A wrong code counts like a wrong password."""

    template_name = "accounts/enter_code.html"
    title = "Enter your code"

    def get_form_class(self):
        return RecoveryCodeForm if "recovery" in self.request.GET else CodeForm

    def dispatch(self, request, *args, **kwargs):
        awaiting = request.session.get(AWAITING_CODE)
        self.user = awaiting and get_user_model().objects.filter(pk=awaiting["user"], is_active=True).first()
        if not self.user or time.time() - awaiting["at"] > MINUTES_FOR_CODE * 60:
            return redirect("admin:login")
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form):
        if lockout.sign_in(self.request, self.user.email).is_locked_out():
            return lockout.page(self.request)
        if not two_factor.verify(self.user, form.cleaned_data["code"]):
            lockout.count_failed_sign_in(self.request, self.user.email, step="code")
            form.add_error("code", "This code is wrong or was used before.")
            return self.form_invalid(form)
        return self.complete(self.user, self.request.session.pop(AWAITING_CODE)["backend"])
