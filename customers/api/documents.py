"""The OpenAPI documents, one per version of the Admin API, and the pages that serve them."""

from functools import cache
from typing import Any

from django.http import JsonResponse
from django.urls import include, path
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularSwaggerView

from customers.api.versioning import HEADER
from oauth.models import DEFAULT_API_VERSION, ApiVersion
from oauth.scopes import SCOPE_LABELS

MOUNT = "api/admin/"

INTRODUCTION = """
The customers of the store. Every request carries an access token, `Authorization: Bearer …`, and is answered in JSON.

**Versions.** `X-29next-API-Version` names the version of the API; without it, the one that belongs to the API key is
spoken. The answer names the version that was used.

**Lists** come newest first in pages of 20: follow `next` until it is null. `page_size` asks for up to 250.

**Bodies** are JSON, form-encoded or multipart; in forms, nested values are named `addresses[0][line1]`. Fields that
the API does not know are ignored.

**Limits.** A token may make a few requests per second, as the `RateLimit` fields of every answer say. Above that the
answer is 429 with `Retry-After`.

**Safe repetition.** A POST with an `Idempotency-Key` can be sent again: the first answer comes back. Retrieved
customers, addresses, definitions and apps carry an `ETag`; an update of the former three with `If-Match` is refused
with 412 when somebody else was faster.

**Errors** are objects: `{"detail": "…"}`, or for refused values `{"field": ["…"]}`, nested as the body was.
"""

ERRORS = {
    "400": "The request is malformed, a value is refused, or the version is unknown.",
    "401": "There is no valid access token.",
    "403": "The token lacks the scope, or is of another app.",
    "406": "Only JSON is spoken.",
    "429": "Too many requests with this token; `Retry-After` says when to come back.",
    "503": "The database did not answer in time.",
}
OBJECT_ERRORS = {"404": "There is no such object."}
BODY_ERRORS = {
    "411": "The body has no `Content-Length`.",
    "413": "The body is too large.",
    "415": "The body is neither JSON nor a form.",
}
PENDING_ERRORS = {"409": "The export is not ready."}
POST_ERRORS = {"422": "The `Idempotency-Key` belongs to another request."}
NOT_MODIFIED = {"description": "The `ETag` in `If-None-Match` still holds."}
CONDITIONAL_ERRORS = {"412": "The object has changed since the `ETag` in `If-Match` was read."}

VERSION_PARAMETER = {
    "in": "header",
    "name": HEADER,
    "required": True,
    "description": "The version of the API. Published as required; without it the API key's own version is used.",
}


class AdminApiGenerator(SchemaGenerator):
    """The document of one version."""

    def create_view(self, callback, method, request=None):
        view = super().create_view(callback, method, request)
        view.versioning_class = None  # the generator knows versions in paths only; the header is added below
        view.api_version = self.api_version
        return view

    def get_schema(self, request=None, public=False):
        document = super().get_schema(request, public)
        document["info"] = {"title": "Admin API", "version": self.api_version, "description": INTRODUCTION.strip()}
        document["components"]["securitySchemes"] = {
            "oauth2": {
                "type": "oauth2",
                "flows": {
                    "authorizationCode": {
                        "authorizationUrl": "/oauth2/authorize/",
                        "tokenUrl": "/oauth2/token/",
                        "scopes": {str(scope): label for scope, label in SCOPE_LABELS.items()},
                    }
                },
            },
            "token": {"type": "http", "scheme": "bearer", "description": "A personal access token."},
        }
        document["components"]["schemas"]["Error"] = {
            "type": "object",
            "description": "`detail`, or the refused fields.",
            "properties": {"detail": {"type": "string"}},
        }
        for schema in document["components"]["schemas"].values():
            for field in schema.get("properties", {}).values():
                if field.get("oneOf") == [{}, {"type": "null"}]:
                    field["anyOf"] = field.pop("oneOf")  # null is "anything", too: of both, not of just one
        for template, operations in document["paths"].items():
            for method, operation in operations.items():
                self._complete(template, method, operation)
        return document

    def _complete(self, template: str, method: str, operation: dict[str, Any]) -> None:
        """What holds for every operation, so that no view has to say it."""
        version = {"type": "string", "enum": [self.api_version], "default": self.api_version}
        operation.setdefault("parameters", []).append({**VERSION_PARAMETER, "schema": version})
        errors = dict(ERRORS)
        if "{" in template and "/apps/" not in template:
            errors |= OBJECT_ERRORS
        elif method == "get":
            errors["404"] = "The cursor is none of ours."
        if "requestBody" in operation:
            errors |= BODY_ERRORS
        if method == "post":
            errors |= POST_ERRORS
        if template.endswith("/download/"):
            errors |= PENDING_ERRORS
        if template.endswith("}/") and method != "delete":
            errors |= CONDITIONAL_ERRORS
        if method == "get" and template.endswith("}/"):
            operation["responses"]["304"] = NOT_MODIFIED
        content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
        for status, description in errors.items():
            operation["responses"][status] = {"description": description, "content": content}
        operation["responses"] = dict(sorted(operation["responses"].items()))


@cache
def document(version: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document of a version."""
    patterns = [path(MOUNT, include("customers.api.urls"))]
    return AdminApiGenerator(patterns=patterns, api_version=version).get_schema(public=True)


@require_safe
def serve_document(request):
    """`?version=` as in the header; the newest stable one without it."""
    version = request.GET.get("version", DEFAULT_API_VERSION.value)
    if version not in ApiVersion.values:
        supported = ", ".join(ApiVersion.values)
        return JsonResponse({"detail": f"Unknown version. Supported: {supported}."}, status=400)
    return JsonResponse(document(version), headers={"Access-Control-Allow-Origin": "*"})


class ReferencePage(SpectacularSwaggerView):
    """The documents to read and to try, with a choice of the version. Works offline: its assets come from a wheel."""

    authentication_classes = []
    permission_classes = []
    title = "Admin API"
    url_name = "admin-api-schema"
