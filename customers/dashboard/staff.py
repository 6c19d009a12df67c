"""Who may enter the dashboard: invited, given roles, signed out and shut out by owners."""

from collections.abc import Callable
from functools import partial

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join

from customers.dashboard.confirmed_actions import Decisions, Refused
from customers.dashboard.service_errors import ShowsRefusals
from customers.models import StaffMember
from oauth.accounts import sessions, staff
from oauth.accounts.models import TwoFactor
from oauth.actor import Actor
from oauth.errors import ServiceError

# A role is what a migration says it is.
admin.site.unregister(Group)


class StaffForm(forms.ModelForm):
    role = forms.ChoiceField(
        choices=[("", "---------"), *staff.Role.choices],
        help_text="Viewers look, staff also change customers and orders, owners do everything.",
    )

    class Meta:
        model = StaffMember
        fields = ("first_name", "last_name", "email")

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["role"] = staff.role_of(self.instance)
        elif "email" in self.fields:
            self.fields["email"].required = True

    refusal: ServiceError | None = None  # of what was sent before, with the place where it is told

    def clean(self):
        if self.refusal:
            field = next((name for name in self.refusal.path if name in self.fields), None)
            self.add_error(field, ValidationError(self.refusal.message, self.refusal.code))
        return super().clean()

    def _get_validation_exclusions(self):
        # Whether the email is taken, and by whom, is told by the service.
        return super()._get_validation_exclusions() | {"email"}  # type: ignore[misc]  # the stubs lack it


@admin.register(StaffMember)
class StaffAdmin(ShowsRefusals, Decisions):
    form = StaffForm
    change_form_template = "dashboard/staff.html"
    list_display = ("email", "name", "role", "is_active", "has_two_factor", "last_login")
    list_display_links = ("email", "name")
    list_filter = ("is_active",)
    show_facets = admin.ShowFacets.NEVER
    search_fields = ("email", "full_name")
    search_help_text = "Email address or name"
    ordering = ("-is_active", "email")
    show_full_result_count = False
    view_on_site = False
    decisions = ("deactivate", "reactivate", "invite_again", "sign_out", "switch_off_two_factor")

    class Media:
        css = {"all": ["oauth/page.css"]}

    def get_queryset(self, request):
        has_two_factor = Exists(TwoFactor.objects.filter(user=OuterRef("pk"), is_on=True))
        return super().get_queryset(request).annotate(two_factor_is_on=has_two_factor).prefetch_related("groups")

    def get_fields(self, request, obj=None):
        if obj is None:
            return ("email", "first_name", "last_name", "role")
        return ("email", ("first_name", "last_name"), "role", "is_active", "has_two_factor", "last_login", "signed_in")

    def get_readonly_fields(self, request, obj=None):
        return ("email", "is_active", "has_two_factor", "last_login", "signed_in") if obj else ()

    def save_model(self, request, obj, form, change):
        given, origin = form.cleaned_data, Actor.from_request(request)
        names = {"first_name": given["first_name"], "last_name": given["last_name"]}
        role = staff.Role(given["role"])
        if change:
            staff.rename(obj.pk, by=origin, **names)
            staff.change_role(obj.pk, role, by=origin)
        else:
            obj.pk = staff.invite(email=given["email"], role=role, by=origin, **names).pk

    def response_add(self, request, obj, post_url_continue=None):
        self.send_invitation(request, obj)
        return HttpResponseRedirect(reverse("admin:customers_staffmember_changelist"))

    def send_invitation(self, request, member):
        try:
            staff.send_invitation(member, request)
        except ServiceError as error:
            self.message_user(request, error.message, messages.ERROR)
        else:
            self.message_user(request, f"An invitation was sent to {member.email}.", messages.SUCCESS)

    def has_delete_permission(self, request, obj=None):
        return False  # the security log and notes are theirs

    def carry_out(self, request, member, done: str, change: Callable[[], object]):
        try:
            change()
        except ServiceError as error:
            raise Refused(error.message) from None
        self.message_user(request, f"{member}: {done}", messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:customers_staffmember_change", args=[member.pk]))

    @admin.action(description="Deactivate")
    def deactivate(self, request, member):
        """They can't sign in any more. Their sessions and their tokens, those of API access too, end at once."""
        change = partial(staff.deactivate, member.pk, by=Actor.from_request(request))
        return self.carry_out(request, member, "deactivated.", change)

    @admin.action(description="Activate")
    def reactivate(self, request, member):
        """They can sign in again, in the role they had. Tokens that ended stay so."""
        return self.carry_out(
            request, member, "active.", partial(staff.reactivate, member.pk, by=Actor.from_request(request))
        )

    @admin.action(description="Send the invitation again")
    def invite_again(self, request, member):
        """They get another email with a link to choose a password by, which works for three days."""
        self.send_invitation(request, member)
        return HttpResponseRedirect(reverse("admin:customers_staffmember_change", args=[member.pk]))

    @admin.action(description="Sign out everywhere")
    def sign_out(self, request, member):
        """All their sessions end at once. They can sign in again."""
        return self.carry_out(
            request, member, "signed out.", partial(staff.sign_out, member, by=Actor.from_request(request))
        )

    @admin.action(description="Switch off two-factor sign-in")
    def switch_off_two_factor(self, request, member):
        """Their password alone will sign them in. For who has lost phone and recovery codes: make sure it is them."""
        change = partial(staff.forget_second_factor, member, by=Actor.from_request(request))
        return self.carry_out(request, member, "two-factor sign-in is off.", change)

    @admin.display(description="name")
    def name(self, member):
        return member.get_full_name()

    @admin.display(description="role")
    def role(self, member):
        return staff.role_of(member) or "–"

    @admin.display(description="two-factor sign-in", boolean=True)
    def has_two_factor(self, member):
        return member.two_factor_is_on

    @admin.display(description="signed in")
    def signed_in(self, member):
        signed_in = sessions.sessions_of(member)
        return format_html_join("", "<div>{}, {}, since {}</div>", (
            (sessions.browser_name(session.user_agent), session.ip or "–",
             timezone.localtime(session.created_at).strftime("%Y-%m-%d %H:%M") if session.created_at else "–")
            for session in signed_in
        )) or "nowhere"  # fmt: skip
