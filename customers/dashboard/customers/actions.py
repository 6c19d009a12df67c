"""What can be done to a customer beside the form: notes, blocking and password resets."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Value
from django.db.models.functions import StrIndex
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.views.decorators.http import require_safe

from customers import services
from customers.dashboard.confirmed_actions import ConfirmedActionsAdmin, confirmed_action
from customers.dashboard.customers.forms import BlockForm, NoteForm
from customers.dashboard.service_errors import to_validation_error
from customers.models import Customer, Tag
from customers.validation import MAX_TAG_LENGTH, NoteFixed
from oauth.accounts import passwords
from oauth.actor import Actor
from oauth.text import fold

MAX_SUGGESTIONS = 20
WHAT_A_BLOCK_MEANS = (
    "Orders: apps see the block and may refuse them; this store still records the orders that apps send. "
    "Sign-in: nothing changes here; a shop may refuse it. "
    "Notified: apps with a webhook for customer.updated. The customer gets no message."
)


def actor(request: HttpRequest) -> Actor:
    return Actor.from_request(request)


class CustomerActionsAdmin(ConfirmedActionsAdmin):
    @confirmed_action(
        "Block",
        "{object} will be marked as blocked. " + WHAT_A_BLOCK_MEANS,
        is_available=lambda request, customer: not customer.is_blocked,
        form=lambda data, customer: BlockForm(data),
    )
    def block(self, request, customer, **details):
        services.update_user(customer.pk, by=actor(request), is_blocked=True, **details)
        return f"{customer} is blocked."

    @confirmed_action(
        "Edit block",
        "{object} is blocked. Only staff see the reason.",
        button="Save",
        is_available=lambda request, customer: customer.is_blocked,
        form=lambda data, customer: BlockForm(data, initial=vars(customer)),
    )
    def edit_block(self, request, customer, **details):
        services.update_user(customer.pk, by=actor(request), is_blocked=True, **details)
        return f"The block of {customer} is changed."

    @confirmed_action(
        "Unblock",
        "{object} will no longer be marked as blocked.",
        is_available=lambda request, customer: customer.is_blocked,
    )
    def unblock(self, request, customer):
        services.update_user(customer.pk, by=actor(request), is_blocked=False)
        return f"{customer} is no longer blocked."

    @confirmed_action(
        "Send password reset email",
        "{object} gets an email to {object.email} with a link to choose a new password. The present password, if there "
        "is one, keeps working until then.",
        is_available=lambda request, customer: bool(customer.email and customer.is_active),
    )
    def send_password_reset(self, request, customer):
        passwords.send_reset(customer.pk, by=actor(request), request=request)
        return f"An email to {customer.email} is on its way."

    def get_urls(self):
        wrap = self.admin_site.admin_view
        return [
            path("tags/", wrap(require_safe(self.suggest_tags)), name="customers_customer_tags"),
            path("<int:customer_id>/notes/add/", wrap(self.add_note), name="customers_customer_add_note"),
            path("<int:customer_id>/notes/<int:note_id>/", wrap(self.edit_note), name="customers_customer_edit_note"),
            *super().get_urls(),
        ]

    def suggest_tags(self, request):
        """Names of tags that contain `q`; those that start with it come first."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        typed = fold(request.GET.get("q", "").replace("\0", "")[:MAX_TAG_LENGTH])
        tags = Tag.objects.filter(search_name__contains=typed)
        names = tags.order_by(StrIndex("search_name", Value(typed)), "name").values_list("name", flat=True)
        return JsonResponse({"names": list(names[:MAX_SUGGESTIONS])})

    def add_note(self, request, customer_id):
        customer = self.customer_to_change(request, customer_id)
        form = NoteForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            services.add_note(customer.pk, message=form.cleaned_data["message"], by=actor(request))
            return self.customer_page(request, customer.pk, "The note is added.", at="timeline")
        return self._note_page(request, customer, form, title="Add note")

    def edit_note(self, request, customer_id, note_id):
        customer = self.customer_to_change(request, customer_id)
        note = get_object_or_404(customer.notes, pk=note_id)
        if request.method != "POST" and not services.may_edit_note(note, actor(request)):
            raise PermissionDenied
        form = NoteForm(request.POST if request.method == "POST" else None, initial={"message": note.message})
        status = 200
        if form.is_valid():
            try:
                services.edit_note(note.pk, message=form.cleaned_data["message"], by=actor(request))
                return self.customer_page(request, customer.pk, "The note is changed.", at="timeline")
            except NoteFixed as error:
                # In the form instead of the plain page for 403, so that the typed text is not lost.
                form.add_error("message", to_validation_error(error))
                status = 403
        return self._note_page(request, customer, form, title="Edit note", status=status)

    def customer_page(self, request, customer_id: int, message: str, *, at: str = "") -> HttpResponse:
        """Leads back to the customer's page. `at`: the id of the part of it where the person was."""
        self.message_user(request, message, messages.SUCCESS)
        url = reverse("admin:customers_customer_change", args=[customer_id])
        return HttpResponseRedirect(f"{url}#{at}" if at else url)

    def customer_to_change(self, request: HttpRequest, customer_id: int) -> Customer:
        """Raises PermissionDenied, also if the customer is erased, and Http404."""
        customer = self.object_or_404(request, customer_id, is_allowed=self.has_change_permission(request))
        if customer.is_erased:
            raise PermissionDenied
        return customer

    def _note_page(self, request, customer, form, *, title, status=200) -> HttpResponse:
        site = self.admin_site.each_context(request)
        context = {"opts": self.opts, "media": self.media, "original": customer, "form": form, "title": title}
        return render(request, "dashboard/customers/note.html", {**site, **context}, status=status)
