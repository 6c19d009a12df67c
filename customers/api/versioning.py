"""Which version of the Admin API a request speaks."""

from rest_framework.exceptions import ParseError
from rest_framework.versioning import BaseVersioning

from oauth.models import DEFAULT_API_VERSION, ApiVersion

HEADER = "X-29next-API-Version"
HEADER_KEY = "HTTP_" + HEADER.upper().replace("-", "_")
VERSIONS = tuple(ApiVersion.values)  # which Django puts together for each look


def named_version(request) -> str:
    """As the header has it; empty without one."""
    return request.META.get(HEADER_KEY, "").strip()


class HeaderVersioning(BaseVersioning):
    """From the header; without one, the version that belongs to the API key."""

    def determine_version(self, request, *args, **kwargs):
        named = named_version(request)
        if not named:
            return request.auth.api_version if request.auth else DEFAULT_API_VERSION.value
        if named not in VERSIONS:
            supported = ", ".join(VERSIONS)
            raise ParseError(f"Unknown API version in {HEADER}. Supported: {supported}.", code="unknown_version")
        return named
