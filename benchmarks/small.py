"""A small script job (three steps, two slices) on an idle pool beside a plain job, and a batch of 40 of them;
beside a DAG each, submitted by condor_submit_dag on the access point."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from benchmarks import peer_condor
from benchmarks.home import Home
from benchmarks.measure import Bench, Row

BATCH = 40
SLICES = 2


def measure(bench: Bench) -> Iterator[Row]:
    pool, rounds, dags = bench.pool(), bench.size(5, 2), bench.size(20, 5)
    with Home(bench.folder / "home") as home:
        home.enrol(pool)
        bench.say(f"{rounds} plain jobs and {rounds} small scripts one at a time; {BATCH} at once ...")
        took = home.call("on_pool:small", rounds=rounds, batch=BATCH, slices=SLICES)
    bench.say(f"one DAG, and {dags} DAGs ...")
    dag = peer_condor.condor_submit_dag(pool, 1, SLICES)
    many = peer_condor.condor_submit_dag(pool, dags, SLICES)
    plain, small = (statistics.median(took[name]) for name in ("plain", "small"))
    name = "small script job (3 steps, 2 slices) on an idle pool"
    note = f"a plain job takes {plain:.2f} s, of execute() to Complete; peer: one DAG"
    yield Row(name, small, "s", "<= 1.2 x a plain job", 1.2 * plain, peer=dag, note=note)
    note = f"peer: {dags} DAGs" + (f", scaled to {BATCH}" if dags != BATCH else "")
    name = f"{BATCH} small script jobs at once"
    yield Row(name, took["batch"], "s", "< 10 s", 10, peer=many * BATCH / dags, note=note)
