"""What it costs to know where 10 000 active jobs stand, when some of them move: commands over SSH, and the
courier's own time with many and with few jobs on the pool."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from benchmarks.home import Home
from benchmarks.measure import Bench, Row

MANY, FEW = 10_000, 200
CHANGED = 20  # jobs that start between two looks


def measure(bench: Bench) -> Iterator[Row]:
    pool, rounds = bench.pool(), bench.size(9, 5)
    took = {}
    for count in (MANY, FEW):
        bench.say(f"{CHANGED} of {count} active jobs move, {rounds} times ...")
        with Home(bench.folder / str(count)) as home:
            root = home.enrol(pool)
            took[count] = home.call(
                "recorded:refresh", root=str(root), count=count, changed=CHANGED, rounds=rounds
            )
    many, few = (statistics.median(took[count]["seconds"]) * 1e3 for count in (MANY, FEW))
    commands = took[MANY]["commands"] / rounds
    name = "refresh of 10 000 active jobs (peer: condorpy)"
    note = (
        "what has changed comes over the one channel that stays open; condorpy logs in for each job and asks."
    )
    yield Row(f"{name}: commands over SSH", commands, "", "<= 1", 1, peer=float(MANY), note=note)
    what = f"the courier's CPU until {CHANGED} jobs that started are recorded; peer: ours, {FEW} active jobs"
    name = "cost grows with the changes, not with the jobs"
    yield Row(name, many, "ms", "<= 2 x", 2 * few, peer=few, note=what)
