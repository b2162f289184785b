"""The slices' states of an attempt: one byte each, in rows of some thousand; and what events do to a byte.

An event is a table from the old state to the new one. States that have ended lead to themselves, so an event
that comes twice or late changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from jobs_app.models import Attempt, SliceBlock
from jobs_app.pools.base import Event, EventKind, Step
from jobs_app.states import Counts, SliceState

from .rows import insert_each, update_each

SIZE = SliceBlock.SIZE
S = SliceState
COLUMNS = tuple(state.name.lower() for state in S)


def _table(*pairs: tuple[S, S]) -> bytes:
    table = bytearray(range(256))
    for before, after in pairs:
        table[before] = after
    return bytes(table)


def _all_to(after: S, *before: S) -> bytes:
    return _table(*((state, after) for state in before or [state for state in S if not state.ended]))


_TABLES: dict[EventKind, bytes] = {
    EventKind.STARTED: _all_to(S.RUNNING),
    EventKind.EVICTED: _all_to(S.WAITING),
    EventKind.HELD: _all_to(S.HELD),
    EventKind.RELEASED: _all_to(S.WAITING, S.HELD),
    EventKind.REMOVED: _all_to(S.REMOVED),
    EventKind.SKIPPED: _all_to(S.SKIPPED),
    EventKind.SUSPENDED: _all_to(S.SUSPENDED, S.RUNNING),
    EventKind.RESUMED: _all_to(S.RUNNING, S.SUSPENDED),
}
DONE, FAILED, SKIPPED, AGAIN = (_all_to(state) for state in (S.DONE, S.FAILED, S.SKIPPED, S.WAITING))


def table_of(event: Event) -> bytes | None:
    """What the event does to a slice; None if it is not about slices."""
    if event.kind != EventKind.ENDED:
        return _TABLES.get(event.kind)
    if event.will_retry:  # however it ended: its pool has it in its queue again
        return AGAIN
    return DONE if ended_well(event) else FAILED


def ended_well(event: Event) -> bool:
    return event.exit_code == 0 and not event.signal


class Block:
    """One row, as it is being changed; or several rows that are alike, and stay so."""

    __slots__ = ("changed", "first", "pks", "states", "step")

    def __init__(self, pk: int, step: str, first: int, states: bytes | memoryview) -> None:
        self.pks = [pk]
        self.step = step
        self.first = first
        self.states = bytearray(states)
        self.changed = False

    def apply(self, table: bytes, first: int, end: int) -> None:
        """`first` and `end` are slices' numbers; what lies outside this block is left out."""
        start, stop = max(first - self.first, 0), min(end - self.first, len(self.states))
        before = self.states[start:stop]
        after = before.translate(table)
        if after != before:
            self.states[start:stop] = after
            self.changed = True

    def apply_one(self, table: bytes, number: int) -> None:
        index = number - self.first
        before = self.states[index]
        after = table[before]
        if after != before:
            self.states[index] = after
            self.changed = True

    def take_over(self, told: bytes) -> None:
        """`told`: the states of all slices of the step. What has ended stays as it is."""
        there = told[self.first : self.first + len(self.states)]
        for index, (mine, theirs) in enumerate(zip(self.states, there, strict=False)):
            if mine != theirs and not SliceState(mine).ended:
                self.states[index] = theirs
                self.changed = True

    def counts(self) -> list[int]:
        return [self.states.count(state) for state in S]


def create(attempt: Attempt, steps: Iterable[Step], former: dict[str, bytes] | None = None) -> None:
    """The rows of a new attempt; `former`: states that it inherits, step by step."""
    rows = [row for step in steps for row in _rows(step, (former or {}).get(step.name))]
    SliceBlock.objects.bulk_create([SliceBlock(attempt=attempt, **row) for row in rows], batch_size=100)


def create_all(attempts: Mapping[tuple[Step, ...], Sequence[int]]) -> None:
    """The same for many new attempts, by their steps."""
    names = ("step", "first", "states", *COLUMNS)
    rows = ((row, ids) for steps, ids in attempts.items() for step in steps for row in _rows(step, None))
    insert_each(SliceBlock, names, "attempt", [([row[name] for name in names], ids) for row, ids in rows])


def _rows(step: Step, former: bytes | None) -> Iterator[dict[str, Any]]:
    states = former if former is not None else bytes(step.slices)
    for first in range(0, step.slices, SIZE):
        part = states[first : first + SIZE]
        counts = {name: part.count(state) for name, state in zip(COLUMNS, S, strict=True)}
        yield {"step": step.name, "first": first, "states": part, **counts}


def save(blocks: Iterable[Block]) -> None:
    changed = [block for block in blocks if block.changed]
    rows = [((bytes(block.states), *block.counts()), block.pks) for block in changed]
    update_each(SliceBlock, ("states", *COLUMNS), rows)


def whole(attempt_id: int) -> dict[str, bytes]:
    """All states, step by step."""
    found: dict[str, bytearray] = {}
    rows = SliceBlock.objects.filter(attempt_id=attempt_id).order_by("step", "first")
    for step, states in rows.values_list("step", "states"):
        found.setdefault(step, bytearray()).extend(states)
    return {step: bytes(states) for step, states in found.items()}


def add(counts: Iterable[Counts]) -> Counts:
    rows = [tuple(getattr(one, name) for name in COLUMNS) for one in counts]
    return Counts(*(sum(column) for column in zip(*rows, strict=True))) if rows else Counts()
