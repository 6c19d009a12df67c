"""Signing in to the dashboard: email and password and, where it is on, the second factor.

Nobody is signed in before both are right, so no page has to ask whether the second one was.
"""

import time

from axes.handlers.proxy import AxesProxyHandler
from django import forms
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import get_user_model, login
from django.contrib.auth.signals import user_login_failed
from django.contrib.auth.views import LoginView, RedirectURLMixin
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import FormView
from oauth2_provider.settings import oauth2_settings

from oauth.accounts import two_factor

PENDING = "password_was_right"  # in the session: whose, and when
MINUTES_FOR_CODE = 5
APP_SCHEMES = [f"{scheme}:" for scheme in oauth2_settings.ALLOWED_REDIRECT_URI_SCHEMES]


class CodeInput(forms.TextInput):
    def format_value(self, value):
        """A code that was refused is not shown again: the next one is another."""


class CodeForm(forms.Form):
    code = forms.CharField(
        max_length=40,
        widget=CodeInput({"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}),
    )


class DashboardPage:
    """Of a view: what the pages of the admin site are given."""

    title = ""

    def get_context_data(self, **context):
        site = admin.site.each_context(self.request)  # type: ignore[attr-defined]  # a mix-in
        return super().get_context_data(**site, title=self.title, **context)  # type: ignore[misc]


class LeadsOn(DashboardPage):
    """Of a step of signing in. Browsers hold what a form leads to against `form-action`, and an install link leads on
    to the app."""

    def render_to_response(self, context, **options):
        response = super().render_to_response(context, **options)  # type: ignore[misc]  # a mix-in
        response._csp_update = {"form-action": APP_SCHEMES}
        return response


class SignIn(LeadsOn, LoginView):
    """The admin site's page, which hands over to the next step."""

    authentication_form = AdminAuthenticationForm
    template_name = "admin/login.html"
    title = "Log in"

    def get(self, request, *args, **kwargs):
        if admin.site.has_permission(request):
            return redirect("admin:index")
        return super().get(request, *args, **kwargs)

    def get_default_redirect_url(self):
        return reverse("admin:index")

    def get_context_data(self, **context):
        path, name = self.request.get_full_path(), self.request.user.get_username()
        return super().get_context_data(app_path=path, username=name, **context)

    def form_valid(self, form):
        user = form.get_user()
        if not two_factor.is_on(user):
            login(self.request, user)
            return HttpResponseRedirect(self.get_success_url())
        self.request.session[PENDING] = {"user": user.pk, "backend": user.backend, "at": time.time()}
        query = urlencode({self.redirect_field_name: self.get_success_url()})
        return HttpResponseRedirect(f"{reverse('sign-in-code')}?{query}")


@method_decorator([never_cache, sensitive_post_parameters("code")], name="dispatch")
class EnterCode(LeadsOn, RedirectURLMixin, FormView):
    """The second step. Wrong codes count as wrong passwords do, on the account and the address."""

    form_class = CodeForm
    template_name = "accounts/enter_code.html"
    title = "Enter a code"

    def dispatch(self, request, *args, **kwargs):
        pending = request.session.get(PENDING)
        self.user = pending and get_user_model().objects.filter(pk=pending["user"], is_active=True).first()
        if not self.user or time.time() - pending["at"] > MINUTES_FOR_CODE * 60:
            return redirect("admin:login")
        return super().dispatch(request, *args, **kwargs)

    def get_default_redirect_url(self):
        return reverse("admin:index")

    def form_valid(self, form):
        credentials = {"username": self.user.email, "step": "code"}
        if not AxesProxyHandler.is_allowed(self.request, credentials):
            self.request.axes_locked_out = True  # type: ignore[attr-defined]  # what axes' middleware looks for
            return HttpResponse(status=429)
        if not two_factor.verify(self.user, form.cleaned_data["code"]):
            user_login_failed.send(EnterCode, credentials=credentials, request=self.request)
            form.add_error("code", "This code is not right, or was used before.")
            return self.form_invalid(form)
        backend = self.request.session.pop(PENDING)["backend"]
        login(self.request, self.user, backend=backend)
        return HttpResponseRedirect(self.get_success_url())
