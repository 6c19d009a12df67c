"""The file of an export as an answer, and links to it that open without a token for a while."""

from collections.abc import Iterator

from django.core import signing
from django.http import StreamingHttpResponse

from customers.jobs.exports.services import asked_for
from customers.jobs.models import Job
from oauth.errors import ServiceError
from oauth.models import App

LINK_SECONDS = 3600
SALT = "customers.exports"
READ_SIZE = 64 * 1024  # bytes
CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}


class LinkRefused(ServiceError):
    """The link has no valid signature, is too old, or belongs to an app that is not active any more."""

    code = "link_refused"

    def __init__(self):
        super().__init__("This link is not valid, or not any more.")


def link_to(job: Job, *, app_id: int) -> str:
    """A signed text that `linked` takes for an hour, for whoever has it. `app_id`: of the app that is given it."""
    return signing.dumps([job.pk, app_id], salt=SALT)


def linked(link: str) -> Job:
    """Raises LinkRefused, and Job.DoesNotExist where the file is not kept any more."""
    try:
        job_id, app_id = signing.loads(link, salt=SALT, max_age=LINK_SECONDS)
    except signing.BadSignature:
        raise LinkRefused from None
    if not App.objects.filter(pk=app_id, is_active=True).exists():
        raise LinkRefused
    return asked_for().exclude(finished_at=None).get(pk=job_id)


def answer(job: Job) -> StreamingHttpResponse:
    """All parts as one file, in constant memory. Raises ServiceError where they are not kept any more."""
    parts = [each.file for each in job.files.order_by("pk")]
    try:
        size = sum(each.size for each in parts)
    except FileNotFoundError:
        parts = []
    if not parts:
        raise ServiceError("The file is not kept any more. Export again.")
    ending = job.options["format"]
    headers = {
        "Content-Disposition": f'attachment; filename="customers-{job.created_at:%Y-%m-%d}.{ending}"',
        "Content-Length": str(size),
        "Cache-Control": "no-store",
    }
    return StreamingHttpResponse(_chunks(parts), content_type=CONTENT_TYPES[ending], headers=headers)


def _chunks(parts) -> Iterator[bytes]:
    for each in parts:
        with each.open("rb") as part:
            yield from part.chunks(READ_SIZE)
