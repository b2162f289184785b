"""create_job() and save(): one by one, and in bulk."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.home import Home
from benchmarks.measure import Bench, Row


def measure(bench: Bench) -> Iterator[Row]:
    count = bench.size(5_000, 1_000)
    with Home(bench.folder / "home") as ours:
        single = sum(ours.call("create", count=count))
        yield _rate("create_job() + save(), SQLite", count / single, 1_000)
        bulk = ours.call("create_in_bulk", count=10 * count)
        yield _rate("the same in bulk", 10 * count / bulk, 5_000)


def _rate(name: str, rate: float, limit: float) -> Row:
    return Row(name, rate, "1/s", f">= {limit:,.0f}/s".replace(",", " "), limit, more_is_better=True)
