"""What a job consists of, found out at its first execute: afterwards changes of code do not reach it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from jobs_app import methods, workspaces
from jobs_app.errors import ScriptError, WrongState
from jobs_app.jobdir.layout import RUN, JobPaths
from jobs_app.models import BasicJob, CondorJob, CondorWorkflow, ExternalJob, Job, ScriptJob
from jobs_app.pools.base import Step
from jobs_app.script.loading import Script
from jobs_app.script.spec import parts_of

from . import workflow
from .asked import check_asked
from .task import check_executable
from .work import Work


@dataclass(frozen=True)
class Captured:
    work: Work
    fill: Callable[[Path], None] = field(default=lambda _: None)  # writes the sources into a new directory
    digest: str = ""


def capture(job: Job) -> Captured:
    if isinstance(job, ScriptJob):
        return _script(job)
    if isinstance(job, CondorJob):
        check_executable(job)
        check_asked(job)
        return Captured(Work(steps=(Step(RUN, job.num_jobs),)))
    if isinstance(job, CondorWorkflow):
        check_asked(job)
        return Captured(workflow.work_of(job))
    if isinstance(job, (BasicJob, ExternalJob)):
        return Captured(Work())
    raise WrongState(f"Job {job.pk} ({job.name!r}) cannot be executed: {_why_not(job)}")


def _why_not(job: Job) -> str:
    return (
        f"nothing here runs jobs of the type {job.type!r}. Its app has to register it (register_type) "
        "with a model that is a CondorJob, CondorWorkflow, ScriptJob, BasicJob or ExternalJob."
    )


def _script(job: ScriptJob) -> Captured:
    method = methods.find(job.method, job.app)
    script = method.script
    _refuse_another_source(job, method.digest)
    work = Work(
        steps=tuple(Step(*part) for part in parts_of(script.steps, job.parameters.get("slices", 1))),
        independent=False,
        script=str(JobPaths("").source / script.path.name),
        package=script.package,
        needs=script.needs,
        input_directory=workspaces.get_app_workspace(job.app).path,
    )
    return Captured(work, lambda root: _copy_sources(script, root), method.digest)


def _refuse_another_source(job: Job, digest: str) -> None:
    """A job that was addressed by its source must not run another one."""
    wanted = (job.statepoint or {}).get("source", digest)
    if wanted != digest:
        raise ScriptError(
            f"The script of {job.method!r} was changed after job {job.pk} ({job.name!r}) was created. "
            "Build the job again: then it is another one."
        )


def _copy_sources(script: Script, root: Path) -> None:
    """The script, what it names in depend_extra, and what it imported from beside itself."""
    source = JobPaths(root).source
    beside = {path.name: path for path in script.forgotten}
    for name, path in {**beside, **script.sources}.items():
        copy = source / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
