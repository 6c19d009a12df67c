"""The base view of every path under `/admin/`: authentication, scope, rate limit, Idempotency-Key, errors."""

from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from customers.core.http.idempotency_key import HEADER_KEY, respond_once
from customers.core.http.json_response import UTF_8_JSON, json_response
from customers.core.http.rate_limit import RateLimit, count_request
from customers.medusa import authentication, class_validator, errors
from customers.medusa.errors import NotAllowed, NotFound, TooManyRequests, Unauthorized
from oauth import replica
from oauth.scopes import Scope, grants


@method_decorator(csrf_exempt, name="dispatch")  # Medusa has no CSRF token: see `cors.is_from_allowed_origin`
class AdminView(View):
    """Subclasses set `scopes`: the scope that each method needs, None for any caller. Other methods give 404.

    A handler (`get`, `post`, ...) returns a response, or an object to send as JSON. A POST is carried out once for each
    `Idempotency-Key`.
    """

    scopes: Mapping[str, Scope | None] = {}
    caller: authentication.Caller
    # The customer that the answer is about: a stored answer is erased with them.
    subject_id: int | None = None
    rate_limit: RateLimit | None = None

    def dispatch(self, request, *args, **kwargs):
        try:
            response = self.respond(request, **kwargs)
        except Exception as error:
            error_response = errors.to_response(error)
            if error_response is None:
                raise
            response = error_response
        if self.rate_limit:
            self.rate_limit.set_headers(response)
        vars(self).pop("head", None)  # Django's alias of `get`, by which the view holds itself in memory
        return response

    def respond(self, request: HttpRequest, **kwargs: str) -> HttpResponse:
        method = "GET" if request.method == "HEAD" else str(request.method)
        try:
            self.caller = authentication.authenticate(request, self.scopes.get(method))
            request.auth = self.caller  # type: ignore[attr-defined]  # metrics and logs show the kind of its app
        except Unauthorized:
            if request.content_type == class_validator.JSON:
                class_validator.read_body(request)  # Express reads a body first, so broken JSON is 400 to anybody
            raise
        if method not in self.scopes:
            raise NotFound(f"Cannot {request.method} {request.path}")
        scope = self.scopes[method]
        if scope and not grants(self.caller.scopes, scope):
            raise NotAllowed(f"This needs a token with the scope {scope}.")
        self.check_rate_limit()
        if replica.IS_CONFIGURED and self.caller.app_id is not None:
            return replica.answer(
                lambda: self.carry_out(request, **kwargs),
                method=str(request.method),
                app_id=self.caller.app_id,
                needed_lsn=self.caller.needed_lsn,
                missing=(NotFound,),
            )
        # People read from the primary here, but their next page of the dashboard may come from the replica.
        with replica.writes_of_person(self.caller.user_id, str(request.method)):
            return self.carry_out(request, **kwargs)

    def carry_out(self, request: HttpRequest, **kwargs: str) -> HttpResponse:
        method = "GET" if request.method == "HEAD" else str(request.method)
        handler = getattr(self, method.lower())
        if method == "POST" and HEADER_KEY in request.META:
            return self.answer_once(request, lambda: handler(request, **kwargs))
        return as_response(handler(request, **kwargs))

    def check_rate_limit(self) -> None:
        """Raises TooManyRequests."""
        limit = settings.MEDUSA_RATE_LIMIT if self.caller.rate_limit is None else self.caller.rate_limit
        self.rate_limit = self.caller.counted or count_request(self.caller.rate_limit_key, limit)
        if self.rate_limit and self.rate_limit.is_exceeded:
            raise TooManyRequests(f"At most {self.rate_limit.limit} requests are answered within a second.")

    def answer_once(self, request: HttpRequest, answer: Callable[[], Any]) -> HttpResponse:
        def respond() -> tuple[HttpResponse, int | None]:
            return as_response(answer()), self.subject_id

        return respond_once(request, respond, owner_id=self.caller.idempotency_owner, content_type=UTF_8_JSON)

    def body(self, properties: Mapping[str, class_validator.Property]) -> dict[str, Any]:
        return class_validator.validated(class_validator.read_body(self.request), properties)


def as_response(result: Any) -> HttpResponse:
    return result if isinstance(result, HttpResponse) else json_response(result)


class UnknownPath(AdminView):
    """Unknown paths require authentication, too."""
