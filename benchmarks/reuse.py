"""build() that finds the finished job: with a thousand jobs there, and with a million."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import million
from benchmarks.home import Home
from benchmarks.measure import Bench, Row, Times, alternate, in_milliseconds
from benchmarks.peer_exax import Exax

THOUSAND = range(1_000, 2_000)
MANY = range(100_000, 120_000)  # as many as exax can be given without waiting for minutes


def measure(bench: Bench) -> Iterator[Row]:
    peer = Exax(bench.folder / "exax", slices=2)
    with Home(bench.folder / "home") as ours, peer.server():
        bench.say("building 1 000 jobs with each ...")
        ours.call("build", method="trivial", xs=list(THOUSAND))
        peer.build("trivial", THOUSAND)
        yield _thousand(bench, ours, peer)
    peer_at_many = _peer_with_many(bench, peer)
    with million.home(bench.say) as ours:
        yield _million(bench, ours, peer_at_many)


def _thousand(bench: Bench, ours: Home, peer: Exax) -> Row:
    rounds, calls = bench.size(5, 2), bench.size(200, 100)
    spread = THOUSAND[:: len(THOUSAND) // calls]
    times = alternate(
        rounds,
        lambda _: ours.call("build", method="trivial", xs=list(spread)),
        lambda _: peer.build("trivial", spread),
    )
    return in_milliseconds("build() that reuses, 1 000 jobs there", times[0], peer=times[1])


def _peer_with_many(bench: Bench, peer: Exax) -> Times | None:
    if bench.size.quick:
        return None
    bench.say("cloning 20 000 jobs for exax ...")
    peer.clone("dev-1", MANY)
    with peer.server():
        return Times.of([peer.build("trivial", MANY[::200]) for _ in range(3)])


def _million(bench: Bench, ours: Home, peer: Times | None) -> Row:
    rounds = [ours.call("build", method="trivial", xs=list(million.XS)) for _ in range(bench.size(5, 2))]
    name = "build() that reuses, 1 000 000 jobs there (exax: 20 000)"
    return in_milliseconds(name, Times.of(rounds), peer=peer, below_ms=5)
