"""Parsers of request bodies: JSON, form-encoded and multipart. All of them return plain dictionaries."""

import re
from contextlib import contextmanager
from io import BytesIO
from typing import Any

from django.http import QueryDict
from django.utils.http import parse_header_parameters
from rest_framework import parsers
from rest_framework.exceptions import ParseError

from customers.core.http.multipart import check_multipart
from customers.core.json_values import parse_json
from oauth.text import is_encoded

# `a`, then any of `[b]`, `.b`, or `b` after a closing bracket. HTTP clients write nested names in all of these ways.
PART = re.compile(r"\[([^\[\]]*)\]|\.?([^.\[\]]+)")
MAX_LEVELS = 8


class FormData(dict):
    """A body from a form. In it, a list of one item looks like a single value, and an object is a string of JSON."""


class JSONParser(parsers.BaseParser):
    """RFC 8259: NaN, Infinity and numbers that overflow are refused."""

    media_type = "application/json"

    def parse(self, stream, media_type=None, parser_context=None):
        try:
            return parse_json(stream.read())
        except ValueError as error:
            raise ParseError(f"JSON parse error - {error}") from None


class FormParser(parsers.FormParser):
    def parse(self, stream, media_type=None, parser_context=None):
        charset, body = parser_context["encoding"], stream.read()
        with decoding_errors():
            if not is_encoded(body, charset):
                raise UnicodeError
            return nested(QueryDict(body, encoding=charset))


class MultiPartParser(parsers.MultiPartParser):
    def parse(self, stream, media_type=None, parser_context=None):
        body, content_type = stream.read(), parse_header_parameters(media_type)[1]
        with decoding_errors():
            check_multipart(body, content_type.get("boundary", ""), parser_context["encoding"])
            return nested(super().parse(BytesIO(body), media_type, parser_context).data)


@contextmanager
def decoding_errors():
    """Raises ParseError for a body that can't be decoded."""
    try:
        yield
    except (UnicodeError, LookupError):
        raise ParseError("The body is not in the charset that the request names.") from None


def nested(form: QueryDict) -> FormData:
    """`addresses[0][line1]=x&tags[]=a` as `{"addresses": [{"line1": "x"}], "tags": ["a"]}`.

    Also `addresses[0]line1`, `addresses[0].line1` and `addresses.0.line1`. A repeated name is a list. List entries are
    ordered by position; missing positions are skipped. Raises ParseError.
    """
    tree: dict[str, Any] = {}
    for name, values in form.lists():
        branch, path = tree, [bracketed or plain for bracketed, plain in PART.findall(name)]
        if len(path) > MAX_LEVELS:
            raise ParseError(f"The name {name[:80]!r} has more than {MAX_LEVELS} levels.")
        repeated = path[1:] and not path[-1]
        if repeated:
            path.pop()
        for step in path[:-1]:
            branch = branch.setdefault(step, {})
            if not isinstance(branch, dict):
                raise ParseError(f"The name {name[:80]!r} contradicts another one.")
        if path:
            if isinstance(branch.get(path[-1]), dict):
                raise ParseError(f"The name {name[:80]!r} contradicts another one.")
            branch[path[-1]] = values if repeated or len(values) > 1 else values[0]
    return FormData((name, _with_lists(value)) for name, value in tree.items())


def _with_lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if all(key.isdecimal() and len(key) < 10 for key in value):
        return [_with_lists(value[key]) for key in sorted(value, key=int)]
    return FormData((key, _with_lists(part)) for key, part in value.items())
