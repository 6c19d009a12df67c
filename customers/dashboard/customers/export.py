"""The button *Export* above the list: a file of all customers that match its search and filters, in two clicks."""

from typing import Any

from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path
from django.views.decorators.http import require_POST

from customers.dashboard.customers.list import requested_list
from customers.dashboard.jobs import may, page_of, run_step
from customers.dashboard.model_admin import DashboardAdmin
from customers.jobs import runner
from customers.jobs.exports import services as exports
from customers.jobs.exports.parts import EXPORT
from oauth.accounts.reauthentication import reauthenticated
from oauth.actor import Actor
from oauth.store import store_origin

# The choices of the menu, and the options of an export that each stands for.
FORMATS: dict[str, tuple[str, dict[str, Any]]] = {
    "csv": ("CSV", {"format": "csv", "excel": False}),
    "excel": ("CSV for Excel", {"format": "csv", "excel": True}),
    "jsonl": ("JSON Lines", {"format": "jsonl", "excel": False}),
}


class ExportButtonAdmin(DashboardAdmin):
    def get_urls(self):
        export = reauthenticated(require_POST(self.export))
        return [
            path("export/", self.admin_site.admin_view(export), name="customers_customer_export"),
            *super().get_urls(),
        ]

    def changelist_view(self, request, extra_context=None):
        formats = [(name, label) for name, (label, _) in FORMATS.items()]
        return super().changelist_view(request, {"export_formats": formats, **(extra_context or {})})

    def export(self, request: HttpRequest) -> HttpResponse:
        """Starts the export. A file that is ready after one step is downloaded; otherwise the page of the job
        shows how far it is."""
        if not may(request.user, EXPORT):
            raise PermissionDenied
        if request.POST.get("format") not in FORMATS:
            raise BadRequest("This is no format.")
        found = requested_list(self, request)
        job = exports.create(found.customer_filters(), by=Actor.from_request(request), origin=store_origin(request))
        runner.start(job, **FORMATS[request.POST["format"]][1])
        run_step(job)
        job.refresh_from_db()
        return HttpResponseRedirect(page_of(job, "file" if job.finished_at else "change"))
