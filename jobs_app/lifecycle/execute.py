"""Hands a job over: its directory first, then one transaction for all rows, then a nudge.

A crash in between leaves a directory without an attempt, which the next execute adopts. Of two processes that
execute one job at the same time one does, and the other hears that the job was executed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobs_app import killpoints
from jobs_app.jobdir.create import create
from jobs_app.models import Job

from . import quota
from .actors import acting
from .begin import Start, begin, begin_together
from .capture import Captured, capture
from .change import refuse

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

CURE = "A job is executed once. Use wait() for this attempt, or resubmit() for another one when it is over."


AT_ONCE = 500  # jobs in one transaction


def execute(job: Job, user: AbstractUser | None = None) -> None:
    """Returns at once; the job is Submitted then, and goes on without anybody watching."""
    if job._state.adding:
        job.save()
    start = _ready(job, user, may_be_too_many=True)
    if not begin(job, ("PEN",), start.work, start.by, start.why, **start.fields):
        raise refuse(job, "execute", CURE)


def execute_jobs(jobs: Sequence[Job], user: AbstractUser | None = None) -> None:
    """As execute() of each, some hundred together: all of these, or none. What came before stays executed."""
    for first in range(0, len(jobs), AT_ONCE):
        some = jobs[first : first + AT_ONCE]
        if quota.is_set():
            for job in some:
                execute(job, user)
        elif taken := begin_together([_ready(job, user) for job in some]):
            raise refuse(taken, "execute", CURE)


def _ready(job: Job, user: AbstractUser | None, *, may_be_too_many: bool = False) -> Start:
    """All that may be refused is found out here, and the directory is made."""
    by = acting(job, user)
    if job._status != "PEN" or job.frozen:
        raise refuse(job, "execute", CURE)
    if may_be_too_many:
        quota.check_execute(job)
    captured = capture(job)
    make_directory(job, captured)
    killpoints.reach("execute.directory-made")
    return Start(job, captured.work, by, "Executed.", first_fields(job, captured))


def first_fields(job: Job, captured: Captured) -> dict[str, Any]:
    """What only the first execute knows."""
    known = {"parameters": job.expanded_parameters(), "workspace": job.expanded_workspace()}
    return {**known, "source_digest": captured.digest} if captured.digest else known


def make_directory(job: Job, captured: Captured) -> None:
    if job.statepoint is None:
        job.statepoint = job.own_statepoint()
    job.address = create(job.project.workspace, job.statepoint, captured.fill).path.name
    if job.workspace:
        Path(job.expanded_workspace()).mkdir(parents=True, exist_ok=True)
