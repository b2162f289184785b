"""Which proc of a cluster is which slice. Written beside the submit description, before anything is sent.

The clusters of a sending are its groups, by number: first those that it submits itself, then those that its
DAGs submit. A DAGMan is a cluster too (`lead`); `unit` of a node's cluster is its DAGMan's group.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

from ..base import Garbled, Step, Task

LARGEST = 64 << 20  # bytes
MOST_SLICES = 10_000_000


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
    recorded: bool = False  # how a proc ended stands in its record, not in its exit code

    @property
    def procs(self) -> int:
        return 1 if self.whole else self._before[-1]

    def place(self, number: int) -> Run:
        """What a proc stands for. One that runs a whole script stands for its first step while it runs."""
        if self.whole:
            return self.runs[0]
        if not 0 <= number < self._before[-1]:
            raise Garbled(f"Attempt {self.attempt} has no such proc.")
        index = bisect_right(self._before, number) - 1
        run = self.runs[index]
        return Run(run.step, run.first + number - self._before[index], 1)

    @cached_property
    def _before(self) -> list[int]:
        """How many procs there are before each run: a rerun of every second slice has very many runs."""
        return list(accumulate((run.count for run in self.runs), initial=0))


def share_of(task: Task) -> Share:
    slices = sum(step.slices for step in task.steps)
    if task.script:
        whole = tuple(Run(step.name, 0, step.slices) for step in task.steps)
        return Share(task.attempt, slices, whole, whole=True)
    return Share(task.attempt, slices, tuple(run for step in task.steps for run in to_do(step, task)))


def to_do(step: Step, task: Task) -> tuple[Run, ...]:
    """What was not done before."""
    return tuple(_to_do(step, task))


def _to_do(step: Step, task: Task) -> Iterator[Run]:
    begin = 0
    for first, count in sorted((first, count) for name, first, count in task.done if name == step.name):
        if first > begin:
            yield Run(step.name, begin, first - begin)
        begin = first + count
    if begin < step.slices:
        yield Run(step.name, begin, step.slices - begin)


class ClusterPlan:
    """The shares of one cluster, in the order of its procs."""

    def __init__(
        self,
        shares: Sequence[Share],
        *,
        unit: int | None = None,
        retries: int = 0,
        lead: Sequence[str] = (),
        graph: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self.shares = tuple(shares)
        self.unit = unit  # of a node of a DAG: the group of its DAGMan
        self.retries = retries  # how often that DAGMan submits it again
        self.lead = tuple(lead)  # of a DAGMan: the attempts of its DAG
        self.graph = tuple(graph)  # of a workflow's DAGMan: its nodes
        self.nodes: Mapping[int, ClusterPlan] = {}  # of a DAGMan: by group; see `linked`
        self._first = [0]
        for share in self.shares:
            self._first.append(self._first[-1] + share.procs)

    @property
    def procs(self) -> int:
        return self._first[-1]

    @property
    def attempts(self) -> tuple[str, ...]:
        return self.lead or tuple(share.attempt for share in self.shares)

    def locate(self, proc: int) -> tuple[Share, int]:
        """The share that a proc belongs to, and its number within it."""
        if not 0 <= proc < self.procs:
            raise Garbled(f"The event log names proc {proc} of a cluster of {self.procs}.")
        index = bisect_right(self._first, proc) - 1
        return self.shares[index], proc - self._first[index]


def linked(plans: Sequence[ClusterPlan]) -> tuple[ClusterPlan, ...]:
    """Each DAGMan knows its nodes from now on."""
    for group, plan in enumerate(plans):
        if plan.lead:
            plan.nodes = {number: each for number, each in enumerate(plans) if each.unit == group}
    return tuple(plans)


def to_json(plans: Sequence[ClusterPlan]) -> bytes:
    return json.dumps({"version": 1, "clusters": [_cluster_listed(plan) for plan in plans]}).encode()


def _cluster_listed(plan: ClusterPlan) -> object:
    shares = [_listed(share) for share in plan.shares]
    if plan.lead:
        return {"lead": plan.lead, **({"graph": plan.graph} if plan.graph else {})}
    if plan.unit is not None:
        return {"shares": shares, "unit": plan.unit, "retries": plan.retries}
    return shares


def _listed(share: Share) -> list[object]:
    return [
        share.attempt,
        share.slices,
        share.whole,
        [[run.step, run.first, run.count] for run in share.runs],
        share.recorded,
    ]


def from_json(data: bytes) -> tuple[ClusterPlan, ...]:
    """It lies on the access point, so it may have become anything."""
    try:
        if len(data) > LARGEST:
            raise ValueError(f"it has more than {LARGEST} bytes")
        return linked([_cluster(each) for each in json.loads(data)["clusters"]])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Garbled(f"A batch's plan cannot be read ({error}): {data[:200]!r}") from error


def _cluster(listed: Any) -> ClusterPlan:
    known = listed if isinstance(listed, dict) else {"shares": listed}
    of_dag = known.get("unit") is not None
    shares = [_share(*share, of_dag=of_dag) for share in known.pop("shares", ())]
    return ClusterPlan(shares, **known)


def _share(
    attempt: str,
    slices: int,
    whole: bool,
    runs: Sequence[tuple[str, int, int]],
    recorded: bool = False,
    *,
    of_dag: bool,
) -> Share:
    share = Share(str(attempt), slices, tuple(Run(*run) for run in runs), whole is True, recorded is True)
    numbers = (slices, *(number for run in share.runs for number in (run.first, run.count)))
    is_known = all(type(number) is int for number in numbers) and slices <= MOST_SLICES
    end = MOST_SLICES if of_dag else slices  # a workflow's node has its slices anywhere in the workflow
    fits = is_known and all(0 <= run.first < run.first + run.count <= end for run in share.runs)
    if not fits or not share.runs or (not whole and share.procs > slices):
        raise ValueError(f"{slices!r} slices with the runs {str(share.runs[:3])[:200]}")
    return share
