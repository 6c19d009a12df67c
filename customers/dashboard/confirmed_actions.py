"""Actions on one object that ask "are you sure?" first: a page with the question on GET, the action itself on POST."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from customers.dashboard.model_admin import DashboardAdmin
from customers.dashboard.service_errors import message_of
from oauth.accounts import reauthentication
from oauth.errors import ServiceError


@dataclass(frozen=True, slots=True)
class TypedConfirmation:
    """What has to be typed before the action is carried out.

    `description` completes the sentence "To confirm, type …". `accepted` returns the accepted texts for an object, in
    lower case.
    """

    description: str
    accepted: Callable[[Any], set[str]]


@dataclass(frozen=True, slots=True)
class ConfirmedAction:
    """The declaration of an action; `@confirmed_action` makes it from a method of the admin class.

    `run(model_admin, request, obj)` carries the action out. It returns a message of success for the object's page, or
    a response of its own; a ServiceError is shown on the object's page. `form(data, obj)` asks for more: `run` also
    gets its values, as keyword arguments. `question` is formatted with the object as `object`. `permission` is a full
    permission name; without one, the permission to change the object is enough. `is_available` decides whether the
    object's page offers the action. With `reauthenticate` the person first confirms who they are, unless they did so
    within ten minutes. One that `is_permanent` says so, and one that `is_danger` stands apart. `template`
    shows the question, with what `details` returns.
    """

    run: Callable[..., str | HttpResponse]
    title: str
    question: str
    button: str
    permission: str | None
    is_available: Callable[[HttpRequest, Any], bool]
    is_permanent: bool
    is_danger: bool
    confirmation: TypedConfirmation | None
    reauthenticate: bool
    template: str
    details: Callable[[HttpRequest, Any], dict[str, Any]]
    form: Callable[[Any, Any], forms.Form] | None

    def is_allowed(self, model_admin: admin.ModelAdmin, request: HttpRequest, obj: Any = None) -> bool:
        if self.permission:
            return request.user.has_perm(self.permission)
        return model_admin.has_change_permission(request, obj)


def confirmed_action(
    title: str,
    question: str,
    *,
    button: str = "",
    permission: str | None = None,
    is_available: Callable[[HttpRequest, Any], bool] = lambda request, obj: True,
    is_permanent: bool = False,
    is_danger: bool = False,
    confirmation: TypedConfirmation | None = None,
    reauthenticate: bool = False,
    template: str = "dashboard/confirm.html",
    details: Callable[[HttpRequest, Any], dict[str, Any]] = lambda request, obj: {},
    form: Callable[[Any, Any], forms.Form] | None = None,
):
    """Turns a method of a `ConfirmedActionsAdmin` into a confirmed action of the method's name."""

    def declare(run) -> ConfirmedAction:
        return ConfirmedAction(
            run=run,
            title=title,
            question=question,
            button=button or title,
            permission=permission,
            is_available=is_available,
            is_permanent=is_permanent,
            is_danger=is_permanent or is_danger,
            confirmation=confirmation,
            reauthenticate=reauthenticate,
            template=template,
            details=details,
            form=form,
        )

    return declare


class ConfirmationForm(forms.Form):
    confirmation = forms.CharField(
        widget=forms.TextInput({"autocomplete": "off", "autofocus": True, "class": "vTextField"})
    )

    def __init__(self, required: TypedConfirmation, obj: Any, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.required, self.accepted = required, required.accepted(obj)
        self.fields["confirmation"].label = f"To confirm, type {required.description}"

    def clean_confirmation(self) -> str:
        typed = self.cleaned_data["confirmation"]
        if typed.strip().lower() not in self.accepted:
            raise forms.ValidationError(f"Type {self.required.description}.")
        return typed


class ConfirmedActionsAdmin(DashboardAdmin):
    """Serves each confirmed action of the class at `<id>/<name>/`, and links to it from the object's page."""

    change_form_template = "dashboard/change_form.html"

    @classmethod
    def confirmed_actions(cls) -> dict[str, ConfirmedAction]:
        """By name, in the order of declaration; those of base classes first."""
        members = (item for each in reversed(cls.__mro__) for item in vars(each).items())
        return {name: member for name, member in members if isinstance(member, ConfirmedAction)}

    def get_urls(self):
        prefix = f"{self.opts.app_label}_{self.opts.model_name}"
        own = [
            path(
                f"<path:object_id>/{name}/",
                self.admin_site.admin_view(partial(self.confirm, action)),
                name=f"{prefix}_{name}",
            )
            for name, action in self.confirmed_actions().items()
        ]
        return own + super().get_urls()

    def offered_actions(self, request: HttpRequest, obj: Any) -> list[tuple[str, ConfirmedAction]]:
        """Those that this person may carry out on the object now."""
        return [
            (name, action)
            for name, action in self.confirmed_actions().items()
            if action.is_allowed(self, request, obj) and action.is_available(request, obj)
        ]

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        if obj:
            context["confirmed_actions"] = self.offered_actions(request, obj)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def object_or_404(self, request: HttpRequest, object_id: int | str, *, is_allowed: bool) -> Any:
        """Raises PermissionDenied unless the person is allowed to do it, and Http404."""
        if not is_allowed:
            raise PermissionDenied
        obj = self.get_object(request, str(object_id))
        if obj is None:
            raise Http404
        return obj

    def confirm(self, action: ConfirmedAction, request: HttpRequest, object_id: str) -> HttpResponse:
        obj = self.object_or_404(request, unquote(object_id), is_allowed=action.is_allowed(self, request))
        if not action.is_allowed(self, request, obj):
            raise PermissionDenied
        if action.reauthenticate and (page := reauthentication.interrupt(request)):
            return page
        form: forms.Form | None = None
        data = request.POST if request.method == "POST" else None
        if action.confirmation:
            form = ConfirmationForm(action.confirmation, obj, data)
        elif action.form:
            form = action.form(data, obj)
        if request.method == "POST" and (form is None or form.is_valid()):
            return self._carry_out(action, request, obj, **(form.cleaned_data if form and action.form else {}))
        try:
            details = action.details(request, obj)
        except ServiceError as error:
            self.message_user(request, message_of(error), messages.ERROR)
            return self._object_page(obj)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "media": self.media,
            "original": obj,
            "title": action.title,
            "question": action.question.format(object=obj),
            "action": action,
            "form": form,
            **details,
        }
        return render(request, action.template, context)

    def _carry_out(self, action: ConfirmedAction, request: HttpRequest, obj: Any, **values: Any) -> HttpResponse:
        try:
            result = action.run(self, request, obj, **values)
        except ServiceError as error:
            self.message_user(request, message_of(error), messages.ERROR)
            return self._object_page(obj)
        self.log_change(request, obj, action.title)
        if isinstance(result, HttpResponse):
            return result
        self.message_user(request, result, messages.SUCCESS)
        return self._object_page(obj)

    def _object_page(self, obj: Any) -> HttpResponse:
        return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", obj.pk)


class ReauthenticatedAdmin(DashboardAdmin):
    """Objects that give access. The person who adds or changes one first confirms who they are."""

    def changeform_view(self, request, object_id=None, *args, **options):
        changes = object_id is None or request.method == "POST"
        if changes and (page := reauthentication.interrupt(request)):
            return page
        return super().changeform_view(request, object_id, *args, **options)
