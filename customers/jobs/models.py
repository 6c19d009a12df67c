"""Long tasks over many customers, and how far each one has come."""

from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone

from customers.jobs import registry
from oauth.models import App


class Job(models.Model):
    """A task that is done in steps. Each step is one transaction that also saves the progress here, so a job can stop
    at any moment and continue later. Its type says what `total`, `position` and `cursor` count."""

    kind = models.CharField(max_length=registry.MAX_KEY_LENGTH, help_text="The key of its type in the registry.")
    options_json: Any = models.JSONField(
        default=dict, encoder=DjangoJSONEncoder, help_text="Read them by `options_of` of the type."
    )
    dry_run = models.BooleanField(default=False, help_text="Counts and checks, but changes no customer.")
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", help_text="None: a management command."
    )
    app = models.ForeignKey(
        App,
        models.SET_NULL,
        null=True,
        related_name="+",
        help_text="The app that requested it. None: the dashboard, or a command.",
    )
    digest = models.CharField(
        max_length=64, blank=True, default="", db_index=True, help_text="SHA-256 of the source, to find it again."
    )
    total = models.PositiveBigIntegerField(default=0)
    position = models.PositiveBigIntegerField(default=0, help_text="How much of `total` is done.")
    cursor = models.PositiveBigIntegerField(default=0, help_text="Where the next step starts.")
    created = models.PositiveBigIntegerField(default=0)
    updated = models.PositiveBigIntegerField(default=0)
    rejected = models.PositiveBigIntegerField(default=0)
    warnings = models.PositiveBigIntegerField(default=0, help_text="Rows that were stored with a warning.")
    seconds = models.FloatField(default=0, help_text="Working time so far.")
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    failures = models.PositiveSmallIntegerField(
        default=0, help_text="Failed attempts of a worker since the last finished step."
    )
    error = models.CharField(max_length=255, blank=True, default="", help_text="The last failure.")
    due_at = models.DateTimeField(null=True, help_text="When a worker tries again.")

    class Meta:
        indexes = [models.Index(fields=["id"], condition=models.Q(finished_at=None), name="job_unfinished")]
        ordering = ("-id",)
        verbose_name = "import or export"
        verbose_name_plural = "imports and exports"

    def __str__(self):
        return f"{self.type.label} {self.pk}"

    @property
    def type(self) -> registry.JobType:
        return registry.get(self.kind)

    @property
    def title(self) -> str:
        return self.type.title(self)

    @property
    def outcome(self) -> list[tuple[int, str]]:
        return self.type.outcome(self)

    @property
    def customers(self) -> int:
        """How many customers were processed."""
        return self.type.customers(self)

    @property
    def done(self) -> float:
        """From 0 to 1."""
        return 1.0 if self.finished_at else min(self.position / self.total, 1) if self.total else 0.0

    @property
    def rate(self) -> float:
        """Customers per second."""
        return self.customers / self.seconds if self.seconds else 0.0

    @property
    def seconds_left(self) -> int:
        return int(self.seconds / self.done - self.seconds) if self.done else 0


class JobFile(models.Model):
    """The uploaded file of an import, or one part of an export; the parts are in the order of their ids."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="files")
    file = models.FileField(upload_to="jobs/", max_length=255)

    def __str__(self):
        return self.file.name


class WorkerProcess(models.Model):
    """A `manage.py run_worker`, and when it last showed that it is alive. See `customers.jobs.heartbeat`."""

    id = models.UUIDField(primary_key=True)
    host = models.CharField(max_length=255)
    process = models.PositiveIntegerField(help_text="Its process id on the host.")
    started_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField()

    def __str__(self):
        return f"{self.host}:{self.process}"


class RejectedRow(models.Model):
    """A row of the source that was not stored, and why. A warning is about a row that was stored without a value."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="rejected_rows")
    line = models.PositiveBigIntegerField()
    field = models.CharField(max_length=255, blank=True, default="", help_text="Empty where the reason names it.")
    reason = models.TextField(help_text="One or several, each on a line of its own.")
    cells = models.JSONField(default=list, help_text="Of an import: the row as the file has it, so it can be repaired.")
    is_warning = models.BooleanField(default=False)

    def __str__(self):
        warning = "warning: " if self.is_warning else ""
        return f"Line {self.line}: {warning}{self.field + ': ' if self.field else ''}{' '.join(self.reasons)}"

    @property
    def reasons(self) -> list[str]:
        return self.reason.splitlines()


class DryRunEmail(models.Model):
    """An email that a dry run of an import has already read: the same email in a later row is a duplicate."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="dry_run_emails", db_index=False)
    digest = models.BigIntegerField(help_text="A 64-bit digest of the email.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "digest"], name="dry_run_email_unique")]

    def __str__(self):
        return str(self.digest)
