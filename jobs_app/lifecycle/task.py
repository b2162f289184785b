"""An attempt as a pool sees it: a pure function of its row, so a batch can be made again after a crash."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jobs_app import conf
from jobs_app.errors import BadParameter
from jobs_app.models import Attempt, CondorJob
from jobs_app.pools.base import Task

from . import blocks, workflow
from .accounting import check_accounting
from .inherit import done_ranges
from .programs import arguments_of, below, check_inputs, executable_of, resources_of
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
        executable=executable_of(job, str(parameters.get("executable", ""))) if not work.script else "",
        arguments=arguments_of(parameters.get("arguments", ""), _slices(work)) if not work.script else (),
        environment=parameters.get("environment", {}),
        inputs=tuple(str(below(job, name)) for name in parameters.get("remote_input_files", ())),
        resources=resources_of(parameters),
        retries=parameters.get("retries", 0),
        done=done_ranges(blocks.whole(attempt.pk)) if work.inherits or work.graph else (),
        concurrency=parameters.get("concurrency", 0),
        priority=job.priority,
        template=parameters.get("condor_template", ""),
        attributes=attributes_of(parameters),
        nodes=workflow.nodes_of(job) if work.graph else (),
        throttles=parameters.get("max_jobs", {}) if work.graph else {},
        settings=work.settings,
        remote_from=parameters.get("remote_from", conf.remote_from_mb()) << 20,
    )


def _slices(work: Work) -> int:
    return sum(step.slices for step in work.steps)


_ATTRIBUTES_TOO = ("container_image", "max_idle", "accounting_group", "accounting_group_user")


def attributes_of(parameters: Mapping[str, Any]) -> dict[str, Any]:
    own = {name: parameters[name] for name in _ATTRIBUTES_TOO if name in parameters}
    return {**parameters.get("attributes", {}), **own}


def check_executable(job: CondorJob) -> None:
    job.check_table()
    check_accounting(job.user, attributes_of(job.parameters))
    if not job.parameters.get("executable"):
        raise BadParameter(
            f"Job {job.pk} ({job.name!r}) has no executable. Set the parameter `executable` before execute()."
        )
    check_inputs(job, job.remote_input_files, f"Job {job.pk} ({job.name!r})")
