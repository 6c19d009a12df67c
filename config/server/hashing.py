"""Requests that may hash a password run beside all others, in a thread of their own.

A hash is meant to take long. On the event loop's thread it would hold up every other request of the process; Argon2
itself runs without Python's lock.
"""

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any, TypeVar
from urllib.parse import unquote_to_bytes

from config.server.requests import PIECE

# People sign in, choose a password or confirm who they are below these paths; Medusa's API gives customers passwords.
PATHS = ("/admin/", "/dashboard/", "/oauth2/authorize/")
PASSWORD = b"password"  # is part of the name of every field for a password
NO_PASSWORD = re.compile(rb'"password"\s*:\s*(""|null)')  # how Medusa's clients create a customer without an account
MAX_REQUESTS = 20  # that run or wait; further ones are refused
# A pause takes this many times as long as the request before it: hashes get a quarter of a core beside other requests.
PAUSE_FACTOR = 3

Answer = TypeVar("Answer")


def may_hash(environ: dict[str, Any], body: IO[bytes]) -> bool:
    """Whether a request may hash a password: its body has that word, also in percent encoding or in JSON's escapes.

    True in case of doubt, as for a large body: such a request only waits for its turn.
    """
    if environ["REQUEST_METHOD"] != "POST" or not environ["PATH_INFO"].lower().startswith(PATHS):
        return False
    text = body.read(PIECE + 1)
    body.seek(0)
    if len(text) > PIECE or b"\\u00" in text:
        return True
    return PASSWORD in NO_PASSWORD.sub(b"", unquote_to_bytes(text) if b"%" in text else text)


class HashingThread:
    """Runs one call at a time, and pauses after each if other requests came meanwhile. `others` counts these."""

    def __init__(self) -> None:
        self.thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="hashing")
        self.turn = asyncio.Lock()
        self.waiting = self.others = 0

    @property
    def is_full(self) -> bool:
        return self.waiting >= MAX_REQUESTS

    async def run(self, call: Callable[[], Answer]) -> Answer:
        loop = asyncio.get_running_loop()
        self.waiting += 1
        try:
            async with self.turn:
                began, others = loop.time(), self.others
                answer = await loop.run_in_executor(self.thread, call)
                if self.others > others:
                    await asyncio.sleep(PAUSE_FACTOR * (loop.time() - began))
                return answer
        finally:
            self.waiting -= 1

    def stop(self) -> None:
        self.thread.shutdown(cancel_futures=True)
