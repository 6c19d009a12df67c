"""Headers of answers."""

from collections.abc import Mapping

from django.http import HttpResponseBase


def set_headers(response: HttpResponseBase, headers: Mapping[str, str]) -> None:
    """Sets headers whose values are printable ASCII. Django looks whether each name and value can be a header, which
    takes 2 % of the CPU time of a retrieve."""
    response.headers._store.update((name.lower(), (name, value)) for name, value in headers.items())
