"""The page where owners choose which roles have to sign in with a second factor."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from customers.dashboard.model_admin import DashboardAdmin
from oauth.accounts import sessions, staff, two_factor
from oauth.accounts.reauthentication import reauthenticated
from oauth.actor import Actor


class TwoFactorPolicyForm(forms.Form):
    roles = forms.MultipleChoiceField(label="Required of", required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        field: Any = self.fields["roles"]
        field.choices = [(name, name) for name in sorted(staff.roles())]
        self.initial["roles"] = two_factor.roles_that_require()


class TwoFactorPolicyAdmin(DashboardAdmin):
    """For the admin class of staff."""

    def get_urls(self):
        view = self.admin_site.admin_view(reauthenticated(self.two_factor_policy))
        return [path("two-factor/", view, name="customers_staffmember_two_factor"), *super().get_urls()]

    def two_factor_policy(self, request: HttpRequest) -> HttpResponse:
        if not request.user.has_perm("accounts.change_staffrole"):
            raise PermissionDenied
        form = TwoFactorPolicyForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            roles = form.cleaned_data["roles"]
            current = sessions.current_session(request)
            missing = staff.require_two_factor(roles, by=Actor.from_request(request), keep=current)
            signed_out = f" Members who have to set it up now: {missing}. They were signed out." if missing else ""
            required = (
                f"Two-factor sign-in is required of: {', '.join(roles)}." if roles else "It is required of nobody."
            )
            messages.success(request, required + signed_out)
            return redirect("admin:customers_staffmember_changelist")
        context = {"title": "Two-factor sign-in by role", "form": form, "opts": self.opts}
        template = "dashboard/staff/two_factor_policy.html"
        return render(request, template, {**self.admin_site.each_context(request), **context})
