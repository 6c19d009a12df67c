"""How many customers a file brings in and an export writes: in a second, and in CPU time."""

import csv
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

from tests.bench.comparison import CUSTOMERS, OURS, VARIANTS
from tests.bench.report import Bar, Table
from tests.bench.serving import Store, cpu_seconds_of, prepared
from tests.bench.traffic import CUSTOMER

VARIANT = VARIANTS[OURS]
ROWS = 100_000
SEED = 7
# Customers a second. The same export made 22,600 and 36,200 within five minutes, on a machine that others share.
IMPORT_BAR, EXPORT_BAR = Bar("≥", 20_000, is_goal=True), Bar("≥", 30_000, is_goal=True)


class Run(NamedTuple):
    """Of a whole command, of which its start is a part: seconds of the clock, and of CPU time."""

    wall: float
    python: float
    database: float


def measure_imports(server_url: str, *, rounds: int, seconds: float) -> Table:
    """Medians of `rounds` turns. Each has a new file, whose customers differ."""
    imports, exports = [], []
    with prepared(VARIANT, server_url, "bench_imports", CUSTOMERS) as store, tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "customers.csv", Path(folder) / "exported.csv"
        for turn in range(rounds):
            write(source, turn)
            imports.append(run(store, "import_customers", source))
            exports.append(run(store, "export_customers", target))
    exported = [CUSTOMERS + ROWS * (turn + 1) for turn in range(rounds)]
    table = Table("import and export of CSV", "customers a second", "µs of Python", "µs of the database")
    add(table, "import", imports, [ROWS] * rounds, IMPORT_BAR)
    add(table, "export", exports, exported, EXPORT_BAR)
    return table


def add(table: Table, title: str, runs: list[Run], numbers: list[int], bar: Bar) -> None:
    """`numbers`: of the customers of each run."""
    both = list(zip(runs, numbers, strict=True))
    rate = median(number / each.wall for each, number in both)
    spent = [median(1e6 * each[part] / number for each, number in both) for part in (1, 2)]
    table.add(title, [rate, *spent], ",.0f", [bar, None, None])


def run(store: Store, command: str, file: Path) -> Run:
    def now() -> Run:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return Run(time.perf_counter(), used.ru_utime + used.ru_stime, cpu_seconds_of(store.postmaster))

    before = now()
    output = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run([sys.executable, "manage.py", command, str(file)], env=store.environment, check=True, **output)
    return Run(*(after - former for after, former in zip(now(), before, strict=True)))


def write(path: Path, turn: int) -> None:
    """Customers as the API is given them, with an address, tags and metadata: names, cities, phone numbers and streets
    are as different as in life, and some have letters that are not ASCII."""
    choose = random.Random(SEED + turn)
    first, last, cities, streets = ([word(choose) for _ in range(number)] for number in (3_000, 20_000, 5_000, 9_000))
    (address,) = CUSTOMER["addresses"]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        rest = ["language", "accepts_marketing", *(f"address_{name}" for name in address)]
        metadata = [f"metadata.{name}" for name in CUSTOMER["metadata"]]
        writer.writerow(["email", "tags", "first_name", "last_name", "phone_number", *rest, *metadata])
        for number in range(ROWS):
            name = [choose.choice(first) + "é" * (number % 20 == 0), choose.choice(last)]
            phone_number = f"+120255501{choose.randrange(100):02}"
            place = {
                "first_name": name[0],
                "last_name": name[1],
                "line1": f"{choose.randrange(1, 999)} {choose.choice(streets)} Street",
                "line4": choose.choice(cities),
                "postcode": f"{choose.randrange(100_000):05}",
                "phone_number": phone_number,
            }
            tags = ",".join(choose.sample(("newsletter", "vip", "wholesale", "returning"), number % 3))
            person = [f"row-{turn}-{number}@example.net", tags, *name, phone_number, "en", number % 2 == 0]
            writer.writerow([*person, *(address | place).values(), *CUSTOMER["metadata"].values()])


def word(choose: random.Random) -> str:
    """A name that can be pronounced."""
    letters = (choose.choice("bcdfghklmnprstvz") + choose.choice("aeiou") for _ in range(choose.randrange(2, 6)))
    return "".join(letters).capitalize()
