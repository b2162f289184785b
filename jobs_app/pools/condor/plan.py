"""Which proc of a cluster is which slice. Written beside the submit description, before anything is sent."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..base import Garbled, Step, Task


@dataclass(frozen=True)
class Run:
    """Slices of a step that lie next to each other, each a proc."""

    step: str
    first: int
    count: int


@dataclass(frozen=True)
class Share:
    """The procs of one attempt: a slice each, or one that runs all of a script."""

    attempt: str
    slices: int  # of the step that runs as procs, with those that were done before
    runs: tuple[Run, ...]
    whole: bool = False

    @property
    def procs(self) -> int:
        return 1 if self.whole else sum(run.count for run in self.runs)

    def place(self, number: int) -> Run:
        """What a proc stands for. One that runs a whole script stands for its first step while it runs."""
        if self.whole:
            return self.runs[0]
        for run in self.runs:
            if number < run.count:
                return Run(run.step, run.first + number, 1)
            number -= run.count
        raise Garbled(f"Attempt {self.attempt} has no such proc.")


def share_of(task: Task) -> Share:
    slices = sum(step.slices for step in task.steps)
    if task.script:
        whole = tuple(Run(step.name, 0, step.slices) for step in task.steps)
        return Share(task.attempt, slices, whole, whole=True)
    return Share(task.attempt, slices, tuple(run for step in task.steps for run in _to_do(step, task)))


def _to_do(step: Step, task: Task) -> Iterator[Run]:
    """What was not done before."""
    begin = 0
    for first, count in sorted((first, count) for name, first, count in task.done if name == step.name):
        if first > begin:
            yield Run(step.name, begin, first - begin)
        begin = first + count
    if begin < step.slices:
        yield Run(step.name, begin, step.slices - begin)


class ClusterPlan:
    """The shares of one cluster, in the order of its procs."""

    def __init__(self, shares: Sequence[Share]) -> None:
        self.shares = tuple(shares)
        self._first = [0]
        for share in self.shares:
            self._first.append(self._first[-1] + share.procs)

    @property
    def procs(self) -> int:
        return self._first[-1]

    def locate(self, proc: int) -> tuple[Share, int]:
        """The share that a proc belongs to, and its number within it."""
        if not 0 <= proc < self.procs:
            raise Garbled(f"The event log names proc {proc} of a cluster of {self.procs}.")
        index = bisect_right(self._first, proc) - 1
        return self.shares[index], proc - self._first[index]


def to_json(plans: Sequence[ClusterPlan]) -> bytes:
    listed = [[_listed(share) for share in plan.shares] for plan in plans]
    return json.dumps({"version": 1, "clusters": listed}).encode()


def _listed(share: Share) -> list[object]:
    return [
        share.attempt,
        share.slices,
        share.whole,
        [[run.step, run.first, run.count] for run in share.runs],
    ]


def from_json(data: bytes) -> tuple[ClusterPlan, ...]:
    try:
        clusters = json.loads(data)["clusters"]
        return tuple(ClusterPlan([_share(*share) for share in shares]) for shares in clusters)
    except (ValueError, KeyError, TypeError) as error:
        raise Garbled(f"A batch's plan cannot be read ({error}): {data[:200]!r}") from error


def _share(attempt: str, slices: int, whole: bool, runs: Sequence[tuple[str, int, int]]) -> Share:
    return Share(attempt, slices, tuple(Run(*run) for run in runs), whole)
