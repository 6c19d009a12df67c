import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

STATE = Path("/sys/kernel/mm/transparent_hugepage/enabled")
PROGRAM = """
from config.server.huge_pages import use_huge_pages

objects = [bytearray(1000) for _ in range(20_000)]
use_huge_pages()
print(len(objects), open("/proc/self/smaps_rollup").read())
"""


def linux() -> tuple[int, ...]:
    """The version of the kernel; of any other system (0, 0)."""
    found = re.match(r"(\d+)\.(\d+)", platform.release())
    return tuple(map(int, found.groups())) if found and sys.platform == "linux" else (0, 0)


@pytest.mark.once
@pytest.mark.skipif(
    linux() < (6, 1) or not STATE.exists() or "[never]" in STATE.read_text(), reason="Linux gives no huge pages at once"
)
def test_memory_is_moved_to_huge_pages_and_keeps_its_content():
    output = subprocess.check_output([sys.executable, "-c", PROGRAM], text=True)
    assert output.startswith("20000 ")
    kilobytes = re.search(r"AnonHugePages: +(\d+) kB", output)
    assert kilobytes
    assert int(kilobytes[1]) >= 4096
