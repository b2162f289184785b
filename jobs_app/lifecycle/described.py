"""What was or would be sent of a job, in HTCondor's own language."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass

from jobs_app import conf
from jobs_app.compute import default_scheduler
from jobs_app.errors import Invalid
from jobs_app.jobdir import statepoint
from jobs_app.models import Attempt, Job, Scheduler
from jobs_app.pools.base import Refused, Task

from .capture import capture
from .task import task_of

PLACEHOLDER = "0" * 32


@dataclass(frozen=True)
class Described:
    sent: bool  # else it is what would be sent now
    files: tuple[tuple[str, str], ...]  # each one's name, and its text


def described(job: Job) -> Described:
    scheduler = job.scheduler or default_scheduler()
    if scheduler.kind != Scheduler.CONDOR:
        raise Invalid(f"Job {job.pk} runs on {scheduler}, which takes no submit description.")
    attempt = Attempt.objects.filter(job_id=job.pk).select_related("batch", "job__project").last()
    texts = _kept(attempt) if attempt else []
    task = task_of(attempt or _unborn(job))
    if texts:
        return Described(True, (*texts, *_rows(task)))
    return Described(False, _composed(task, scheduler))


def _kept(attempt: Attempt) -> list[tuple[str, str]]:
    """Names and texts. (Of what was sent by an earlier version the names are not known.)"""
    known = attempt.batch.descriptions if attempt.batch else []
    mine = [(text, *name) for text, tokens, *name in known if attempt.token in tokens]
    return [(name[0] if name else f"{place}.sub", text) for place, (text, *name) in enumerate(mine)]


def _unborn(job: Job) -> Attempt:
    """As its first execute would make it."""
    job = copy.copy(job)
    job.statepoint = job.statepoint or job.own_statepoint()
    job.address = statepoint.address(job.statepoint)
    work = capture(job).work
    job.parameters, job.workspace = job.expanded_parameters(), job.expanded_workspace()
    return Attempt(job=job, number=1, token=PLACEHOLDER, work=work.to_json())


def _rows(task: Task) -> Iterator[tuple[str, str]]:
    """Of a rerun, which has the slices that were not done then, they would be others now; nodes of a workflow
    have their own."""
    from jobs_app.pools.condor.submit import rows_of

    if not task.done and not task.nodes:
        yield "rows of this job", "".join(f"{row}\n" for row in rows_of(task))


def _composed(task: Task, scheduler: Scheduler) -> tuple[tuple[str, str], ...]:
    from jobs_app.pools.condor.composing import compose
    from jobs_app.pools.condor.names import Names
    from jobs_app.pools.condor.submit import Surroundings
    from jobs_app.pools.condor.templates import finder

    names, find = Names(scheduler.remote_root), finder(conf.submit_folders())
    around = Surroundings(PLACEHOLDER, 0, "segment", names, "version", find)
    try:
        files = compose([task], around).files
    except Refused as error:
        raise Invalid(f"Job {task.job} cannot be sent: {error}") from error
    shown = sorted(name for name in files if name.endswith((".sub", ".rows", ".dag")))
    return tuple((name, files[name].decode()) for name in shown)
