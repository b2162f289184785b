"""create_job() and save(): one by one, and in bulk."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.home import Home
from benchmarks.measure import Bench, Row, per_second


def measure(bench: Bench) -> Iterator[Row]:
    count = bench.size(5_000, 1_000)
    with Home(bench.folder / "home") as ours:
        single = sum(ours.call("create", count=count))
        yield per_second("create_job() + save(), SQLite", count / single, 1_000)
        bulk = ours.call("create_in_bulk", count=10 * count)
        yield per_second("the same in bulk", 10 * count / bulk, 5_000)
