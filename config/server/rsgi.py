"""The store for granian (`--interface rsgi`): a thin front that waits for clients, so that Django never does.

A request reaches Django when its whole body is there, and leaves it when its whole answer is there. Any number of
clients that send or read slowly therefore hold a connection and little memory, but never Django's thread.

    client -> granian -> event loop: environment, body with a deadline -> Django -> granian -> client

Django runs on the event loop's own thread, one request at a time, as in a WSGI server with one thread. A second thread
would cost a tenth of a request: both would wait for Python's lock. Only requests that may hash a password run in one.
"""

import asyncio
import gc
import logging
import os
import resource
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from django.conf import settings
from django.urls import resolve
from granian.rsgi import HTTPProtocol, Scope

from config.server.answers import answer
from config.server.hashing import HashingThread, may_hash
from config.server.huge_pages import use_huge_pages
from config.server.requests import Disconnected, read_body, to_environ
from config.wsgi import application as django_application
from customers.core.http.body_limits import BodyRefused, content_length
from customers.core.http.refusals import BUSY

# config.wsgi has loaded the apps that this module needs.
from config.body_limits import may_send  # isort: skip

logger = logging.getLogger(__name__)

SECONDS_UNTIL_OPENED = 10  # granian opens the file of an answer at once

Result = TypeVar("Result")


class Store:
    """The RSGI application. granian makes a process per core, and each has one."""

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        resolve("/")  # loads all views, so that the first request does not
        gc.collect()
        gc.freeze()  # Programs are no garbage: searching them again and again takes some percent of the CPU time.
        use_huge_pages()
        self.folder = TemporaryDirectory(prefix="store-answers-")
        self.hashing = HashingThread()
        allow_many_connections()
        self.starting = loop.create_task(disconnect_clients_that_read_nothing())

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.hashing.stop()
        self.folder.cleanup()

    async def __rsgi__(self, scope: Scope, proto: HTTPProtocol) -> None:
        environ = to_environ(scope)
        body = environ["wsgi.input"]
        if length := self.length_to_read(environ):
            try:
                body = await read_body(proto, length)
            except Disconnected:
                return
            except TimeoutError:
                proto.response_str(408, [("Connection", "close")], "The request body did not arrive in time.")
                return
        with body:
            environ["wsgi.input"] = body
            file = await self.respond(environ, proto)
        if file:
            asyncio.get_running_loop().call_later(SECONDS_UNTIL_OPENED, partial(file.unlink, missing_ok=True))

    async def respond(self, environ: dict[str, Any], proto: HTTPProtocol) -> Path | None:
        """Answers by Django. See `answer`."""
        call = partial(answer, django_application, environ, proto, self.folder.name)
        if may_hash(environ, environ["wsgi.input"]):
            if not self.hashing.is_full:
                return await self.hashing.run(call)
            environ[BUSY] = True
        self.hashing.others += 1
        return outside_the_loop(call)

    def length_to_read(self, environ: dict[str, Any]) -> int:
        """0 for a body that Django will refuse by its headers, and needs no byte of."""
        try:
            length = content_length(environ)
        except BodyRefused:
            return 0
        if length <= settings.ANONYMOUS_BODY_BYTES:
            return length
        return length if outside_the_loop(partial(may_send, environ)) else 0


def outside_the_loop(call: Callable[[], Result]) -> Result:
    """Calls what runs Django, on this thread as in a program without an event loop: its connections belong to the
    thread, not to the task, and it does not refuse to block."""
    loop = asyncio.get_running_loop()
    asyncio._set_running_loop(None)
    try:
        return call()
    finally:
        asyncio._set_running_loop(loop)


def allow_many_connections() -> None:
    """Raises the limit of open files to what the system allows this process."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def disconnect_clients_that_read_nothing() -> None:
    """Lets the kernel end a connection whose client reads nothing for CLIENT_SECONDS.

    granian has no such option. It opens its socket after this starts, and connections inherit the setting from there.
    """
    if not hasattr(socket, "TCP_USER_TIMEOUT") or not os.path.isdir("/proc/self/fd"):
        return  # not Linux: for development only
    for _ in range(100):
        listening = list(_listening_sockets())
        for each in listening:
            with each:
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, settings.CLIENT_SECONDS * 1000)
        if listening:
            return
        await asyncio.sleep(0.05)
    logger.error("No listening socket was found: clients that read nothing keep their connections.")


def _listening_sockets() -> Iterator[socket.socket]:
    """Duplicates of the TCP sockets on which this process accepts connections."""
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # closed in the meantime
            if not os.readlink(descriptor).startswith("socket:"):
                continue
            each = socket.socket(fileno=os.dup(int(descriptor.name)))
            is_tcp = each.family in (socket.AF_INET, socket.AF_INET6)
            if is_tcp and each.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                yield each
            else:
                each.close()


application = Store()
