"""All tags, with the number of people who have each. A change of a tag is a job over all of them."""

from urllib.parse import urlencode

from django.contrib import admin
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html

from customers.dashboard.confirmed_actions import ConfirmedActionsAdmin, confirmed_action
from customers.dashboard.customers.counting import MAX_COUNTED
from customers.dashboard.folded_search import FoldedSearchAdmin
from customers.dashboard.jobs import page_of, run_step
from customers.dashboard.read_only import NoDeleteAdmin
from customers.dashboard.service_errors import ServiceErrorsAdmin, UnchangedInstanceForm
from customers.jobs import runner, tag_edits
from customers.models import Customer, Tag


class TagForm(UnchangedInstanceForm):
    class Meta:
        model = Tag
        fields = ("name",)
        help_texts = {
            "name": "A new name is given to all customers who have the tag. The name of another tag merges the two."
        }


@admin.register(Tag)
class TagAdmin(ConfirmedActionsAdmin, FoldedSearchAdmin, ServiceErrorsAdmin, NoDeleteAdmin):
    form = TagForm
    list_display = ("name", "customers")
    search_fields = ("search_name__contains",)
    ordering = ("search_name", "name")
    sortable_by = ("name",)
    list_per_page = 50
    show_full_result_count = False

    @admin.display
    def customers(self, tag):
        """Counted up to `MAX_COUNTED`: a common tag would need the whole table."""
        number = Customer.objects.with_tag(tag.name)[: MAX_COUNTED + 1].count()
        text = f"{number:,}" if number <= MAX_COUNTED else f"more than {MAX_COUNTED:,}"
        url = f"{reverse('admin:customers_customer_changelist')}?{urlencode({'tag': tag.name})}"
        return format_html('<a href="{}">{}</a>', url, text) if number else text

    @confirmed_action(
        "Delete tag",
        "The tag {object} is taken from all customers who have it.",
        is_permanent=True,
    )
    def delete_tag(self, request, tag):
        job = tag_edits.prepare_delete(tag.name, by=request.user)
        runner.start(job)
        run_step(job)
        return HttpResponseRedirect(page_of(job))

    def get_form(self, request, obj=None, change=False, **options):
        form = super().get_form(request, obj, change=change, **options)
        if obj is None and "name" in form.base_fields:
            form.base_fields["name"].help_text = ""
        return form

    def save_model(self, request, obj, form, change):
        name = form.cleaned_data["name"]
        if change:
            request.job = tag_edits.prepare_rename(obj.name, name, by=request.user)
        else:
            obj.pk = tag_edits.add_tag(name).pk
            obj.refresh_from_db()

    def response_change(self, request, obj):
        """The page of the job asks to start it."""
        job = request.job
        return HttpResponseRedirect(page_of(job) if job else reverse("admin:customers_tag_changelist"))

    def log_addition(self, request, obj, message):
        """Nothing: a tag may be the name of a person, and an erasure could not find it in this log."""

    log_change = log_addition

    def has_view_permission(self, request, obj=None):
        return request.user.has_perm("customers.view_customer")

    def has_change_permission(self, request, obj=None):
        return request.user.has_perm("customers.change_customer")

    has_add_permission = has_change_permission
    has_module_permission = has_view_permission
