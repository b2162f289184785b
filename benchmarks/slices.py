"""One job of 100 000 slices, from execute() until the pool has accepted it: all alike, and with a row of
arguments for each."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from benchmarks import peer_condor
from benchmarks.home import Home
from benchmarks.measure import Bench, Row

SLICES = 100_000


def measure(bench: Bench) -> Iterator[Row]:
    pool, rounds = bench.pool(), bench.size(5, 2)
    bench.say(f"{rounds} jobs of {SLICES} slices of each kind ...")
    with Home(bench.folder / "home") as home:
        home.enrol(pool)
        took = home.call("on_pool:submit_slices", count=SLICES, rounds=rounds)
    peer_condor.clear(pool)
    yield _row("one job of 100 000 slices, accepted", took["plain"], 0.5)
    yield _row("the same with arguments of their own", took["own"], 1.0)


def _row(name: str, seconds: list[float], limit: float) -> Row:
    return Row(name, statistics.median(seconds), "s", f"< {limit:g} s", limit)
