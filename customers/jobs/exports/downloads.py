"""The file of an export as a response, and signed links to it, which open it for an hour without the token."""

from collections.abc import Iterator

from django.core import signing
from django.http import StreamingHttpResponse

from customers.jobs.exports.formats import FORMATS
from customers.jobs.exports.parts import EXPORT
from customers.jobs.exports.services import visible_to
from customers.jobs.models import Job
from customers.jobs.runner import FileDeleted
from oauth import tokens
from oauth.actor import Actor
from oauth.audit.log import Event, record
from oauth.errors import ServiceError
from oauth.scopes import Scope, grants

LINK_SECONDS = 3600
SALT = "customers.exports"
READ_SIZE = 64 * 1024  # bytes


class LinkRefused(ServiceError):
    """The link has no valid signature, is too old, or its token may not read the export any more."""

    code = "link_refused"

    def __init__(self) -> None:
        super().__init__("This link is not valid, or not any more.")


def sign_link(job: Job, *, token_id: int) -> str:
    """A signed text that `find_by_link` accepts for an hour, from anybody. `token_id`: the token that asked for it."""
    return signing.dumps([job.pk, token_id], salt=SALT)


def find_by_link(link: str) -> tuple[Job, Actor]:
    """The export, and the app and the person that the link was given to.

    The link ends with its token: when it expires or is revoked, and when its app or owner may not read exports.

    Raises LinkRefused, and Job.DoesNotExist if the file was deleted.
    """
    try:
        job_id, token_id = signing.loads(link, salt=SALT, max_age=LINK_SECONDS)
    except signing.BadSignature:
        raise LinkRefused from None
    bearer = tokens.bearer_of(token_id)
    if bearer is None or not grants(bearer.scopes, Scope.EXPORTS_READ):
        raise LinkRefused
    job = visible_to(bearer.app_id).exclude(finished_at=None).get(pk=job_id)
    return job, Actor(user_id=bearer.user_id, app_id=bearer.app_id)


def response(job: Job, *, by: Actor) -> StreamingHttpResponse:
    """All parts as one file, in constant memory. The security log has who downloads it. Raises FileDeleted."""
    parts = [each.file for each in job.files.order_by("pk")]
    try:
        size = sum(each.size for each in parts)
    except FileNotFoundError:
        parts = []
    if not parts:
        raise FileDeleted("The file was deleted. Export again.")
    record(Event.EXPORT_DOWNLOADED, by, export=job.pk, customers=job.total)
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
