"""What the figures are made of: times, targets, and rows of the table."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

ENOUGH = 20  # calls, from which on one can say what the slowest in twenty take

if TYPE_CHECKING:
    from tests.pool.pool import TestPool


@dataclass(frozen=True)
class Times:
    """How long each of some calls took, in seconds."""

    seconds: tuple[float, ...]

    @classmethod
    def of(cls, rounds: Sequence[Sequence[float]]) -> Times:
        return cls(tuple(second for one in rounds for second in one))

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def p95(self) -> float:
        return sorted(self.seconds)[int(0.95 * (len(self.seconds) - 1))]


@dataclass(frozen=True)
class Row:
    """One figure. `limit` is what is to be reached: at most, or (`more_is_better`) at least."""

    name: str
    ours: float
    unit: str
    target: str
    limit: float | None
    p95: float | None = None
    peer: float | None = None
    more_is_better: bool = False
    note: str = ""
    skipped: str = ""  # why it could not be measured here; `ours` means nothing then

    @property
    def reached(self) -> bool:
        if self.limit is None or self.skipped:
            return True
        return self.ours >= self.limit if self.more_is_better else self.ours <= self.limit

    @property
    def verdict(self) -> str:
        if self.skipped:
            return f"SKIPPED: {self.skipped}"
        if self.limit is None:
            return ""
        return "reached" if self.reached else "NOT reached"

    @property
    def ratio(self) -> float | None:
        return self.ours / self.peer if self.peer else None


def not_measured(name: str, why: str) -> Row:
    return Row(name, 0.0, "", "", None, skipped=why)


def per_second(
    name: str, rate: float, at_least: float, *, unit: str = "1/s", peer: float | None = None, note: str = ""
) -> Row:
    target = f">= {at_least:,.0f}/s".replace(",", " ")
    return Row(name, rate, unit, target, at_least, peer=peer, more_is_better=True, note=note)


def in_milliseconds(
    name: str, ours: Times, *, peer: Times | None = None, below_ms: float | None = None
) -> Row:
    """The target is the peer's median, or a number of milliseconds where one is given. Few calls: no p95."""
    peer_ms = peer.median * 1e3 if peer else None
    limit = below_ms if below_ms is not None else peer_ms
    target = f"< {below_ms:g} ms" if below_ms is not None else ("<= peer" if peer else "")
    p95 = ours.p95 * 1e3 if len(ours.seconds) >= ENOUGH else None
    return Row(name, ours.median * 1e3, "ms", target, limit, p95=p95, peer=peer_ms)


def slowest(by_query: Mapping[str, Sequence[float]]) -> str:
    """What a p95 over all queries does not show. In seconds: how long each call of a query took."""
    times = {query or "no filter": Times(tuple(seconds)) for query, seconds in by_query.items()}
    slow = sorted(times, key=lambda query: -times[query].median)[:3]
    medians = "; ".join(f"{query} {times[query].median * 1e3:.0f} ms" for query in slow)
    worst = max(times, key=lambda query: times[query].p95)
    calls = len(times[worst].seconds)
    p95 = f"{worst} {times[worst].p95 * 1e3:.0f} ms, of {calls} calls"
    return f"medians of the slowest: {medians}; the worst p95 of a single query: {p95}"


@dataclass(frozen=True)
class Size:
    """How much to measure."""

    quick: bool

    def __call__(self, full: int, quick: int) -> int:
        return quick if self.quick else full


class Skipped(Exception):
    """This machine cannot measure the figure; the text says why."""


@dataclass(frozen=True)
class Bench:
    """What a figure gets: how much to measure, a folder that goes away afterwards, and a real HTCondor pool,
    which is started when a figure first asks for it and which all share."""

    size: Size
    folder: Path
    say: Callable[[str], None]
    pool: Callable[[], TestPool]


Round = Callable[[int], Sequence[float]]


def alternate(rounds: int, *contenders: Round) -> tuple[Times, ...]:
    """Each contender runs round after round, taking turns, so that a busy machine is busy for all of them."""
    collected: list[list[Sequence[float]]] = [[] for _ in contenders]
    for number in range(rounds):
        for contender, times in zip(contenders, collected, strict=True):
            times.append(contender(number))
    return tuple(Times.of(times) for times in collected)
