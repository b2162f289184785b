"""One job with two files, 20 ms away: logins and commands until the pool has accepted it, beside condorpy."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any

from benchmarks import peer_condor
from benchmarks.home import Home
from benchmarks.measure import Bench, Row

ROUND_TRIP = 20  # milliseconds


def measure(bench: Bench) -> Iterator[Row]:
    pool, rounds = bench.pool(), bench.size(10, 4)
    log = peer_condor.sshd_log(pool)
    measured: Measured = {}
    for milliseconds in (ROUND_TRIP, 0):
        bench.say(f"{rounds} jobs with two files, {milliseconds} ms away ...")
        port = pool.slow(milliseconds).port
        folder = bench.folder / str(milliseconds)
        with Home(folder) as home:
            home.enrol(pool, port=port)
            mine = home.call("on_pool:submit_one", rounds=rounds, log=str(log), folder=str(folder))
        before = pool.logins()
        peer = peer_condor.condorpy(pool, port, bench.folder / f"condorpy-{milliseconds}", rounds)
        measured[milliseconds] = (mine, {**peer, "logins": pool.logins() - before})
    peer_condor.clear(pool)
    yield from _rows(measured, rounds)


Measured = dict[int, tuple[dict[str, Any], dict[str, Any]]]  # by the round trip: ours, and the peer's


def _rows(measured: Measured, rounds: int) -> Iterator[Row]:
    mine, peer = measured[ROUND_TRIP]
    what = "1 job with 2 files, 20 ms (peer: condorpy)"
    yield Row(f"{what}: SSH logins", mine["logins"] / rounds, "", "0", 0, peer=peer["logins"] / rounds)
    channels, requests = (peer[name] / rounds for name in ("channels", "requests"))
    note = (
        f"a command is a channel; condorpy sends {requests:.0f} requests over SFTP in one of {channels:.0f}, "
        "each of them waits for its answer. Round trips, by the difference to no delay: "
        f"ours {_round_trips(measured, 0):.0f}, condorpy {_round_trips(measured, 1):.0f}."
    )
    yield Row(f"{what}: commands", max(mine["commands"]), "", "<= 3", 3, peer=channels, note=note)
    ours_ms, peer_ms = (1e3 * statistics.median(each["seconds"]) for each in (mine, peer))
    yield Row(f"{what}: time", ours_ms, "ms", "<= peer", peer_ms, peer=peer_ms)


def _round_trips(measured: Measured, who: int) -> float:
    far, near = (statistics.median(measured[way][who]["seconds"]) for way in (ROUND_TRIP, 0))
    return float(far - near) * 1e3 / ROUND_TRIP
