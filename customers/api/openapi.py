"""The OpenAPI documents, one per version of the Admin API, and the views that serve them."""

from functools import cache
from typing import Any

from csp.decorators import csp_update
from django.http import JsonResponse
from django.urls import include, path
from django.utils.decorators import method_decorator
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.views import SpectacularSwaggerSplitView

from customers.api.versioning import HEADER
from oauth.models import DEFAULT_API_VERSION, ApiVersion
from oauth.scopes import SCOPE_LABELS

MOUNT = "api/admin/"
EXTENSIONS = "extensions"
DOCUMENTS = (*ApiVersion.values, EXTENSIONS)

INTRODUCTION = """
The customers of the store. Every request needs an access token: `Authorization: Bearer …`. All answers are JSON.

**Versions.** The request header `X-29next-API-Version` selects the version of the API. Without it, the API key's own
version is used. The answer has the same header with the version that was used.

**Lists** start with the newest entry. A page has 20 entries, or up to 250 with `page_size`. Follow `next` until it is
null.

**Bodies** are JSON, form-encoded or multipart. In forms, nested values are named `addresses[0][line1]`. Unknown fields
are ignored.

**Rate limit.** A token may make a few requests per second. The `RateLimit` headers of every answer say how many. Above
that, the answer is 429 with `Retry-After`.

**Safe retries.** A POST with an `Idempotency-Key` can be repeated: it returns the first answer again. Customers,
addresses, definitions and apps have an `ETag`. An update of a customer, an address or a definition with `If-Match`
fails with 412 if somebody else has changed it in the meantime.

**Errors** are objects: `{"detail": "…"}`, or for invalid values `{"field": ["…"]}`, nested like the body.
"""

EXTENSIONS_INTRODUCTION = """
Endpoints of this store that the platform does not have. Everything else is as in the Admin API: tokens and scopes,
versions, errors, lists, the rate limit. A program that uses them works with this store only.
"""

ERRORS = {
    "400": "The request is malformed, a value is invalid, or the version is unknown.",
    "401": "The access token is missing or not valid.",
    "403": "The token does not have the scope, or belongs to another app.",
    "406": "Answers are JSON only.",
    "429": "Too many requests with this token. Wait for `Retry-After` seconds.",
    "503": "The database did not answer in time.",
}
OBJECT_ERRORS = {"404": "The object does not exist."}
BODY_ERRORS = {
    "411": "The body has no `Content-Length`.",
    "413": "The body is too large.",
    "415": "The body is neither JSON nor a form.",
}
PENDING_ERRORS = {"409": "The export is not ready."}
POST_ERRORS = {"422": "The `Idempotency-Key` was used for another request."}
NOT_MODIFIED = {"description": "The object still has the `ETag` in `If-None-Match`."}
CONDITIONAL_ERRORS = {"412": "The object does not have the `ETag` in `If-Match` any more."}

VERSION_PARAMETER = {
    "in": "header",
    "name": HEADER,
    "required": True,
    "description": "The version of the API. Published as required. Without it, the API key's own version is used.",
}


class AdminApiSchema(AutoSchema):
    """Describes the security of an operation: a token of OAuth2 with the scope in the viewset's `required_scopes`, or a
    personal token."""

    view: Any  # an AdminApiViewSet

    def get_auth(self):
        scope = self.view.required_scopes.get(self.view.action)
        return [{"oauth2": [str(scope)] if scope else []}, {"token": []}]


class AdminApiGenerator(SchemaGenerator):
    """Generates the document of one version."""

    def create_view(self, callback, method, request=None):
        view = super().create_view(callback, method, request)
        view.versioning_class = None  # the generator supports versions in paths only; `_complete` adds the header
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
        for schema in document["components"]["schemas"].values():
            if schema.get("type") == "object":
                schema.pop("description", None)  # the docstring of the serializer, which is not for clients
        document["components"]["schemas"]["Error"] = {
            "type": "object",
            "description": "`detail`, or the invalid fields.",
            "properties": {"detail": {"type": "string"}},
        }
        for schema in document["components"]["schemas"].values():
            for field in schema.get("properties", {}).values():
                if field.get("oneOf") == [{}, {"type": "null"}]:
                    field["anyOf"] = field.pop("oneOf")  # null matches both, and `oneOf` allows one match only
        for template, operations in document["paths"].items():
            for method, operation in operations.items():
                self._complete(template, method, operation)
        return document

    def _complete(self, template: str, method: str, operation: dict[str, Any]) -> None:
        """Adds what all operations have in common: the version header and the error responses."""
        version = {"type": "string", "enum": [self.api_version], "default": self.api_version}
        operation.setdefault("parameters", []).append({**VERSION_PARAMETER, "schema": version})
        errors = dict(ERRORS)
        if "{" in template and "/apps/" not in template:
            errors |= OBJECT_ERRORS
        elif method == "get":
            errors["404"] = "The cursor is invalid."
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
def document(name: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document of a version, or the one of the EXTENSIONS, which are the same in all versions."""
    from customers.api import urls  # the views, which import this module

    if name != EXTENSIONS:
        patterns = [path(MOUNT, include((urls.published, urls.app_name)))]
        return AdminApiGenerator(patterns=patterns, api_version=name).get_schema(public=True)
    patterns = [path(MOUNT, include((urls.extensions, urls.app_name)))]
    schema = AdminApiGenerator(patterns=patterns, api_version=DEFAULT_API_VERSION.value).get_schema(public=True)
    schema["info"] |= {"title": "Admin API: extensions", "description": EXTENSIONS_INTRODUCTION.strip()}
    return schema


@gzip_page  # it holds no secret
@require_safe
def serve_document(request):
    """The document of `?version=`, which is one of DOCUMENTS, or of the newest stable version."""
    name = request.GET.get("version", DEFAULT_API_VERSION.value)
    if name not in DOCUMENTS:
        return JsonResponse({"detail": f"Unknown version. Supported: {', '.join(DOCUMENTS)}."}, status=400)
    return JsonResponse(document(name), headers={"Access-Control-Allow-Origin": "*"})


# Of ".logo_small_svg__cls-2{fill:#fff}.logo_small_svg__cls-3{fill:#85ea2d}", which Swagger UI adds for its logo.
LOGO_STYLE = "'sha256-RL3ie0nH+Lzz2YNqQN83mnU0J1ot4QL7b99vMdIX99w='"


@method_decorator(csp_update({"style-src": [LOGO_STYLE]}), name="dispatch")
class ReferencePage(SpectacularSwaggerSplitView):
    """The API reference: an interactive page with the documents of all versions. It works offline: its assets come from
    a package. The page's script is at a URL of its own, as no page of the store may have inline scripts."""

    authentication_classes = []
    permission_classes = []
    title = "Admin API"
    url_name = "admin-api-schema"
    template_name = "api/reference.html"
