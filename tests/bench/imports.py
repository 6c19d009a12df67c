"""How many customers of a file are brought in, beside how many the API creates on the same machine at the same time."""

import csv
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from tests.bench import load
from tests.bench.comparison import CUSTOMERS, OURS, VARIANTS
from tests.bench.report import Bar, Table
from tests.bench.serving import Store, prepared, served
from tests.bench.traffic import CUSTOMER, creates

VARIANT = VARIANTS[OURS]
ROWS = 100_000
BAR = Bar("≥", 20)  # times as many as the API creates


def measure_imports(server_url: str, *, rounds: int, seconds: float) -> Table:
    with prepared(VARIANT, server_url, "bench_imports", CUSTOMERS) as store:
        with served(VARIANT, store) as server:
            results = load.interleaved({"create": server.traffic(creates)}, rounds=rounds, seconds=seconds)
        created = median(result.rate for result in results["create"])
        imported = ROWS / time_of_import(store)
    table = Table("customers per second", "created by the API", "brought in from a file")
    table.add("this project", [created, imported], ",.0f")
    table.add("a file ÷ the API", [1, imported / created], ",.1f", [None, BAR])
    return table


def time_of_import(store: Store) -> float:
    """Seconds for the whole command, of which its start is a part."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "customers.csv"
        write(path)
        began = time.perf_counter()
        command = [sys.executable, "manage.py", "import_customers", str(path)]
        subprocess.run(command, env=store.environment, check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - began


def write(path: Path) -> None:
    """Customers as the API is given them: each with an address, tags and metadata."""
    (address,) = CUSTOMER["addresses"]
    person = {name: value for name, value in CUSTOMER.items() if name not in ("email", "addresses", "tags", "metadata")}
    named = {**person, **{f"address_{name}": value for name, value in address.items()}}
    metadata = {f"metadata.{name}": value for name, value in CUSTOMER["metadata"].items()}
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["email", "tags", *named, *metadata])
        rest = [",".join(CUSTOMER["tags"]), *named.values(), *metadata.values()]
        writer.writerows([f"row-{number}@example.net", *rest] for number in range(ROWS))
