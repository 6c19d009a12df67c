"""The answer of a WSGI application, handed to granian as a whole: nobody waits for a client that reads slowly."""

import os
from collections.abc import Callable, Iterable
from itertools import chain
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from wsgiref.util import FileWrapper

from granian.rsgi import HTTPProtocol

MEMORY = 128 * 1024  # bytes of an answer that are kept in memory; a larger answer is a file
Headers = list[tuple[str, str]]


def answer(application: Callable, environ: dict[str, Any], proto: HTTPProtocol, folder: str) -> Path | None:
    """Calls `application` and hands its answer to granian, which sends it in the background.

    Returns the file in `folder` that granian will open to send it, if there is one. The caller deletes it.
    """
    head: list[Any] = []

    def start_response(status: str, headers: Headers, exc_info: Any = None) -> None:
        head[:] = int(status[:3]), headers

    result = application({**environ, "wsgi.file_wrapper": FileWrapper}, start_response)
    try:
        if isinstance(result, FileWrapper) and (path := path_of(result.filelike)):
            status, headers = head
            proto.response_file(status, headers, path)
            return None
        body = collect(result, folder)
    finally:
        if hasattr(result, "close"):
            result.close()
    status, headers = head
    if isinstance(body, bytes):
        proto.response_bytes(status, headers, body)
        return None
    if not any(name.lower() == "content-length" for name, _ in headers):
        headers.append(("Content-Length", str(body.stat().st_size)))
    proto.response_file(status, headers, str(body))
    return body


def path_of(file: Any) -> str | None:
    """The path of a file that is open at its start; None for what is not a file of this machine."""
    try:
        path = os.fspath(file.name)
        is_whole = file.seek(0, os.SEEK_CUR) == 0 and os.path.samestat(os.fstat(file.fileno()), os.stat(path))
    except (AttributeError, TypeError, OSError):  # OSError: also io.UnsupportedOperation
        return None
    return path if is_whole else None


def collect(chunks: Iterable[bytes], folder: str) -> bytes | Path:
    """All chunks, in memory or in a file in `folder`."""
    chunks, first, size = iter(chunks), [], 0
    for chunk in chunks:
        first.append(chunk)
        size += len(chunk)
        if size > MEMORY:
            break
    else:
        return b"".join(first)
    with NamedTemporaryFile(dir=folder, delete=False) as file:
        try:
            file.writelines(chain(first, chunks))
        except BaseException:
            os.unlink(file.name)
            raise
    return Path(file.name)
