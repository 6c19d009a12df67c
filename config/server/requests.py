"""A request of granian's RSGI as WSGI has it (PEP 3333): the environment, and the whole body."""

import asyncio
import sys
from contextlib import ExitStack
from io import BytesIO
from tempfile import TemporaryFile
from typing import IO, Any

from django.conf import settings
from granian.rsgi import HTTPProtocol, Scope

# A body up to this size is kept in memory; a larger one is a file. A piece of this size has CLIENT_SECONDS to arrive.
PIECE = 64 * 1024


class Disconnected(Exception):
    """The client went away before its body was complete."""


def to_environ(scope: Scope) -> dict[str, Any]:
    """The WSGI environment, with an empty body.

    A header whose name has an underscore is dropped: the environment has one key for it and for the name with dashes,
    which a proxy may have set or removed. A header that comes more than once is joined.
    """
    server, _, port = scope.server.rpartition(":")
    environ = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string.encode().decode("latin-1"),
        "SERVER_NAME": server.strip("[]"),
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "wsgi.version": (1, 0),
        "wsgi.input": BytesIO(),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in scope.headers.items():
        if "_" in name:
            continue
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
        if key in environ:
            value = f"{environ[key]}{';' if key == 'HTTP_COOKIE' else ','}{value}"
        environ[key] = value
    return environ


async def read_body(proto: HTTPProtocol, length: int) -> IO[bytes]:
    """All of a body of `length` bytes. A large one is in a file without a name, which goes when it is closed.

    Raises TimeoutError for a client that is too slow, and Disconnected.
    """
    if length <= PIECE:
        async with asyncio.timeout(settings.CLIENT_SECONDS):
            try:
                return BytesIO(await proto())
            except RuntimeError as error:
                raise Disconnected from error
    with ExitStack() as on_error:
        file = on_error.enter_context(TemporaryFile())
        await _copy(proto, length, file)
        file.seek(0)
        on_error.pop_all()
    return file


async def _copy(proto: HTTPProtocol, length: int, file: IO[bytes]) -> None:
    loop = asyncio.get_running_loop()
    received, next_piece = 0, PIECE
    async with asyncio.timeout(settings.CLIENT_SECONDS) as limit:
        async for chunk in proto:
            if not chunk:  # granian's sign of an error, too
                break
            await asyncio.to_thread(file.write, chunk)
            received += len(chunk)
            if received >= next_piece:
                limit.reschedule(loop.time() + settings.CLIENT_SECONDS)
                next_piece = received + PIECE
    if received < length:
        raise Disconnected
