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
WORD = b"password"  # in the name of each field that has one
NO_PASSWORD = re.compile(rb'"password"\s*:\s*(""|null)')  # of a guest in Medusa's API
MOST = 20  # requests that run or wait; further ones are refused
PAUSE = 3  # times as long as a request took: so hashes get a quarter of a core while there are other requests

Answer = TypeVar("Answer")


def may_hash(environ: dict[str, Any], body: IO[bytes]) -> bool:
    """Whether a request may hash a password: it names one, in whatever encoding. Too many rather than too few."""
    if environ["REQUEST_METHOD"] != "POST" or not environ["PATH_INFO"].lower().startswith(PATHS):
        return False
    text = body.read(PIECE + 1)
    body.seek(0)
    if len(text) > PIECE or b"\\u00" in text:
        return True
    return WORD in NO_PASSWORD.sub(b"", unquote_to_bytes(text) if b"%" in text else text)


class HashingThread:
    """Runs one call at a time. Pauses after each as long as there are other requests, which `others` counts."""

    def __init__(self) -> None:
        self.thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="hashing")
        self.turn = asyncio.Lock()
        self.waiting = self.others = 0

    @property
    def is_full(self) -> bool:
        return self.waiting >= MOST

    async def run(self, call: Callable[[], Answer]) -> Answer:
        loop = asyncio.get_running_loop()
        self.waiting += 1
        try:
            async with self.turn:
                began, others = loop.time(), self.others
                answer = await loop.run_in_executor(self.thread, call)
                if self.others > others:
                    await asyncio.sleep(PAUSE * (loop.time() - began))
                return answer
        finally:
            self.waiting -= 1

    def stop(self) -> None:
        self.thread.shutdown(cancel_futures=True)
