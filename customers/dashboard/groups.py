"""Groups of customers: their names and their members."""

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.views.decorators.http import require_POST

from customers.dashboard.confirmed_actions import ConfirmedActionsAdmin, confirmed_action
from customers.dashboard.folded_search import FoldedSearchAdmin
from customers.dashboard.read_only import NoDeleteAdmin
from customers.dashboard.service_errors import ServiceErrorsAdmin, ServiceErrorsForm, message_of
from customers.dashboard.templatetags.shop import when
from customers.groups import services
from customers.groups.models import CustomerGroup
from customers.models import Customer
from oauth.actor import Actor
from oauth.email_addresses import MAX_EMAIL_LENGTH
from oauth.errors import ServiceError
from oauth.widgets import EmailInput

SHOWN_MEMBERS = 20


class MemberForm(forms.Form):
    email = forms.EmailField(
        label="Email of a customer", max_length=MAX_EMAIL_LENGTH, widget=EmailInput({"class": "vTextField"})
    )


@admin.register(CustomerGroup)
class CustomerGroupAdmin(FoldedSearchAdmin, ServiceErrorsAdmin, ConfirmedActionsAdmin, NoDeleteAdmin):
    about = "A group is a set of customers that you choose one by one, such as wholesale buyers."
    form = ServiceErrorsForm
    readonly_fields = ("members", "created", "changed")
    list_display = ("name", "members", "created")
    search_fields = ("search_name__contains",)
    ordering = ("-created_at", "-id")
    list_per_page = 50
    show_full_result_count = False
    change_form_template = "dashboard/groups/page.html"

    def get_queryset(self, request):
        return super().get_queryset(request).annotate(members=Count("customers"))

    def get_fields(self, request, obj=None):
        return ("name", *self.readonly_fields) if obj else ("name",)

    def response_add(self, request, obj, post_url_continue=None):
        self.message_user(request, f"The group {obj.name} is added. Now add its members.", messages.SUCCESS)
        return self._page_of(obj.pk)

    def get_urls(self):
        wrap = self.admin_site.admin_view
        return [
            path(
                "<int:group_id>/members/", wrap(require_POST(self.add_member)), name="groups_customergroup_add_member"
            ),
            path(
                "<int:group_id>/members/<int:customer_id>/remove/",
                wrap(require_POST(self.remove_member)),
                name="groups_customergroup_remove_member",
            ),
            *super().get_urls(),
        ]

    @admin.display(ordering="created_at")
    def created(self, group):
        return when(group.created_at)

    @admin.display
    def changed(self, group):
        return when(group.updated_at)

    @admin.display(description="customers", ordering="members")
    def members(self, group):
        return getattr(group, "members", 0)

    def save_model(self, request, obj, form, change):
        if not change:
            obj.pk = services.create_group(name=obj.name).pk
        elif "name" in form.changed_data:
            services.update_group(obj.pk, name=obj.name)
        obj.refresh_from_db()

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        if obj and request.user.has_perm("customers.view_customer"):
            newest = Customer.objects.filter(customer_groups=obj).newest_first()
            context["newest_members"] = newest[:SHOWN_MEMBERS]
            context["member_form"] = MemberForm() if self.has_change_permission(request, obj) else None
        return super().render_change_form(request, context, add, change, form_url, obj)

    def add_member(self, request, group_id: int) -> HttpResponse:
        self._require_change(request)
        form = MemberForm(request.POST)
        customer = form.is_valid() and Customer.objects.with_email(form.cleaned_data["email"]).first()
        if customer:
            return self._change_members(request, group_id, services.add_customers, customer, "is in the group")
        self.message_user(request, "There is no customer with this email address.", messages.ERROR)
        return self._page_of(group_id)

    def remove_member(self, request, group_id: int, customer_id: int) -> HttpResponse:
        self._require_change(request)
        customer = Customer.objects.filter(pk=customer_id).first()
        if customer is None:
            raise Http404
        return self._change_members(
            request, group_id, services.remove_customers, customer, "is not in the group any more"
        )

    def _require_change(self, request) -> None:
        if not self.has_change_permission(request):
            raise PermissionDenied

    def _change_members(self, request, group_id, change, customer, what_happened) -> HttpResponse:
        try:
            change(group_id, [customer.pk], by=Actor.from_request(request))
        except CustomerGroup.DoesNotExist:
            raise Http404 from None
        except ServiceError as error:
            self.message_user(request, message_of(error), messages.ERROR)
        else:
            self.message_user(request, f"{customer} {what_happened}.", messages.SUCCESS)
        return self._page_of(group_id)

    def _page_of(self, group_id) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:groups_customergroup_change", args=[group_id]))

    @confirmed_action(
        "Delete",
        "The group {object.name} is deleted. Its customers are kept.",
        permission="groups.delete_customergroup",
        is_permanent=True,
    )
    def delete(self, request, group):
        services.delete_group(group.pk, by=Actor.from_request(request))
        self.message_user(request, f"The group {group.name} is deleted.", messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:groups_customergroup_changelist"))
