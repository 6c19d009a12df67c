"""What can be done to a customer apart from the form: notes, and what is asked for once more before it is done."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Value
from django.db.models.functions import Lower, StrIndex
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.views.decorators.http import require_safe

from customers import services
from customers.dashboard.customers.forms import NoteForm
from customers.models import Customer, Tag
from customers.validation import MAX_TAG_LENGTH, NoteFixed
from oauth.accounts import passwords
from oauth.actor import Actor
from oauth.errors import ServiceError

MAX_SUGGESTIONS = 20


def actor(request: HttpRequest) -> Actor:
    return Actor(user_id=request.user.pk)


@dataclass(frozen=True, slots=True)
class Decision:
    """`text` and `done` are about a customer: they are formatted with it."""

    title: str
    text: str
    done: str
    is_due: Callable[[Customer], bool]
    carry_out: Callable[[Customer, HttpRequest], object]


def set_blocked(is_blocked: bool, customer: Customer, request: HttpRequest) -> None:
    services.update_user(customer.pk, by=actor(request), is_blocked=is_blocked)


def send_password_reset(customer: Customer, request: HttpRequest) -> None:
    passwords.send_reset(customer.pk, by=actor(request), request=request)


DECISIONS = {
    "block": Decision(
        "Block",
        "{0} will be on the store's block list, which every app can read.",
        "{0} is blocked.",
        lambda customer: not customer.is_blocked,
        partial(set_blocked, True),
    ),
    "unblock": Decision(
        "Unblock",
        "{0} will be taken off the store's block list.",
        "{0} is not blocked any more.",
        lambda customer: customer.is_blocked,
        partial(set_blocked, False),
    ),
    "send_password_reset": Decision(
        "Send password reset email",
        "{0} gets a link to choose a new password, by email to {0.email}. The present password, if there is one, goes "
        "on working until then.",
        "An email was sent to {0.email}.",
        lambda customer: bool(customer.email and customer.is_active),
        send_password_reset,
    ),
}


class Actions(admin.ModelAdmin):
    def get_urls(self):
        wrap = self.admin_site.admin_view
        own = [
            path("tags/", wrap(require_safe(self.suggest_tags)), name="customers_customer_tags"),
            path("<int:customer_id>/notes/add/", wrap(self.add_note), name="customers_customer_add_note"),
            path("<int:customer_id>/notes/<int:note_id>/", wrap(self.edit_note), name="customers_customer_edit_note"),
        ]
        own += [
            path(f"<int:customer_id>/{name}/", wrap(partial(self.decide, decision)), name=f"customers_customer_{name}")
            for name, decision in DECISIONS.items()
        ]
        return own + super().get_urls()

    def suggest_tags(self, request):
        """Names of tags that contain `q`, those first that begin with it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        typed = request.GET.get("q", "").replace("\0", "").strip().lower()[:MAX_TAG_LENGTH]
        tags = Tag.objects.alias(word=Lower("name")).filter(word__contains=typed)
        names = tags.order_by(StrIndex("word", Value(typed)), "name").values_list("name", flat=True)
        return JsonResponse({"names": list(names[:MAX_SUGGESTIONS])})

    def add_note(self, request, customer_id):
        customer = self._to_change(request, customer_id)
        form = NoteForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            services.add_note(customer.pk, message=form.cleaned_data["message"], by=actor(request))
            return self._back_to(request, customer, "The note was added.")
        return self._note_page(request, customer, form, title="Add note")

    def edit_note(self, request, customer_id, note_id):
        customer = self._to_change(request, customer_id)
        note = get_object_or_404(customer.notes, pk=note_id)
        if request.method != "POST" and not services.may_edit_note(note, actor(request)):
            raise PermissionDenied
        form = NoteForm(request.POST if request.method == "POST" else None, initial={"message": note.message})
        status = 200
        if form.is_valid():
            try:
                services.edit_note(note.pk, message=form.cleaned_data["message"], by=actor(request))
                return self._back_to(request, customer, "The note was changed.")
            except NoteFixed as error:
                # On the page, and not the plain refusal, for the text that was typed is shown again.
                form.add_error("message", error.message)
                status = 403
        return self._note_page(request, customer, form, title="Edit note", status=status)

    def decide(self, decision, request, customer_id):
        """Asks on GET, acts on POST."""
        customer = self._to_change(request, customer_id)
        if request.method == "POST":
            try:
                decision.carry_out(customer, request)
            except ServiceError as error:
                return self._back_to(request, customer, error.message, messages.ERROR)
            return self._back_to(request, customer, decision.done.format(customer))
        text = decision.text.format(customer)
        return self._page(request, "dashboard/decide.html", customer, title=decision.title, text=text)

    def _to_change(self, request: HttpRequest, customer_id: int) -> Customer:
        if not self.has_change_permission(request):
            raise PermissionDenied
        customer = self.get_object(request, str(customer_id))
        if customer is None:
            raise Http404
        return customer

    def _back_to(self, request, customer, message, level=messages.SUCCESS) -> HttpResponse:
        self.message_user(request, message, level)
        return HttpResponseRedirect(reverse("admin:customers_customer_change", args=[customer.pk]))

    def _note_page(self, request, customer, form, *, status=200, **context):
        return self._page(request, "dashboard/note.html", customer, status=status, form=form, **context)

    def _page(self, request, template, customer, *, status=200, **context) -> HttpResponse:
        site = self.admin_site.each_context(request)
        context = {**site, "opts": self.opts, "media": self.media, "original": customer, **context}
        return render(request, template, context, status=status)
