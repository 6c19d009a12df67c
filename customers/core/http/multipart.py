"""Checks of a multipart body (RFC 7578), which Django's parser reads leniently."""

import codecs
from email.message import Message
from email.parser import HeaderParser

from oauth.errors import ServiceError


class InvalidMultipart(ServiceError):
    code = "invalid_multipart"


def check_multipart(body: bytes, boundary: str, charset: str = "utf-8") -> None:
    """Raises InvalidMultipart for a body that breaks off, and for a text that is not in the charset of the request, or
    whose part names another one. Files may have any bytes."""
    delimiter = b"\r\n--" + boundary.encode("latin-1", "replace")
    _, *parts = (b"\r\n" + body).split(delimiter)
    if not parts or not parts[-1].startswith(b"--"):
        raise InvalidMultipart("The multipart body breaks off before its last boundary.")
    for part in parts[:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        try:
            headers: Message = HeaderParser().parsestr(head.lstrip().decode())
            if headers.get_filename() is not None:
                continue
            text_charset = headers.get_content_charset(charset)
            if codecs.lookup(text_charset) != codecs.lookup(charset):
                raise InvalidMultipart(f"A part of the body is in {text_charset}. Send it in {charset}.")
            content.decode(charset)
        except (UnicodeError, LookupError):
            raise InvalidMultipart("The body is not in the charset that the request names.") from None
