"""The file of an export as a response, and signed links to it, which need no token for an hour."""

from collections.abc import Iterator

from django.core import signing
from django.http import StreamingHttpResponse

from customers.jobs.exports.formats import FORMATS
from customers.jobs.exports.parts import EXPORT
from customers.jobs.exports.services import requested
from customers.jobs.models import Job
from customers.jobs.runner import FileDeleted
from oauth.errors import ServiceError
from oauth.models import App

LINK_SECONDS = 3600
SALT = "customers.exports"
READ_SIZE = 64 * 1024  # bytes


class LinkRefused(ServiceError):
    """The link has no valid signature, is too old, or belongs to an app that is not active any more."""

    code = "link_refused"

    def __init__(self) -> None:
        super().__init__("This link is not valid, or not any more.")


def sign_link(job: Job, *, app_id: int) -> str:
    """A signed text that `find_by_link` accepts for an hour, from anybody. `app_id`: the app that receives it."""
    return signing.dumps([job.pk, app_id], salt=SALT)


def find_by_link(link: str) -> Job:
    """Raises LinkRefused, and Job.DoesNotExist if the file was deleted."""
    try:
        job_id, app_id = signing.loads(link, salt=SALT, max_age=LINK_SECONDS)
    except signing.BadSignature:
        raise LinkRefused from None
    if not App.objects.filter(pk=app_id, is_active=True).exists():
        raise LinkRefused
    return requested().exclude(finished_at=None).get(pk=job_id)


def response(job: Job) -> StreamingHttpResponse:
    """All parts as one file, in constant memory. Raises FileDeleted."""
    parts = [each.file for each in job.files.order_by("pk")]
    try:
        size = sum(each.size for each in parts)
    except FileNotFoundError:
        parts = []
    if not parts:
        raise FileDeleted("The file was deleted. Export again.")
    extension = EXPORT.options_of(job).format
    headers = {
        "Content-Disposition": f'attachment; filename="customers-{job.created_at:%Y-%m-%d}.{extension}"',
        "Content-Length": str(size),
        "Cache-Control": "no-store",
    }
    return StreamingHttpResponse(_chunks(parts), content_type=FORMATS[extension].content_type, headers=headers)


def _chunks(parts) -> Iterator[bytes]:
    for each in parts:
        with each.open("rb") as part:
            yield from part.chunks(READ_SIZE)
