"""Imports, exports and changes of many customers: their options, their progress and their results.

While the page of a job is open, it drives the job in one-second steps, so no worker is needed.
"""

from typing import cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseRedirect, JsonResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.text import capfirst
from django.views.decorators.http import require_POST, require_safe

from customers.core.retention import kept_for
from customers.dashboard.customers.list import CustomerList
from customers.dashboard.ids import is_id
from customers.dashboard.job_forms import FORMS, UploadForm
from customers.dashboard.model_admin import DashboardAdmin
from customers.dashboard.read_only import ReadOnlyAdmin
from customers.dashboard.service_errors import message_of, to_validation_error
from customers.dashboard.templatetags.shop import no_value, when
from customers.jobs import bulk_edits, registry, runner
from customers.jobs.exports import downloads
from customers.jobs.exports import services as exports
from customers.jobs.exports.parts import EXPORT
from customers.jobs.imports import refusals
from customers.jobs.imports import services as imports
from customers.jobs.imports.load import IMPORT
from customers.jobs.models import Job, RejectedRow
from customers.jobs.progress import progress_text
from customers.jobs.registry import JobType
from oauth.accounts import reauthentication
from oauth.accounts.reauthentication import reauthenticated
from oauth.actor import Actor
from oauth.errors import ServiceError
from oauth.store import store_origin

STEP_SECONDS = 1.0  # of work in one request; the page asks for the next step, and a worker takes over what is left
SHOWN_REJECTED_ROWS = 50


def run_step(job: Job) -> None:
    """See `runner.run_for`."""
    runner.run_for(job, seconds=STEP_SECONDS)


def may(user, job_type: JobType) -> bool:
    """A type without a permission is started by a command only."""
    return bool(job_type.permission) and user.has_perm(job_type.permission)


def may_import(request) -> bool:
    return admin.site.has_permission(request) and may(request.user, IMPORT)


class BulkActionsAdmin(DashboardAdmin):
    """Actions on the selected customers of a list, or on all customers that its search and filters match."""

    def get_actions(self, request):
        return {
            each.key: (BulkActionsAdmin.prepare_job, each.key, f"{each.label} …")
            for each in (*bulk_edits.TYPES.values(), EXPORT)
            if may(request.user, each)
        }

    def prepare_job(self, request, queryset) -> HttpResponse:
        """Prepares a job and leads to its page, which asks for the job's options."""
        action = request.POST["action"]
        if request.POST.get("select_across") == "1":
            filters = cast(CustomerList, self.get_changelist_instance(request)).customer_filters()
        else:
            filters = {"ids": list(queryset.values_list("pk", flat=True))}
        if action == EXPORT.key:
            job = exports.create(filters, by=Actor.from_request(request), origin=store_origin(request))
        else:
            job = bulk_edits.TYPES[action].create(filters, by=request.user)
        return HttpResponseRedirect(page_of(job))


