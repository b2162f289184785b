"""An attempt as a pool sees it: a pure function of its row, so a batch can be made again after a crash."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jobs_app.errors import BadParameter
from jobs_app.models import Attempt, Job
from jobs_app.parameters import split_arguments
from jobs_app.pools.base import Resources, Task

from . import blocks
from .inherit import done_ranges
from .work import Work


def task_of(attempt: Attempt) -> Task:
    job, work = attempt.job, Work.from_json(attempt.work)
    parameters = job.parameters
    return Task(
        attempt=attempt.token,
        job=job.pk,
        number=attempt.number,
        directory=str(job.directory),
        steps=work.steps,
        script=work.script,
        executable=_executable(job) if not work.script else "",
        arguments=_arguments(parameters.get("arguments", "")) if not work.script else (),
        environment=parameters.get("environment", {}),
        inputs=tuple(str(_below(job, name)) for name in parameters.get("remote_input_files", ())),
        resources=resources_of(parameters),
        retries=parameters.get("retries", 0),
        done=done_ranges(blocks.whole(attempt.pk)) if work.inherits else (),
        concurrency=parameters.get("concurrency", 0),
        priority=job.priority,
        template=parameters.get("condor_template", ""),
        attributes=parameters.get("attributes", {}),
    )


def check_executable(job: Job) -> None:
    if not job.parameters.get("executable"):
        raise BadParameter(
            f"Job {job.pk} ({job.name!r}) has no executable. Set the parameter `executable` before execute()."
        )


def _executable(job: Job) -> str:
    """A file of ours by its absolute path; anything else is looked for on the node."""
    name = str(job.parameters.get("executable", ""))
    here = _below(job, name)
    return str(here) if here.is_file() else name


def _below(job: Job, name: str) -> Path:
    """A relative name is one in the job's workspace, which by default is its own folder."""
    return Path(job.workspace or job.directory) / name


def _arguments(given: Any) -> tuple[tuple[str, ...], ...]:
    if isinstance(given, str):
        words = split_arguments(given)
        return (tuple(words),) if words else ()
    if given and isinstance(given[0], list):
        return tuple(tuple(row) for row in given)
    return (tuple(given),) if given else ()


def resources_of(parameters: Mapping[str, Any]) -> Resources:
    return Resources(
        cpus=parameters.get("cpus", 1),
        memory_mb=parameters.get("memory", 0),
        disk_mb=parameters.get("disk", 0),
        gpus=parameters.get("gpus", 0),
        wall_seconds=parameters.get("wall_time", 0),
    )
