"""The version of the Admin API that a request is for."""

from rest_framework.exceptions import ParseError
from rest_framework.versioning import BaseVersioning

from oauth.models import DEFAULT_API_VERSION, ApiVersion

HEADER = "X-29next-API-Version"
HEADER_KEY = "HTTP_" + HEADER.upper().replace("-", "_")
VERSIONS = tuple(ApiVersion.values)  # Django builds `values` for each access


def version_in_header(request) -> str:
    """The value of the header. Empty without a header, and not validated."""
    return request.META.get(HEADER_KEY, "").strip()


class HeaderVersioning(BaseVersioning):
    """The version in the header. Without a header, the version of the app."""

    def determine_version(self, request, *args, **kwargs):
        version = version_in_header(request)
        if not version:
            bearer = request.auth
            return bearer.api_version if bearer else DEFAULT_API_VERSION.value
        if version not in VERSIONS:
            supported = ", ".join(VERSIONS)
            raise ParseError(f"Unknown API version in {HEADER}. Supported: {supported}.", code="unknown_version")
        return version
