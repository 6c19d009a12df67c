"""What holds for every path under `/admin/`: who calls, whether they may, how often, and how an answer looks."""

from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from customers.core.http.idempotency_key import HEADER_KEY, respond_once
from customers.core.http.json_response import UTF_8_JSON, json_response
from customers.core.http.rate_limit import RateLimit, count_request
from customers.medusa import authentication, errors, validation
from customers.medusa.errors import NotAllowed, NotFound, TooManyRequests
from oauth.scopes import Scope, grants


@method_decorator(csrf_exempt, name="dispatch")  # the protocol has no token for it: `cors.is_from_allowed_origin`
class AdminView(View):
    """`scopes`: what each method asks for; a method that is not named is not there. A handler's answer is what is shown
    as JSON, or a response. What is POSTed is done once for each `Idempotency-Key`."""

    scopes: Mapping[str, Scope | None] = {}
    caller: authentication.Caller
    # Whom an answer tells of, so that it is forgotten with them.
    about: int | None = None
    rate_limit: RateLimit | None = None

    def dispatch(self, request, *args, **kwargs):
        try:
            response = self.respond(request, **kwargs)
        except Exception as error:
            refusal = errors.to_response(error)
            if refusal is None:
                raise
            response = refusal
        if self.rate_limit:
            self.rate_limit.set_headers(response)
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
        if method == "POST" and HEADER_KEY in request.META:
            return self.answer_once(request, lambda: handler(request, **kwargs))
        shown = handler(request, **kwargs)
        return shown if isinstance(shown, HttpResponse) else json_response(shown)

    def take_place(self) -> None:
        """Within the caller's rate limit. Raises TooManyRequests."""
        self.rate_limit = count_request(self.caller.number, self.caller.rate_limit)
        if self.rate_limit and self.rate_limit.is_exceeded:
            raise TooManyRequests(f"At most {self.rate_limit.limit} requests are answered within a second.")

    def answer_once(self, request: HttpRequest, answer: Callable[[], Any]) -> HttpResponse:
        def respond() -> tuple[HttpResponse, int | None]:
            shown = answer()
            return shown if isinstance(shown, HttpResponse) else json_response(shown), self.about

        return respond_once(request, respond, owner_id=self.caller.owner_of_keys, content_type=UTF_8_JSON)

    def body(self, properties: Mapping[str, validation.Property]) -> dict[str, Any]:
        return validation.validated(validation.body_of(self.request), properties)


class UnknownPath(AdminView):
    """Of strangers, too, nothing is answered before they say who they are."""
