"""/jobs/{id}/slices: where the pieces of a job's work are. Quick for a million of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from ninja import Query, Router, Schema
from pydantic import Field

from jobs_app import inspection
from jobs_app.jobdir import facts
from jobs_app.jobdir.layout import STEPS
from jobs_app.models import Job
from jobs_app.states import Counts, SliceState

from .door import Request, door, job_for
from .types import JobId

router = Router(tags=["slices"])

LARGEST = 10_000

StateName = Literal["waiting", "running", "done", "failed", "held", "removed", "skipped", "suspended"]
Step = Literal["", "prepare", "analysis", "synthesis", "run"]


class StepCounts(Schema):
    step: str
    total: int
    waiting: int
    running: int
    done: int
    failed: int
    held: int
    removed: int
    skipped: int
    suspended: int


class SliceOut(Schema):
    number: int
    state: str
    tries: int | None = None
    started: datetime | None = None
    ended: datetime | None = None
    exit_code: int | None = None
    signal: int | None = None
    memory_bytes: int | None = None
    cpu_seconds: float | None = None
    output_bytes: int | None = None


class SlicePage(Schema):
    step: str
    total: int
    slices: list[SliceOut]
    next: int | None


class Which(Schema):
    step: Step = ""
    state: StateName | None = Field(default=None, description="only those in this state")
    first: int = Field(default=0, ge=0, le=2**31, description="from this number on")
    limit: int = Field(default=100, ge=1, le=LARGEST)


@router.get(
    "/jobs/{pk}/slices/counts",
    response=list[StepCounts],
    auth=door("jobs:read"),
    summary="How many slices are where",
)
def counts(request: Request, pk: JobId) -> Any:
    return [_counts(step, number) for step, number in inspection.steps(job_for(request, pk))]


def _counts(step: str, number: Counts) -> dict[str, Any]:
    return {"step": step, "total": number.total, **vars(number)}


@router.get("/jobs/{pk}/slices", response=SlicePage, auth=door("jobs:read"), summary="A page of slices")
def slices(request: Request, pk: JobId, which: Query[Which]) -> Any:
    job = job_for(request, pk)
    step = which.step or job.main_step
    numbers, states = _page(job, step, which)
    known = _facts(job, step, numbers)
    return {
        "step": step,
        "total": job.slice_counts(step).total,
        "slices": [_slice(*each) for each in zip(numbers, states, known, strict=True)],
        "next": numbers[-1] + 1 if len(numbers) == which.limit else None,
    }


def _page(job: Job, step: str, which: Which) -> tuple[list[int], list[SliceState]]:
    if which.state is None:
        states = job.slice_states(step, which.first, which.limit)
        return [*range(which.first, which.first + len(states))], [SliceState(state) for state in states]
    state = SliceState[which.state.upper()]
    numbers = job.slices_in(state, step, which.first - 1, which.limit)
    return numbers, [state] * len(numbers)


def _facts(job: Job, step: str, numbers: list[int]) -> list[facts.Fact | None]:
    """Neighbours are read together."""
    if not numbers or not job.number_of_attempts or not inspection.has_directory(job) or step not in STEPS:
        return [None] * len(numbers)
    path = job.paths.attempt(job.number_of_attempts).facts
    if numbers[-1] - numbers[0] < 4 * LARGEST:
        first = numbers[0]
        found = list(facts.read_range(path, step, first, numbers[-1] - first + 1))
        return [found[number - first] for number in numbers]
    return [facts.read(path, step, number) for number in numbers]


def _slice(number: int, state: SliceState, fact: facts.Fact | None) -> dict[str, Any]:
    found: dict[str, Any] = {"number": number, "state": state.name.lower()}
    if fact is None:
        return found
    same = ("tries", "exit_code", "signal", "memory_bytes", "cpu_seconds", "output_bytes")
    times = {"started": _moment(fact.start), "ended": _moment(fact.end)}
    return {**found, **times, **{name: getattr(fact, name) for name in same}}


def _moment(seconds: float) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
