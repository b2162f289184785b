"""A job that was never built before, done: one step, and three steps over 2 and over 64 slices."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.home import Home
from benchmarks.measure import Bench, Row, alternate, in_milliseconds
from benchmarks.peer_exax import Exax

WARM_UP = range(5)


def measure(bench: Bench) -> Iterator[Row]:
    with Home(bench.folder / "home") as ours:
        for slices, methods in ((2, ("trivial", "steps")), (64, ("steps",))):
            peer = Exax(bench.folder / f"exax-{slices}", slices)
            with peer.server():
                for method in methods:
                    yield _case(bench, ours, peer, method, slices)


def _case(bench: Bench, ours: Home, peer: Exax, method: str, slices: int) -> Row:
    rounds, calls = bench.size(5, 2), bench.size(40, 15) // (4 if slices > 8 else 1)
    given = {} if method == "trivial" else {"slices": slices}
    bench.say(f"new {method}, {slices} slices: {rounds} rounds of {calls} jobs with each ...")
    ours.call("build", method=method, xs=list(WARM_UP), **given)
    peer.build(method, WARM_UP)

    def numbers(number: int) -> list[int]:
        first = 10_000 * slices + number * calls
        return list(range(first, first + calls))

    times = alternate(
        rounds,
        lambda number: ours.call("build", method=method, xs=numbers(number), **given),
        lambda number: peer.build(method, numbers(number)),
    )
    name = "new trivial job" if method == "trivial" else f"new three-step job, {slices} slices"
    return in_milliseconds(name, times[0], peer=times[1])
