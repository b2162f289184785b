"""/jobs/{id}/slices: where the pieces of a job's work are. Quick for a million of them."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any, Literal

from ninja import Query, Router, Schema
from pydantic import Field

from jobs_app import inspection, situation
from jobs_app.models import Job
from jobs_app.situation import Slice
from jobs_app.states import Counts, SliceState
from jobs_app.web.slices import moment

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
    """null where nothing is known; what a slice used and asked for is told by its pool."""

    number: int
    state: str
    host: str | None
    tries: int | None
    started: datetime | None
    ended: datetime | None
    exit_code: int | None
    signal: int | None
    cpu_seconds: float | None
    cpus_used: float | None
    cpus: float | None = Field(description="that it asked for")
    memory_used: int | None = Field(description="MB")
    memory: int | None = Field(description="MB that it asked for")
    memory_bytes: int | None = Field(description="its peak, as measured beside it")
    disk_used: int | None = Field(description="KB")
    disk: int | None = Field(description="KB that it asked for")
    output_bytes: int | None


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
    found = _page(job, step, which)
    return {
        "step": step,
        "total": job.slice_counts(step).total,
        "slices": [_slice(each) for each in found],
        "next": found[-1].number + 1 if len(found) == which.limit else None,
    }


def _page(job: Job, step: str, which: Which) -> list[Slice]:
    if which.state is None:
        return situation.slices(job, step, which.first, which.limit)
    return situation.slices_in(job, SliceState[which.state.upper()], step, which.first, which.limit)


def _slice(each: Slice) -> dict[str, Any]:
    return {
        **{name: _plain(getattr(each, name)) for name in _SAME},
        "state": each.state.name.lower(),
        "host": each.host or None,
        "started": moment(each.start),
        "ended": moment(each.end),
    }


_SAME = SliceOut.model_fields.keys() - {"state", "host", "started", "ended"}


def _plain(value: float | None) -> float | None:
    """A record that a node wrote may hold what is no number, for which JSON has no word."""
    return value if value is None or math.isfinite(value) else None
