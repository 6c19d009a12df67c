"""How many authorization codes are exchanged for tokens."""

from collections.abc import Iterator
from statistics import median

from tests.bench import load
from tests.bench.report import CORES, Bar, Table
from tests.bench.serving import STORE, Variant, prepared, served

VARIANT = Variant(STORE, "config.settings", "tests.bench.apps")
PER_CORE_BAR = Bar("≥", 100)
MOST_PER_SECOND = 1_000


def measure_exchanges(server_url: str, *, rounds: int, seconds: float) -> Table:
    total = int(MOST_PER_SECOND * (rounds * seconds + load.WARM_UP))
    with prepared(VARIANT, server_url, "bench_apps", total) as store, served(VARIANT, store) as server:
        run = server.traffic(exchanges)
        results = load.interleaved({"exchange": run}, rounds=rounds, seconds=seconds)["exchange"]
    table = Table("token requests per second", "exchange a code")
    rate = median(result.rate for result in results)
    table.add("this project", [rate], ",.0f")
    table.add("per core", [rate / CORES], ",.0f", [PER_CORE_BAR])
    return table


def exchanges(bodies: list[str], _: list[dict]) -> Iterator[bytes]:
    """Each code once."""
    for body in bodies:
        lines = [
            "POST /oauth2/token/ HTTP/1.1",
            "Host: 127.0.0.1",
            "Content-Type: application/x-www-form-urlencoded",
            f"Content-Length: {len(body)}",
        ]
        yield "\r\n".join([*lines, "", body]).encode()
