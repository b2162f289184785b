"""A thousand one-slice jobs, 20 ms away, from execute() until the pool has accepted the last one; beside a
condor_submit each on the access point (no SSH), and condorpy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from benchmarks import peer_condor
from benchmarks.home import Home
from benchmarks.measure import Bench, Row, per_second

JOBS = 1_000
ROUND_TRIP = 20  # milliseconds


def measure(bench: Bench) -> Iterator[Row]:
    pool = bench.pool()
    port = pool.slow(ROUND_TRIP).port
    bench.say(f"{JOBS} jobs of one slice ...")
    with Home(bench.folder / "home") as home:
        home.enrol(pool, port=port)
        each = home.call("on_pool:submit_many", count=JOBS, together=False)
        together = home.call("on_pool:submit_many", count=JOBS, together=True)
    peer_condor.clear(pool)
    alone, few = bench.size(100, 30), bench.size(10, 4)
    bench.say(f"{alone} by condor_submit, {few} by condorpy ...")
    disk = peer_condor.disk_seconds(pool, JOBS)
    one_by_one = alone / peer_condor.condor_submit(pool, alone)
    condorpy = peer_condor.condorpy(pool, port, bench.folder / "condorpy", few)
    peer_condor.clear(pool)
    note = (
        f"{_said(together)}. Peer: a condor_submit each on the access point, without SSH ({alone} of them); "
        f"condorpy {few / sum(condorpy['seconds']):.1f}/s ({few} of them)."
    )
    name = "1 000 jobs, 20 ms, execute to accepted"
    yield _rate(f"{name}: execute_jobs(jobs)", together["all"], 1_000, one_by_one, note)
    yield _rate(f"{name}: execute() of each", each["all"], None, one_by_one, _said(each))
    said = f"of it the disk of the access point takes {disk:.2f} s to unpack five files and folders a job"
    yield _rate("1 000 jobs, 20 ms, the send command alone", together["send"], 3_000, one_by_one, said)


def _rate(name: str, seconds: float, limit: float | None, peer: float, note: str = "") -> Row:
    row = per_second(name, JOBS / seconds, limit or 0, peer=peer, note=note)
    return row if limit else replace(row, limit=None, target="")


def _said(took: dict[str, float]) -> str:
    rest = took["all"] - took["execute"] - took["send"]
    return (
        f"executing {took['execute']:.2f} s, preparing and rows {rest:.2f} s, sending {took['send']:.2f} s "
        f"in {took['commands']} command(s)"
    )
