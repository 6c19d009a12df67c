"""For pages of the dashboard: what is done to an object once its owner has been asked again."""

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.cache import never_cache


class Refused(Exception):
    """A decision was not carried out; the text tells its owner why."""


class Decisions(admin.ModelAdmin):
    """`decisions`: views under an object that ask once more before they do something, by the names of their methods.

    A method takes the request and the object, and answers or raises Refused; it leaves a line in the object's history.
    """

    decisions: tuple[str, ...] = ()

    def get_urls(self):
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        own = [
            path(f"<path:object_id>/{decision}/", self.decision_view(decision), name=f"{name}_{decision}")
            for decision in self.decisions
        ]
        return own + super().get_urls()

    def decision_view(self, decision: str):
        name, decide = f"{self.opts.app_label}_{self.opts.model_name}", getattr(self, decision)

        @never_cache
        def view(request, object_id):
            obj = self.get_object(request, unquote(object_id))
            if obj is None:
                raise Http404
            if not self.has_change_permission(request, obj):
                raise PermissionDenied
            if request.method == "POST":
                try:
                    response = decide(request, obj)
                except Refused as refusal:
                    self.message_user(request, str(refusal), messages.ERROR)
                    return redirect(f"admin:{name}_change", obj.pk)
                self.log_change(request, obj, decide.short_description)
                return response
            context = {**self.admin_site.each_context(request), "title": decide.short_description, "object": obj,
                       "text": decide.__doc__, "opts": self.opts}  # fmt: skip
            return render(request, "dashboard/confirm.html", context)

        return self.admin_site.admin_view(view)
