"""Which proc of a cluster is which slice. Written beside the submit description, before anything is sent."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from ..base import Garbled, Step


@dataclass(frozen=True)
class Share:
    """The procs of one attempt: a slice each, or one that runs all `steps` of a script."""

    attempt: str
    steps: tuple[Step, ...]
    whole: bool = False

    @property
    def procs(self) -> int:
        return 1 if self.whole else sum(step.slices for step in self.steps)


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
    listed = [
        [
            [share.attempt, share.whole, [[step.name, step.slices] for step in share.steps]]
            for share in plan.shares
        ]
        for plan in plans
    ]
    return json.dumps({"version": 1, "clusters": listed}).encode()


def from_json(data: bytes) -> tuple[ClusterPlan, ...]:
    try:
        return tuple(
            ClusterPlan([_share(*share) for share in shares]) for shares in json.loads(data)["clusters"]
        )
    except (ValueError, KeyError, TypeError) as error:
        raise Garbled(f"A batch's plan cannot be read ({error}): {data[:200]!r}") from error


def _share(attempt: str, whole: bool, steps: Sequence[tuple[str, int]]) -> Share:
    return Share(attempt, tuple(Step(name, slices) for name, slices in steps), whole)
