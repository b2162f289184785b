"""From the end of a slice, by the clock of the node, to the row that says so: with the follower, and with the
tick only. Nobody watches: no browser, no callback. (All of the pool's hosts have this machine's clock.)"""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import peer_condor
from benchmarks.home import Home
from benchmarks.measure import Bench, Row, Times

WAYS = (("the follower", True, 1.0), ("the tick only", False, 5.0))


def measure(bench: Bench) -> Iterator[Row]:
    pool, count = bench.pool(), bench.size(48, 16)
    for name, follows, limit in WAYS:
        bench.say(f"{count} jobs end, seen by {name} ...")
        with Home(bench.folder / str(follows)) as home:
            home.enrol(pool)
            took = Times(tuple(home.call("on_pool:news", count=count, follows=follows)))
        note = (
            f"median {took.median * 1e3:.0f} ms; with HTCondor's own time to bring results back and to log "
            "the end"
        )
        peer_condor.clear(pool)
        what = f"end of a slice to its row, {name}: p95"
        yield Row(what, took.p95, "s", f"< {limit:g} s", limit, note=note)
