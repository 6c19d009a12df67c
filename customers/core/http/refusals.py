"""What the store refuses before any view sees it."""

from http import HTTPStatus

from django.core.exceptions import BadRequest

from oauth.errors import ServiceError

BUSY = "store.is_busy"  # set in the WSGI environment of a request that the server has no room for


class RequestRefused(ServiceError, BadRequest):
    """Django passes it to handler400, which knows the surfaces."""

    status: HTTPStatus
    text: str
    retry_after: int | None = None  # seconds

    def __init__(self):
        super().__init__(self.text)


class TooBusy(RequestRefused):
    code, status = "busy", HTTPStatus.SERVICE_UNAVAILABLE
    text = "Too many passwords are being checked at the moment."
    retry_after = 2
