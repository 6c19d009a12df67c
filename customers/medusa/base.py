"""What holds for every path under `/admin/`: who calls, whether they may, how often, and how an answer looks."""

from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from customers.core import idempotency, ratelimit
from customers.medusa import authentication, errors, validation
from customers.medusa.errors import InvalidData, MedusaError, NotAllowed, NotFound, TooManyRequests, json_response
from oauth.scopes import Scope, grants


@method_decorator(csrf_exempt, name="dispatch")  # the protocol has no token for it: `cors.is_from_allowed_origin`
class AdminView(View):
    """`scopes`: what each method asks for; a method that is not named is not there. A handler's answer is what is shown
    as JSON, or a response. What is POSTed is done once for each `Idempotency-Key`."""

    scopes: Mapping[str, Scope | None] = {}
    caller: authentication.Caller
    # Whom an answer tells of, so that it is forgotten with them.
    about: int | None = None

    def dispatch(self, request, *args, **kwargs):
        try:
            response = self.respond(request, **kwargs)
        except Exception as error:
            refusal = errors.to_response(error)
            if refusal is None:
                raise
            response = refusal
        for name, value in getattr(self, "rate_limit_headers", ()):
            response.headers[name] = value
        return response

    def respond(self, request: HttpRequest, **kwargs: str) -> HttpResponse:
        self.caller = authentication.caller_of(request)
        method = "GET" if request.method == "HEAD" else str(request.method)
        if method not in self.scopes:
            raise NotFound(f"Cannot {request.method} {request.path}")
        scope = self.scopes[method]
        if scope and not grants(self.caller.scopes, scope):
            raise NotAllowed(f"This needs a token with the scope {scope}.")
        self.take_place()
        handler = getattr(self, method.lower())
        if method == "POST" and "HTTP_IDEMPOTENCY_KEY" in request.META:
            return self.answer_once(request, lambda: handler(request, **kwargs))
        shown = handler(request, **kwargs)
        return shown if isinstance(shown, HttpResponse) else json_response(shown)

    def take_place(self) -> None:
        """Within the caller's rate limit. Raises TooManyRequests."""
        limit = settings.RATE_LIMIT if self.caller.rate_limit is None else self.caller.rate_limit
        if limit == 0:
            return
        left = ratelimit.take(self.caller.number, limit)
        self.rate_limit_headers = (
            ("RateLimit-Policy", f'"token";q={limit};w={ratelimit.WINDOW}'),
            ("RateLimit", f'"token";r={left or 0};t={ratelimit.WINDOW}'),
        )
        if left is None:
            raise TooManyRequests(f"At most {limit} requests are answered within a second.")

    def answer_once(self, request: HttpRequest, answer: Callable[[], Any]) -> HttpResponse:
        key = request.META["HTTP_IDEMPOTENCY_KEY"]
        if not 0 < len(key) <= idempotency.MAX_KEY_LENGTH:
            raise InvalidData(f"An Idempotency-Key has 1 to {idempotency.MAX_KEY_LENGTH} characters.")
        if "\0" in key:
            raise InvalidData("An Idempotency-Key has no NUL.")

        def first() -> tuple[int, str, int | None]:
            shown = answer()
            response = shown if isinstance(shown, HttpResponse) else json_response(shown)
            return response.status_code, response.content.decode(), self.about

        # Keyed, for there may be a password in the body, which its plain digest would let somebody guess.
        sent = request.get_full_path().encode() + b"\0" + request.body
        fingerprint = salted_hmac("customers.medusa.idempotency", sent, algorithm="sha256").hexdigest()
        try:
            status, body, is_repeated = idempotency.answer_once(
                app_id=self.caller.owner_of_keys, key=key, request_fingerprint=fingerprint, answer=first
            )
        except idempotency.KeyReused:
            raise MedusaError(
                "This Idempotency-Key was used for another request.", status=422, code=errors.INVALID_REQUEST
            ) from None
        response = HttpResponse(body, status=status, content_type="application/json; charset=utf-8")
        if is_repeated:
            response.headers["Idempotency-Replayed"] = "true"
        return response

    def body(self, properties: Mapping[str, validation.Property]) -> dict[str, Any]:
        return validation.validated(validation.body_of(self.request), properties)


class UnknownPath(AdminView):
    """Of strangers, too, nothing is answered before they say who they are."""
