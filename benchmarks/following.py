"""The memory of a courier that follows a million slices: an event log of full size, and real ones."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import peer_condor
from benchmarks.home import Home
from benchmarks.measure import Bench, Row

ENOUGH = 300  # MB


def measure(bench: Bench) -> Iterator[Row]:
    pool = bench.pool()
    written, real = bench.size(1_000_000, 100_000), bench.size(10_000, 1_000)
    with Home(bench.folder / "written") as home:
        root = home.enrol(pool)
        bench.say(f"a job of {written:,} slices, as it would be logged ...")
        took = home.call("recorded:follow_many", root=str(root), slices=written)
    rate = _spaced(round(3 * written / took["seconds"]))
    note = (
        f"{took['bytes'] / 1e9:.2f} GB of log in {took['seconds']:.0f} s, {rate} events/s from log to rows; "
        f"before it {took['before']:.0f} MB"
    )
    yield _row(f"memory of a courier, {_spaced(written)} slices followed", took["peak"], note)
    with Home(bench.folder / "real") as home:
        home.enrol(pool)
        bench.say(f"{real:,} real slices, submitted and removed ...")
        peak = home.call("on_pool:follow_real", slices=real)
    peer_condor.clear(pool)
    yield _row(f"the same, {_spaced(real)} real slices submitted and removed", peak, "")


def _row(name: str, peak: float, note: str) -> Row:
    return Row(name, peak, "MB", f"< {ENOUGH} MB", ENOUGH, note=note)


def _spaced(number: int) -> str:
    return f"{number:,}".replace(",", " ")
