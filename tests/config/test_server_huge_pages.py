import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

STATE = Path("/sys/kernel/mm/transparent_hugepage/enabled")
HUGE_KB = r"AnonHugePages: +(\d+) kB"
# Memory that is huge from the start, to see whether the machine has huge pages left.
NEW_MEMORY = """
import mmap

memory = mmap.mmap(-1, 16 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
memory.madvise(mmap.MADV_HUGEPAGE)
memory.write(bytes(16 << 20))
"""
OBJECTS = """
from config.server.huge_pages import use_huge_pages

objects = [bytes(1000) for _ in range(20_000)]
use_huge_pages()
assert all(each == bytes(1000) for each in objects)
"""


def huge_kilobytes(program: str) -> int:
    """How much of its memory is in huge pages, when it ends."""
    program += 'print(open("/proc/self/smaps_rollup").read())'
    found = re.search(HUGE_KB, subprocess.check_output([sys.executable, "-c", program], text=True))
    return int(found[1]) if found else 0


@pytest.mark.once
def test_memory_is_moved_to_huge_pages_and_keeps_its_content():
    if not STATE.exists() or "[never]" in STATE.read_text():
        pytest.skip("This system has no huge pages.")
    if tuple(map(int, platform.release().split(".")[:2])) < (6, 1):
        pytest.skip("This Linux moves memory later, in the background.")
    if huge_kilobytes(NEW_MEMORY) < 8192:
        pytest.skip("This machine has no huge pages left.")
    assert huge_kilobytes(OBJECTS) >= 4096