def page_of(job: Job, name: str = "change") -> str:
    return reverse(f"admin:jobs_job_{name}", args=[job.pk])


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = ("what", "state", "result", "started_by", "app", "at")
    list_display_links = ("what",)
    list_per_page = 50
    show_full_result_count = False
    empty_value_display = "—"

    def get_urls(self):
        wrap = self.admin_site.admin_view
        return [
            path("import/", wrap(self.upload), name="jobs_job_import"),
            path("<int:job_id>/step/", wrap(require_POST(self.step)), name="jobs_job_step"),
            path("<int:job_id>/discard/", wrap(require_POST(self.discard)), name="jobs_job_discard"),
            path("<int:job_id>/refused/", wrap(require_safe(self.refused)), name="jobs_job_refused"),
            path("<int:job_id>/file/", wrap(reauthenticated(require_safe(self.download))), name="jobs_job_file"),
            *super().get_urls(),
        ]

    def changelist_view(self, request, extra_context=None):
        may_do = {"may_import": may_import(request), "may_export": may(request.user, EXPORT)}
        return super().changelist_view(request, {"title": capfirst(self.opts.verbose_name_plural), **may_do})

    def upload(self, request):
        if not may_import(request):
            raise PermissionDenied
        form = UploadForm(request.POST or None, request.FILES or None, label_suffix="")
        if form.is_valid():
            try:
                return HttpResponseRedirect(page_of(imports.create(**form.cleaned_data, by=request.user)))
            except ServiceError as error:
                form.add_error("file", to_validation_error(error))
        return self._page(request, "dashboard/jobs/upload.html", title="Import customers", form=form)

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """Asks for the job's options and starts it; or shows its progress or its result."""
        job = self._job(request, object_id)
        may_start = job.started_at is None or (job.dry_run and job.finished_at)
        if may_start and job.kind == EXPORT.key and (page := reauthentication.interrupt(request)):
            return page
        data = request.POST if request.method == "POST" else None
        form = FORMS[job.kind](job, data) if may_start else None
        if form and form.is_valid():
            try:
                runner.start(job, **form.options())
                run_step(job)
            except ServiceError as error:
                self.message_user(request, message_of(error), messages.ERROR)
            return HttpResponseRedirect(page_of(job))
        try:
            columns = form.columns() if form else []
        except ServiceError as error:
            self.message_user(request, message_of(error), messages.ERROR)
            form, columns = None, []
        return self._page(
            request,
            "dashboard/jobs/job.html",
            title=job.title,
            job=job,
            form=form,
            columns=columns,
            words=progress_text(job),
            rejected_rows=self._shown(job, is_warning=False) if job.rejected else [],
            warnings=self._shown(job, is_warning=True) if job.warnings else [],
            files_kept_for=kept_for("files"),
            has_file=job.kind == EXPORT.key and job.files.exists(),
        )

    def _shown(self, job: Job, *, is_warning: bool) -> list[tuple[RejectedRow, str]]:
        """The first rows, each with the person that it is about."""
        rows = job.rejected_rows.filter(is_warning=is_warning).order_by("pk")[:SHOWN_REJECTED_ROWS]
        if job.kind != IMPORT.key:
            return [(row, "") for row in rows]
        options = IMPORT.options_of(job)
        return [(row, refusals.person_of(row, options.file_format, options.fields)) for row in rows]

    def history_view(self, request, object_id, extra_context=None):
        return HttpResponseRedirect(page_of(self._job(request, object_id)))

    def step(self, request, job_id):
        """One second of work. The page's script gets the progress as JSON; a browser without script gets the page."""
        job = self._job(request, job_id)
        if job.started_at is None:
            return HttpResponseRedirect(page_of(job))
        try:
            run_step(job)
        except Job.DoesNotExist:
            raise Http404 from None
        except ServiceError as error:
            if request.accepts("text/html"):
                self.message_user(request, message_of(error), messages.ERROR)
                return HttpResponseRedirect(page_of(job))
            return JsonResponse({"error": message_of(error)}, status=409)
        if request.accepts("text/html"):
            return HttpResponseRedirect(page_of(job))
        return JsonResponse({"done": job.done, "words": progress_text(job), "is_finished": bool(job.finished_at)})

    def discard(self, request, job_id):
        job = self._job(request, job_id)
        runner.discard(job)
        is_running = job.started_at and not job.finished_at
        done = "stopped. Changes made so far are kept." if is_running else "discarded."
        self.message_user(request, f"{job.title}: {done}", messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:jobs_job_changelist"))

    def refused(self, request, job_id):
        job = self._job(request, job_id)
        if job.kind != IMPORT.key:
            raise Http404
        file_format = IMPORT.options_of(job).file_format
        name, content_type = ("csv", "text/csv") if file_format.delimiter else ("jsonl", "application/x-ndjson")
        headers = {"Content-Disposition": f'attachment; filename="refused-{job_id}.{name}"'}
        lines = refusals.file_lines(job, file_format)
        return StreamingHttpResponse(lines, content_type=f"{content_type}; charset=utf-8", headers=headers)

    def download(self, request, job_id):
        job = self._job(request, job_id)
        if job.kind != EXPORT.key or not job.finished_at:
            raise Http404
        try:
            return downloads.response(job, by=Actor.from_request(request))
        except ServiceError as error:
            self.message_user(request, message_of(error), messages.ERROR)
            return HttpResponseRedirect(page_of(job))

    def _job(self, request, job_id) -> Job:
        job = self.model.objects.filter(pk=job_id).first() if is_id(str(job_id)) else None
        if job is None:
            raise Http404
        if not may(request.user, job.type):
            raise PermissionDenied
        return job

    def _page(self, request, template, **context):
        site = self.admin_site.each_context(request)
        return render(request, template, {**site, "opts": self.opts, "media": self.media, **context})

    def get_queryset(self, request):
        allowed = [each.key for each in registry.all_types() if may(request.user, each)]
        return super().get_queryset(request).filter(kind__in=allowed).select_related("started_by", "app")

    def has_module_permission(self, request):
        return any(may(request.user, each) for each in registry.all_types())

    def has_view_permission(self, request, obj=None):
        return self.has_module_permission(request)

    @admin.display(description="what")
    def what(self, job):
        return job.title

    @admin.display
    def state(self, job):
        if job.started_at is None:
            label, tone = "Not started", "neutral"
        elif job.finished_at:
            label, tone = ("Checked", "neutral") if job.dry_run else ("Done", "good")
        else:
            label, tone = ("Failed", "danger") if job.error else (f"{job.done:.0%}", "warning")
        return format_html('<span class="chip is-{}">{}</span>', tone, label)

    @admin.display
    def result(self, job):
        """As in "13 created, 17 rejected"."""
        if job.started_at is None:
            return no_value()
        return ", ".join(f"{number:,} {name}" for number, name in job.outcome if number) or "nothing yet"

    @admin.display(description="created")
    def at(self, job):
        return when(job.created_at)
