"""Input that has broken servers: one value for each kind of trouble."""

HUGE = 10**30
# Values of JSON.
HOSTILE_VALUES: list = [
    None, "", -1, HUGE, float("inf"), [None], [{}], {"a": {"b": [1e300]}}, "a\0b", "\ud800", {"\ud800": "\0"},
    "x" * 100_000, "İ" * 255, "%s %(x)s {0} {}",
]  # fmt: skip
QUERY_VALUES = [
    "\0", "%ff", "x" * 5_000, "-1", "9" * 5_000, "NaN", "²", "[]", "2026-02-30", "0001-01-01", "10000-01-01", "'",
    "\u2028",
]  # fmt: skip
CHARSETS = ["utf-7", "utf-16", "hex", "zlib", "idna", "undefined", "nothing", "''"]
