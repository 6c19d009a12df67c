"""Customers who may be the same person: hints, the list of them, and merging two with a preview."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.text import capfirst
from django.views.decorators.http import require_POST, require_safe

from customers.core.retention import kept_for
from customers.dashboard.confirmed_actions import ConfirmedActionsAdmin, confirmed_action
from customers.dashboard.customers.actions import actor
from customers.dashboard.ids import is_id
from customers.dashboard.service_errors import message_of
from customers.filters import search
from customers.merging import duplicates, services
from customers.merging.models import Duplicate
from customers.merging.plan import CHOICES, METADATA, Decision, Plan
from customers.models import Customer, Language, User
from oauth.errors import ServiceError

MAX_HINTS = 5
MAX_CANDIDATES = 10
PAIRS_PER_PAGE = 50
LABELS = {"ip": "IP address and browser", "is_blocked": "Blocked", "accepts_marketing": "Accepts marketing"}


@dataclass(frozen=True, slots=True)
class Row:
    """A field of both customers on the merge page."""

    label: str
    decision: Decision
    kept: str
    other: str
    result: str

    @property
    def differs(self) -> bool:
        return self.kept != self.other


class OtherCustomerForm(forms.Form):
    """Several customers may match the text: then the form has an error, and `candidates` are those to choose from."""

    other = forms.CharField(label="The other customer: name, email, phone or id", max_length=400)

    def __init__(self, *args, customer: Customer, **kwargs):
        super().__init__(*args, **kwargs)
        self.customer = customer
        self.candidates: list[Customer] = []

    def clean_other(self) -> int:
        """The id of the other customer."""
        text = self.cleaned_data["other"].strip()
        if is_id(text):
            return int(text)
        found = User.objects.with_email(text).values_list("pk", flat=True).first()
        if found is not None:
            return found
        others = search(Customer.objects.not_erased().exclude(pk=self.customer.pk), text)
        self.candidates = list(others.newest_first()[:MAX_CANDIDATES])
        if not self.candidates:
            raise forms.ValidationError("There is no other customer with this name, email address or phone number.")
        if len(self.candidates) > 1:
            raise forms.ValidationError("Several customers match. Choose one of them.")
        return self.candidates[0].pk


class MergingAdmin(ConfirmedActionsAdmin):
    def get_urls(self):
        wrap = self.admin_site.admin_view
        return [
            path("duplicates/", wrap(require_safe(self.list_duplicates)), name="customers_customer_duplicates"),
            path(
                "duplicates/<int:duplicate_id>/dismiss/",
                wrap(require_POST(self.dismiss_duplicate)),
                name="customers_customer_dismiss_duplicate",
            ),
            path("<int:customer_id>/merge/", wrap(require_safe(self.choose)), name="customers_customer_merge"),
            *super().get_urls(),
        ]

    def list_duplicates(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        page = Paginator(duplicates.open_duplicates(), PAIRS_PER_PAGE).get_page(request.GET.get("p", "1"))
        return self._page(request, "duplicates", title="Duplicates", page=page)

    def dismiss_duplicate(self, request: HttpRequest, duplicate_id: int) -> HttpResponse:
        if not self.has_change_permission(request):
            raise PermissionDenied
        try:
            duplicates.dismiss(duplicate_id)
        except Duplicate.DoesNotExist:
            raise Http404 from None
        self.message_user(request, "The pair will not be suggested again.", messages.SUCCESS)
        customer_id = request.POST.get("customer", "")
        if is_id(customer_id):
            return redirect("admin:customers_customer_change", customer_id)
        return redirect("admin:customers_customer_duplicates")

    def choose(self, request: HttpRequest, customer_id: int) -> HttpResponse:
        """Asks for the other customer, then shows both side by side with the choices."""
        customer = self.object_or_404(request, customer_id, is_allowed=self.has_change_permission(request))
        form = OtherCustomerForm(request.GET if "other" in request.GET else None, customer=customer)
        plan = None
        if form.is_valid():
            try:
                plan = services.preview(customer.pk, form.cleaned_data["other"])
            except ServiceError as error:
                form.add_error("other", message_of(error))
        return self._page(
            request,
            "merge",
            title="Merge",
            original=customer,
            form=form,
            hints=hints_about(customer),
            plan=plan,
            rows=rows_of(plan) if plan else [],
        )

    @confirmed_action(
        "Merge",
        "All that belongs to the other customer will belong to {object}. "
        f"You can undo it for {kept_for('merges')}, unless the values that you chose are changed.",
        is_available=lambda request, customer: False,  # it needs the other customer: see `choose`
        template="dashboard/customers/confirm_merge.html",
        details=lambda request, customer: preview_of(request, customer),
    )
    def confirm_merge(self, request: HttpRequest, customer: Customer):
        services.merge(customer.pk, other_of(request), choices_of(request), by=actor(request))
        return "The customers are merged."

    @confirmed_action(
        "Undo merge",
        "{object} and the customer who was merged last will be two customers again. What was added since then stays "
        "with {object}.",
        is_available=lambda request, customer: services.undoable(customer.pk) is not None,
    )
    def undo_merge(self, request: HttpRequest, customer: Customer):
        restored = services.undo(customer.pk, by=actor(request))
        url = reverse("admin:customers_customer_change", args=[restored.pk])
        return format_html('The merge is undone. <a href="{}">{}</a> is restored.', url, restored)

    def _get_obj_does_not_exist_redirect(self, request, opts, object_id):
        """A link to a customer who was merged leads to the one who was kept."""
        kept_id = services.merged_into(int(object_id)) if is_id(object_id) else None
        if kept_id is None:
            return super()._get_obj_does_not_exist_redirect(request, opts, object_id)  # type: ignore[misc]  # not in the stubs
        self.message_user(request, f"Customer {object_id} was merged into this one.", messages.INFO)
        return HttpResponseRedirect(reverse("admin:customers_customer_change", args=[kept_id]))

    def _page(self, request: HttpRequest, name: str, **context: Any) -> HttpResponse:
        media = self.media + forms.Media(css={"all": ["dashboard/customer.css", "dashboard/merging.css"]})
        site = {**self.admin_site.each_context(request), "opts": self.opts, "media": media}
        may_change = self.has_change_permission(request)
        return render(request, f"dashboard/customers/{name}.html", {**site, **context, "may_change": may_change})


def may_be_duplicate(customer: User) -> bool:
    """Looks at once, without waiting for the worker."""
    duplicates.check([customer.pk])
    return duplicates.of_customer(customer.pk).exists()


def hints_about(customer: Customer) -> list[Duplicate]:
    return list(duplicates.of_customer(customer.pk)[:MAX_HINTS])


def other_of(request: HttpRequest) -> int:
    """Raises Http404."""
    other = request.GET.get("other", "")
    if not is_id(other):
        raise Http404
    return int(other)


def choices_of(request: HttpRequest) -> dict[str, str]:
    return {name: request.GET.get(name, "") for name in request.GET if name in CHOICES or name.startswith(METADATA)}


def preview_of(request: HttpRequest, customer: Customer) -> dict[str, Any]:
    plan = services.preview(customer.pk, other_of(request), choices_of(request))
    return {"plan": plan, "rows": rows_of(plan)}


def rows_of(plan: Plan) -> list[Row]:
    return [
        Row(label_of(each.name), each, *(text_of(each.name, value) for value in (each.kept, each.other, each.result)))
        for each in plan.decisions
    ]


def label_of(name: str) -> str:
    if name.startswith(METADATA):
        return name.removeprefix(METADATA)
    return LABELS.get(name) or capfirst(name.replace("_", " "))


def text_of(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if name == "language":
        value = dict(Language.choices).get(value, value)
    return "—" if value in (None, "") else str(value)
