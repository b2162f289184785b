"""One attempt, while a batch of events is written into it; or many that stand alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from jobs_app import states
from jobs_app.pools.base import Event
from jobs_app.states import Counts

from . import workflow
from .blocks import COLUMNS, SIZE, Block
from .work import Work

Key = tuple[str, int]  # a step, and the first slice of a block


class Member(NamedTuple):
    token: str
    attempt_id: int
    job_id: int


@dataclass
class Sheet:
    """What stands in the rows of an attempt and its job, and what happened to it.

    One sheet stands for many attempts if their rows say the same and the same happened to them: the thousand
    jobs that a pool started in one second are worked out once. `members` names them all.
    """

    members: list[Member]
    events: Sequence[Event]
    number: int
    phase: str
    reason: str
    paused: bool
    work: Work
    started: datetime | None
    failure: tuple[int | None, int | None] | None  # exit code and signal of the first slice that failed
    status: str
    message: str
    blocks: dict[Key, Block] = field(default_factory=dict)
    unread: list[tuple[str, list[int]]] = field(default_factory=list)  # the other blocks' counts
    hold: Event | None = None
    removal: str = ""  # why a slice was removed
    finished: Event | None = None
    requests: list[Event] = field(default_factory=list)
    tried_again: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.began = (self.phase, self.reason, self.started, None, *(self.failure or (None, None)))

    @property
    def only(self) -> Member:
        """Of a sheet that can stand for one attempt only: what it says names the job."""
        (member,) = self.members
        return member

    @property
    def job_ids(self) -> list[int]:
        return [member.job_id for member in self.members]

    @property
    def attempt_ids(self) -> list[int]:
        return [member.attempt_id for member in self.members]

    def apply(self, event: Event, table: bytes) -> None:
        first = event.slice - event.slice % SIZE
        if event.count == 1:
            if block := self.blocks.get((event.step, first)):
                block.apply_one(table, event.slice)
            return
        for start in range(first, event.slice + event.count, SIZE):
            if block := self.blocks.get((event.step, start)):
                block.apply(table, event.slice, event.slice + event.count)

    def counts(self) -> dict[str, Counts]:
        """Of each step, in order."""
        found: dict[str, list[Sequence[int]]] = {step.name: [] for step in self.work.steps}
        for (step, _), block in self.blocks.items():
            found[step].append(block.counts())
        for step, numbers in self.unread:
            found[step].append(numbers)
        return {step: add(rows) for step, rows in found.items()}


def add(rows: Sequence[Sequence[int]]) -> Counts:
    return Counts(*map(sum, zip(*rows, strict=True))) if rows else Counts()


def counted(work: Work, counts: dict[str, Counts]) -> Counts:
    """What the user sees as the job's slices."""
    if work.counted:
        return counts[work.counted]
    return sum_of(counts.values())


def sum_of(counts: Iterable[Counts]) -> Counts:
    return add([tuple(getattr(one, name) for name in COLUMNS) for one in counts])


def job_status(sheet: Sheet, counts: dict[str, Counts]) -> str:
    """The job's state while its attempt is on the pool; only `finish` makes it a final one."""
    reached = sum_of(_reached(sheet.work, counts))
    if sheet.work.graph and (reached.held or sheet.paused):
        reached = replace(reached, waiting=reached.waiting - _blocked(sheet))
    if reached.total == reached.ended:
        return sheet.status if sheet.status == "VAR" else "RUN"
    return states.job_state(reached, independent=sheet.work.independent, hold_is_ours=sheet.paused)


def _blocked(sheet: Sheet) -> int:
    """Slices of a workflow that wait for other nodes; of a very large one it is not worked out."""
    known = b"".join(bytes(sheet.blocks[key].states) for key in sorted(sheet.blocks))
    return workflow.blocked(workflow.places(sheet.work), known) if len(known) == sheet.work.slices else 0


def _reached(work: Work, counts: dict[str, Counts]) -> list[Counts]:
    """The steps that have begun: what waits for an earlier step of its script says nothing of the job."""
    reached = []
    for step in work.steps:
        reached.append(counts[step.name])
        if counts[step.name].ended < counts[step.name].total:
            break
    return reached
