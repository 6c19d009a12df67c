"""The pages where people choose a password by the link of an email: a new one, or the first one after an invitation."""

from typing import Any

from django.contrib.auth import views as auth
from django.http import HttpResponseRedirect
from django.urls import path, reverse

from oauth.accounts import two_factor
from oauth.accounts.login import DashboardPage, SignInPage
from oauth.accounts.passwords import ChoosePasswordForm, ForgotPasswordForm
from oauth.actor import SYSTEM, Actor, client_ip

BACKEND = "django.contrib.auth.backends.ModelBackend"


class ForgotPassword(DashboardPage, auth.PasswordResetView):
    form_class = ForgotPasswordForm
    template_name = "accounts/forgot_password.html"
    title = "Forgot your password?"


class LinkSent(DashboardPage, auth.PasswordResetDoneView):
    template_name = "accounts/link_sent.html"
    title = "Check your email"


class ChoosePassword(SignInPage, auth.PasswordResetConfirmView):
    """Signs staff in: the link proves as much as the password that they would type next. Two-factor sign-in still asks
    for its code."""

    form_class = ChoosePasswordForm
    template_name = "accounts/choose_password.html"
    title = "Choose a password"

    def get_form_kwargs(self):
        user: Any = self.user  # None for a link that is not valid
        by = Actor(user_id=user.pk, email=user.email or "", ip=client_ip(self.request.META)) if user else SYSTEM
        return {**super().get_form_kwargs(), "by": by}

    def get_success_url(self):
        return reverse("admin:index")

    def form_valid(self, form):
        user = form.save()
        del self.request.session[auth.INTERNAL_RESET_SESSION_TOKEN]
        if not (user.is_staff and user.is_active):
            return HttpResponseRedirect(reverse("password_reset_complete"))
        if two_factor.is_on(user):
            return self.ask_for_code(user, BACKEND)
        return self.complete(user, BACKEND)


class PasswordChosen(DashboardPage, auth.PasswordResetCompleteView):
    """For customers and deactivated members of staff, who can't sign in to the dashboard."""

    template_name = "accounts/password_chosen.html"
    title = "Your password is set"


# Under the URL names of Django's own pages.
urlpatterns = [
    path("", ForgotPassword.as_view(), name="admin_password_reset"),
    path("done/", LinkSent.as_view(), name="password_reset_done"),
    path("<uidb64>/<token>/", ChoosePassword.as_view(), name="password_reset_confirm"),
    path("complete/", PasswordChosen.as_view(), name="password_reset_complete"),
]
