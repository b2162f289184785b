"""What a job consists of, found out at its first execute: afterwards changes of code do not reach it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from jobs_app.jobdir.layout import RUN
from jobs_app.models import CondorJob, Job, ScriptJob
from jobs_app.pools.base import Step

from .task import check_executable
from .work import Work


@dataclass(frozen=True)
class Captured:
    work: Work
    fill: Callable[[Path], None] = field(default=lambda _: None)  # writes the sources into a new directory


def capture(job: Job) -> Captured:
    if isinstance(job, ScriptJob):
        return _script(job)
    if isinstance(job, CondorJob):
        check_executable(job)
        return Captured(Work(steps=(Step(RUN, job.num_jobs),)))
    return Captured(Work())


def _script(job: ScriptJob) -> Captured:
    raise NotImplementedError
