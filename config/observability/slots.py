"""A number for each process that counts, unique among the processes of a machine.

A process that starts takes the lowest number that nobody holds, and with it the file of the process that held it
before. So counts continue after a restart, and the number of files stays that of the processes.
"""

import fcntl
import os
from itertools import count
from pathlib import Path
from typing import IO


class Slot:
    def __init__(self, folder: Path):
        self.folder = folder
        self.number = self.pid = -1
        self.lock: IO[str] | None = None

    def __call__(self) -> int:
        if self.pid != os.getpid():  # at first, and after a fork
            self.take()
        return self.number

    def take(self) -> None:
        """The system releases the lock when the process ends, however it ends."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for number in count():
            lock = (self.folder / f"{number}.lock").open("a")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.close()
            else:
                self.number, self.pid, self.lock = number, os.getpid(), lock
                return
