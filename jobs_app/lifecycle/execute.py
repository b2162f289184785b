"""Hands a job over: its directory first, then one transaction for all rows, then a nudge.

A crash in between leaves a directory without an attempt, which the next execute adopts. Of two processes that
execute one job at the same time one does, and the other hears that the job was executed.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobs_app import killpoints
from jobs_app.jobdir.create import create
from jobs_app.models import Job

from . import quota
from .actors import acting
from .begin import begin
from .capture import Captured, capture
from .change import refuse

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

CURE = "A job is executed once. Use wait() for this attempt, or resubmit() for another one when it is over."


def execute(job: Job, user: AbstractUser | None = None) -> None:
    """Returns at once; the job is Submitted then, and goes on without anybody watching."""
    by = acting(job, user)
    if job._state.adding:
        job.save()
    if job._status != "PEN" or job.frozen:
        raise refuse(job, "execute", CURE)
    quota.check_execute(job)
    captured = capture(job)
    make_directory(job, captured)
    killpoints.reach("execute.directory-made")
    first = first_fields(job, captured)
    if not begin(job, ("PEN",), captured.work, by, "Executed.", **first):
        raise refuse(job, "execute", CURE)


def first_fields(job: Job, captured: Captured) -> dict[str, Any]:
    """What only the first execute knows."""
    known = {"parameters": job.expanded_parameters(), "workspace": job.expanded_workspace()}
    return {**known, "source_digest": captured.digest} if captured.digest else known


def make_directory(job: Job, captured: Captured) -> None:
    if job.statepoint is None:
        job.statepoint = job.own_statepoint()
    job.project.workspace.mkdir(parents=True, exist_ok=True)
    job.address = create(job.project.workspace, job.statepoint, captured.fill).path.name
    Path(job.expanded_workspace()).mkdir(parents=True, exist_ok=True)
