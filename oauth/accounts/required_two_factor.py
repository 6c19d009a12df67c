"""Leads members of staff whose role requires two-factor sign-in to set it up, before they can do anything else."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.deprecation import MiddlewareMixin

from oauth.accounts import two_factor

PRIVATE = ("/dashboard/", "/oauth2/")
# The names of the views that stay open: those of signing in and out, and of setting it up.
OPEN = {
    "sign-in", "sign-in-code", "logout", "admin_password_reset", "password_reset_done", "password_reset_confirm",
    "password_reset_complete", "two-factor-required", "two-factor-begin", "two-factor-confirm", "logo",
}  # fmt: skip


class RequiredTwoFactorMiddleware(MiddlewareMixin):
    def process_view(self, request: HttpRequest, view, args, kwargs) -> HttpResponse | None:
        user = getattr(request, "user", None)  # requests of programs have none
        if user is None or not request.path_info.startswith(PRIVATE):
            return None
        if request.resolver_match and request.resolver_match.url_name in OPEN:
            return None
        if user.is_authenticated and two_factor.must_be_set_up(user):
            return redirect("two-factor-required")
        return None
