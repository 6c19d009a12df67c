"""An id for each request, in the answer and in every log line. The client may send it; otherwise it is generated."""

import logging
import re
import secrets
from contextvars import ContextVar

from customers.core.http.headers import set_headers

NO_REQUEST = "-"  # outside a request
request_id: ContextVar[str] = ContextVar("request_id", default=NO_REQUEST)

# Safe to repeat in a header and in the log: no spaces, line breaks or quotes.
VALID_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")


class RequestIdMiddleware:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        sent = request.META.get("HTTP_X_REQUEST_ID", "")
        current = sent if VALID_ID.fullmatch(sent) else secrets.token_hex(16)
        reset = request_id.set(current)
        try:
            response = self.get_response(request)
        finally:
            request_id.reset(reset)
        set_headers(response, {"X-Request-Id": current})
        return response


class RequestIdFilter(logging.Filter):
    def filter(self, record):
        record.request_id = request_id.get()
        return True
