"""The slices of one step: a byte each, so that a million of them are a megabyte."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

from jobs_app.states import SliceState

ENDED = tuple(state for state in SliceState if state.ended)


class Stage:
    def __init__(self, name: str, slices: int) -> None:
        self.name = name
        self.states = bytearray(slices)
        self.counts = [0] * len(SliceState)
        self.counts[SliceState.WAITING] = slices
        self._none_waits_before = 0

    def load(self, states: bytes) -> None:
        self.states = bytearray(states)
        self.counts = [states.count(state) for state in SliceState]
        self._none_waits_before = 0

    def __len__(self) -> int:
        return len(self.states)

    def state(self, sliceno: int) -> SliceState:
        return SliceState(self.states[sliceno])

    def set(self, first: int, count: int, state: SliceState) -> None:
        before = self.states[first : first + count]
        for old in SliceState:
            self.counts[old] -= before.count(old)
        self.counts[state] += len(before)
        self.states[first : first + len(before)] = bytes([state]) * len(before)
        if state == SliceState.WAITING:
            self._none_waits_before = min(self._none_waits_before, first)

    def count(self, *states: SliceState) -> int:
        return sum(self.counts[state] for state in states)

    @property
    def ended(self) -> int:
        return self.count(*ENDED)

    @property
    def ended_well(self) -> bool:
        return self.count(SliceState.DONE, SliceState.SKIPPED) == len(self)

    def first_waiting(self) -> int | None:
        found = self.states.find(SliceState.WAITING, self._none_waits_before)
        self._none_waits_before = len(self) if found < 0 else found
        return None if found < 0 else found

    def runs(self, states: Iterable[SliceState], only: Iterable[int] = ()) -> Iterator[tuple[int, int]]:
        """(first, how many) of the slices in one of `states`, neighbours taken together."""
        wanted = frozenset(states)
        chosen = sorted(set(only))
        if chosen:
            yield from _neighbours(i for i in chosen if i < len(self) and self.states[i] in wanted)
            return
        for found in _pattern(wanted).finditer(bytes(self.states)):
            yield found.start(), found.end() - found.start()


@cache
def _pattern(states: frozenset[SliceState]) -> re.Pattern[bytes]:
    return re.compile(b"[" + b"".join(b"\\x%02x" % state for state in sorted(states)) + b"]+")


def _neighbours(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    first = count = 0
    for number in numbers:
        if count and number == first + count:
            count += 1
            continue
        if count:
            yield first, count
        first, count = number, 1
    if count:
        yield first, count
