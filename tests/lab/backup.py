"""A base backup and the archived log, restored to a moment before the failures."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from tests.lab.setup import Lab

ERASE = "from customers.privacy.erasure import erase; from oauth.actor import SYSTEM; erase({id}, by=SYSTEM)"


@contextmanager
def tried(lab: Lab, seconds: float) -> Iterator[list[str]]:
    """Backs up before the failures. After them it restores, and adds the faults to the list."""
    cluster = lab.cluster
    cluster.back_up()
    time.sleep(seconds)
    before = lab.load.acknowledged()
    moment = cluster.now()
    erased = min(before)
    lab.nodes.manage("shell", "--verbosity=0", "--command", ERASE.format(id=erased))
    cluster.archive()
    found: list[str] = []
    yield found
    if fault := restore(lab, moment, before, erased):
        found.append(fault)


def restore(lab: Lab, moment: datetime, before: set[int], erased: int) -> str:
    """Recovers to the moment, and applies the erasure that came after it. Returns what is wrong, or ""."""
    cluster = lab.cluster
    began = time.monotonic()
    url = cluster.restore(moment)
    restored = cluster.customers("restored")
    is_back = not cluster.is_erased("restored", erased)
    output = lab.nodes.manage("apply_erasures", DATABASE_URL=url)
    is_erased = cluster.is_erased("restored", erased)
    late = cluster.count_created_after("restored", moment)
    print(f"Restored to a moment in {time.monotonic() - began:.1f} s: {len(before - restored.keys())} of {len(before)} "
          f"customers lost, {late} from after the moment; the erased one was {'back' if is_back else 'not back'}, "
          f"and is {'erased again' if is_erased else 'NOT ERASED'}: {output.splitlines()[0]}")  # fmt: skip
    is_right = before <= restored.keys() and not late and is_back and is_erased
    return "" if is_right else "the restored database is not that of the moment"
