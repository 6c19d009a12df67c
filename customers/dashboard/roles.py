"""The roles of staff in the dashboard: the built-in ones to look at, and the store's own, made of sections."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.db.models import Count
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from customers.dashboard.confirmed_actions import ConfirmedActionsAdmin, ReauthenticatedAdmin, confirmed_action
from customers.dashboard.read_only import NoDeleteAdmin
from customers.dashboard.service_errors import ServiceErrorsAdmin, UnchangedInstanceForm
from oauth.accounts import own_roles, staff
from oauth.accounts.models import StaffRole
from oauth.accounts.roles import Role
from oauth.accounts.sections import SECTIONS, Level
from oauth.actor import Actor

BUILT_IN = {
    Role.VIEWER: "Sees customers, orders, custom fields and the store's details.",
    Role.STAFF: "Also changes customers, orders, groups and segments, and imports and exports.",
    Role.OWNER: "May do everything.",
}


class LevelsWidget(forms.Widget):
    """A row of radio buttons for each section. Its value: a level by the key of the section."""

    template_name = "dashboard/roles/levels.html"

    def value_from_datadict(self, data, files, name):
        return {key: data.get(f"{name}-{key}", Level.NONE.value) for key in SECTIONS}

    def value_omitted_from_data(self, data, files, name):
        return False

    def id_for_label(self, id_):
        return ""

    def get_context(self, name, value, attrs):
        levels: dict[str, str] = value or {}
        rows = [
            {
                "section": section,
                "name": f"{name}-{key}",
                "choices": [(level, level in section.levels, levels.get(key, "none") == level) for level in Level],
            }
            for key, section in SECTIONS.items()
        ]
        return {**super().get_context(name, value, attrs), "rows": rows, "levels": list(Level)}


class LevelsField(forms.Field):
    widget = LevelsWidget

    def clean(self, value: Any) -> dict[str, str]:
        if not set(value.values()) <= set(Level.values):
            raise forms.ValidationError("Choose a level of each section.")
        return value

    def has_changed(self, initial, data):
        opened = {key: level for key, level in (data or {}).items() if level != Level.NONE}
        return opened != (initial or {})


class RoleForm(UnchangedInstanceForm):
    name = forms.CharField(max_length=own_roles.MAX_NAME_LENGTH, widget=forms.TextInput({"class": "vTextField"}))
    levels = LevelsField(label="May do", required=False)

    class Meta:
        model = StaffRole
        fields = ()

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial.update(name=self.instance.group.name, levels=self.instance.levels)


@admin.register(StaffRole)
class StaffRoleAdmin(ReauthenticatedAdmin, NoDeleteAdmin, ServiceErrorsAdmin, ConfirmedActionsAdmin):
    form = RoleForm
    list_display = ("__str__", "may_do", "members")
    ordering = ("group__name",)
    show_full_result_count = False
    view_on_site = False

    class Media:
        css = {"all": ["dashboard/roles.css"]}

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("group").annotate(people=Count("group__user"))

    def get_fields(self, request, obj=None):
        if obj and not self.has_change_permission(request, obj):
            return ("may_do", "members")
        return ("name", "levels", *(["members"] if obj else []))

    def get_readonly_fields(self, request, obj=None):
        return ("may_do", "members") if obj else ()

    def has_change_permission(self, request, obj=None):
        return super().has_change_permission(request, obj) and not (obj and obj.is_built_in)

    def save_model(self, request, obj, form, change):
        values, by = form.cleaned_data, Actor.from_request(request)
        if change:
            own_roles.update_role(obj.pk, name=values["name"], levels=values["levels"], by=by)
        else:
            obj.pk = own_roles.create_role(name=values["name"], levels=values["levels"], by=by).pk
        obj.refresh_from_db()

    @confirmed_action(
        "Delete",
        "The role {object} is deleted. Its members need another role first.",
        permission="accounts.delete_staffrole",
        is_available=lambda request, role: not role.is_built_in,
        is_permanent=True,
    )
    def delete(self, request, role):
        own_roles.delete_role(role.pk, by=Actor.from_request(request))
        self.message_user(request, f"The role {role} is deleted.", messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:accounts_staffrole_changelist"))

    @admin.display(description="may do")
    def may_do(self, role):
        if role.is_built_in:
            return BUILT_IN[Role(role.group.name)]
        levels = role.levels
        opened = [(each.label, Level(levels[key]).label.lower()) for key, each in SECTIONS.items() if key in levels]
        return format_html_join(", ", "{}: {}", opened)

    @admin.display(description="people")
    def members(self, role):
        name = role.group.name
        url = f"{reverse('admin:customers_staffmember_changelist')}?{urlencode({'role': name})}"
        # Superusers are owners without the group.
        people = staff.members_with(Role.OWNER).count() if name == Role.OWNER else role.people
        return format_html('<a href="{}">{}</a>', url, people)
