"""Staff accounts: owners invite members, give them roles, sign them out and deactivate them."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.contrib.auth.models import Group
from django.db.models import Exists, OuterRef, Q
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html_join

from customers.dashboard import navigation
from customers.dashboard.chips import chip
from customers.dashboard.confirmed_actions import ConfirmedActionsAdmin, ReauthenticatedAdmin, confirmed_action
from customers.dashboard.folded_search import FoldedSearchAdmin
from customers.dashboard.read_only import NoDeleteAdmin
from customers.dashboard.service_errors import ServiceErrorsAdmin, ServiceErrorsForm, message_of
from customers.dashboard.templatetags.shop import NOTHING, when
from customers.dashboard.two_factor_policy import TwoFactorPolicyAdmin
from customers.models import StaffMember
from oauth import tokens
from oauth.accounts import sessions, staff
from oauth.accounts.models import TwoFactor
from oauth.actor import Actor
from oauth.errors import ServiceError
from oauth.widgets import EmailInput

admin.site.unregister(Group)  # `customers.dashboard.roles` shows them


class StatusFilter(admin.SimpleListFilter):
    title = parameter_name = "status"

    def lookups(self, request, model_admin):
        return [("active", "Active"), ("invited", "Invited"), ("deactivated", "Deactivated")]

    def queryset(self, request, queryset):
        is_invited = Q(password="") | Q(password__startswith=UNUSABLE_PASSWORD_PREFIX)
        if self.value() == "deactivated":
            return queryset.filter(is_active=False)
        if self.value() == "invited":
            return queryset.filter(is_invited, is_active=True)
        return queryset.filter(~is_invited, is_active=True) if self.value() == "active" else queryset


class RoleFilter(admin.SimpleListFilter):
    title = parameter_name = "role"

    def lookups(self, request, model_admin):
        return [(role, role) for role in staff.roles()]

    def queryset(self, request, queryset):
        role = self.value()
        return queryset.filter(staff.has_role(role)).distinct() if role else queryset


class StaffForm(ServiceErrorsForm):
    role = forms.ChoiceField(
        help_text="Viewers can only look. Staff can also change customers. Owners can do everything. "
        "A lower role takes effect at once, also for the person's API tokens and apps.",
    )

    giver: StaffMember

    class Meta:
        model = StaffMember
        fields = ("first_name", "last_name", "email")
        widgets = {"email": EmailInput({"class": "vTextField"})}
        help_texts = {"email": "Gets a link to choose a password. The link works for three days."}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "role" in self.fields:  # the form of somebody who may only look has no fields
            field: Any = self.fields["role"]
            field.choices = [("", "---------"), *((role, role) for role in staff.roles_to_give(self.giver))]
        if self.instance.pk:
            self.initial["role"] = staff.role_of(self.instance)
        elif "email" in self.fields:
            self.fields["email"].required = True

    def _get_validation_exclusions(self):
        # The service decides whether the email address is taken.
        return super()._get_validation_exclusions() | {"email"}  # type: ignore[misc]  # the stubs lack it


@admin.register(StaffMember)
class StaffAdmin(
    TwoFactorPolicyAdmin,
    ReauthenticatedAdmin,
    FoldedSearchAdmin,
    NoDeleteAdmin,
    ServiceErrorsAdmin,
    ConfirmedActionsAdmin,
):
    """Nobody is deleted: the security log and notes refer to them."""

    form = StaffForm
    list_display = ("email", "name", "role", "status", "two_factor_sign_in", "signed_in_last")
    list_display_links = ("email", "name")
    list_filter = (StatusFilter, RoleFilter)
    show_facets = admin.ShowFacets.NEVER
    search_fields = ("search_text__contains",)
    search_help_text = "Search by email or name"
    ordering = ("-is_active", "email")
    show_full_result_count = False
    view_on_site = False
    empty_value_display = NOTHING

    class Media:
        css = {"all": ["oauth/page.css"]}

    def get_queryset(self, request):
        has_two_factor = Exists(TwoFactor.objects.filter(user=OuterRef("pk"), is_on=True))
        return super().get_queryset(request).annotate(two_factor_is_on=has_two_factor).prefetch_related("groups")

    def get_fields(self, request, obj=None):
        if obj is None:
            return ("email", "first_name", "last_name", "role")
        shown = ("role", "status", "two_factor_sign_in", "signed_in_last", "signed_in", "api_access")
        return ("email", ("first_name", "last_name"), *shown)

    def get_readonly_fields(self, request, obj=None):
        return ("email", "status", "two_factor_sign_in", "signed_in_last", "signed_in", "api_access") if obj else ()

    def get_form(self, request, obj=None, change=False, **options):
        form: Any = super().get_form(request, obj, change=change, **options)
        form.giver = request.user
        return form

    def has_change_permission(self, request, obj=None):
        """Nobody changes a person who may do more than themselves."""
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or staff.may_give(request.user, staff.role_of(obj)))

    def add_view(self, request, form_url="", extra_context=None):
        name = navigation.name_of_adding(self.opts)
        context = {"title": name, "save_label": "Send invitation", **(extra_context or {})}
        return super().add_view(request, form_url, context)

    def save_model(self, request, obj, form, change):
        given, actor = form.cleaned_data, Actor.from_request(request)
        names = {"first_name": given["first_name"], "last_name": given["last_name"]}
        role = given["role"]
        if change:
            if {*names} & {*form.changed_data}:
                staff.rename(obj.pk, by=actor, **names)
            if "role" in form.changed_data:
                staff.change_role(obj.pk, role, by=actor)
        else:
            obj.pk = staff.invite(email=given["email"], role=role, by=actor, **names).pk

    def response_add(self, request, obj, post_url_continue=None):
        try:
            staff.send_invitation(obj, request)
        except ServiceError as error:
            self.message_user(request, message_of(error), messages.ERROR)
        else:
            self.message_user(request, f"An invitation to {obj.email} is on its way.", messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:customers_staffmember_changelist"))

    @confirmed_action(
        "Send the invitation again",
        "{object} gets another email with a link to choose a password. The link works for three days.",
        is_available=lambda request, member: member.is_active and not member.has_usable_password(),
    )
    def invite_again(self, request, member):
        staff.send_invitation(member, request)
        return f"An invitation to {member.email} is on its way."

    @confirmed_action(
        "Switch off two-factor sign-in",
        "The password alone will then sign {object} in. Do this for someone who has lost both phone and recovery codes,"
        " and make sure that it is really them who ask.",
        is_available=lambda request, member: member.is_active and member.two_factor_is_on,
        reauthenticate=True,
    )
    def switch_off_two_factor(self, request, member):
        staff.switch_off_two_factor(member, by=Actor.from_request(request))
        return f"{member}: two-factor sign-in is off."

    @confirmed_action(
        "Sign out everywhere",
        "All sessions of {object} end at once. They can sign in again.",
        is_available=lambda request, member: member.is_active,
    )
    def sign_out(self, request, member):
        staff.sign_out(member, by=Actor.from_request(request))
        return f"{member}: signed out."

    @confirmed_action(
        "Deactivate",
        "{object} can't sign in any more. Their sessions and their tokens, API tokens included, end at once.",
        is_available=lambda request, member: member.is_active and member.pk != request.user.pk,
    )
    def deactivate(self, request, member):
        staff.deactivate(member.pk, by=Actor.from_request(request))
        return f"{member}: deactivated."

    @confirmed_action(
        "Activate",
        "{object} can sign in again, in the same role. Tokens that ended stay revoked.",
        is_available=lambda request, member: not member.is_active,
    )
    def reactivate(self, request, member):
        staff.reactivate(member.pk, by=Actor.from_request(request))
        return f"{member}: active."

    @admin.display(description="name")
    def name(self, member):
        return member.get_full_name()

    @admin.display(description="role")
    def role(self, member):
        return staff.role_of(member) or NOTHING

    @admin.display(description="status")
    def status(self, member):
        if not member.is_active:
            return chip("Deactivated")
        return chip("Active", "good") if member.has_usable_password() else chip("Invited", "warning")

    @admin.display(description="two-factor sign-in")
    def two_factor_sign_in(self, member):
        return "On" if member.two_factor_is_on else "Off"

    @admin.display(description="last sign-in", ordering="last_login")
    def signed_in_last(self, member):
        return when(member.last_login) if member.last_login else "Never"

    @admin.display(description="API tokens and apps")
    def api_access(self, member):
        return ", ".join(app.name for app in tokens.apps_with_tokens_of(member)) or "None"

    @admin.display(description="signed in")
    def signed_in(self, member):
        signed_in = sessions.active_sessions(member)
        return format_html_join("", "<div>{}, {}, since {}</div>", (
            (sessions.browser_name(session.user_agent), session.ip or NOTHING, when(session.created_at))
            for session in signed_in
        )) or "Not signed in"  # fmt: skip
