"""A thousand one-slice jobs, 20 ms away, from execute() until the pool has accepted the last one; beside a
condor_submit each on the access point (no SSH), and condorpy."""

from __future__ import annotations

from collections.abc import Iterator

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
        took = home.call("on_pool:submit_many", count=JOBS)
    peer_condor.clear(pool)
    alone, few = bench.size(100, 30), bench.size(10, 4)
    bench.say(f"{alone} by condor_submit, {few} by condorpy ...")
    one_by_one = alone / peer_condor.condor_submit(pool, alone)
    condorpy = peer_condor.condorpy(pool, port, bench.folder / "condorpy", few)
    peer_condor.clear(pool)
    note = (
        f"execute() of all {took['execute']:.2f} s, preparing and rows {_rest(took):.2f} s, the pool's send "
        f"{took['send']:.2f} s in {len(took['commands'])} commands. Peer: one condor_submit each on the "
        f"access point, without SSH ({alone} of them); "
        f"condorpy {few / sum(condorpy['seconds']):.1f}/s ({few} of them)."
    )
    yield per_second(
        "1 000 jobs, 20 ms: execute() to accepted", JOBS / took["all"], 1_000, peer=one_by_one, note=note
    )
    yield per_second("1 000 jobs, 20 ms: the send command alone", JOBS / took["send"], 3_000, peer=one_by_one)


def _rest(took: dict[str, float]) -> float:
    return took["all"] - took["execute"] - took["send"]
