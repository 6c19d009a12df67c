"""How many authorization codes, and how many refresh tokens, are exchanged for tokens."""

from collections.abc import Iterator
from statistics import median

from tests.bench import load
from tests.bench.report import CORES, Bar, Table
from tests.bench.serving import STORE, Variant, prepared, served

VARIANT = Variant(STORE, "config.settings", "tests.bench.apps")
PER_CORE_BAR = Bar("≥", 120)
MOST_PER_SECOND = 1_000


def measure_exchanges(server_url: str, *, rounds: int, seconds: float) -> list[Table]:
    total = int(MOST_PER_SECOND * (rounds * seconds + load.WARM_UP))
    with prepared(VARIANT, server_url, "bench_apps", total) as store, served(VARIANT, store) as server:
        traffic = {"exchange": server.traffic(exchanges), "refresh": server.traffic(refreshes)}
        results = load.interleaved(traffic, rounds=rounds, seconds=seconds)
    rates = Table("token requests per second", "exchange a code", "refresh")
    values = [median(result.rate for result in results[name]) for name in traffic]
    rates.add("this project", values, ",.0f")
    rates.add("per core", [rate / CORES for rate in values], ",.0f", [PER_CORE_BAR] * 2)
    seconds_of_cpu = [median(sum(run.cpu_of_request) for run in results[name]) / 1e6 for name in traffic]
    rates.add("per second of CPU time", [1 / each for each in seconds_of_cpu], ",.0f", [PER_CORE_BAR] * 2)
    spent = Table("µs of CPU time per token request: median (lowest to highest)", "exchange a code", "refresh")
    for part in load.Cpu._fields:
        spent.add_spread(
            part, [[getattr(run.cpu_of_request, part) for run in results[name]] for name in traffic], ",.0f"
        )
    return [rates, spent]


def exchanges(bodies: list[str], _: list[dict]) -> Iterator[bytes]:
    """Each code once."""
    return map(token_request, bodies)


def refreshes(_: list[str], bodies: list[dict]) -> Iterator[bytes]:
    """Each refresh token once."""
    return (token_request(each["body"]) for each in bodies)


def token_request(body: str) -> bytes:
    lines = [
        "POST /oauth2/token/ HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join([*lines, "", body]).encode()
