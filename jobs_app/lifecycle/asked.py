"""What a job asks of HTCondor in its own language: submit attributes, and the description to begin with.

A pool refuses what is wrong in it; its caller hears the same at once, and not from a failed attempt.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jobs_app import conf
from jobs_app.errors import BadParameter
from jobs_app.models import CondorJob, CondorWorkflow, Job, Scheduler
from jobs_app.pools.base import Refused

from .task import attributes_of
from .workflow import filled, variables_of

# What only the first execute knows, by something of its kind.
_LATER = {"JOB_ID": "1", "JOB_WORKSPACE": "/workspace"}


def check_asked(job: Job, parameters: Mapping[str, Any] | None = None) -> None:
    """BadParameter for what no HTCondor would be sent: of the job, or of parameters that it may get. A job
    for a scheduler of another kind may say what it likes, since nothing reads it there."""
    wrong = _first_wrong(job, job.parameters if parameters is None else parameters)
    if wrong and (job.scheduler is None or job.scheduler.kind == Scheduler.CONDOR):
        raise BadParameter(wrong)


def _first_wrong(job: Job, parameters: Mapping[str, Any]) -> str:
    templates = {""}
    for whose, said, attributes in _all(job, parameters):
        template = said.get("condor_template", "")
        try:
            _check(attributes, "" if template in templates else template)
        except Refused as error:
            return f"{whose}{error}"
        templates.add(template)
    return ""


def _all(
    job: Job, parameters: Mapping[str, Any]
) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    """The job itself, or each node of a workflow: what an error begins with, what is said, its attributes."""
    if isinstance(job, CondorJob):
        yield "", parameters, filled(attributes_of(parameters), _LATER)
    if isinstance(job, CondorWorkflow):
        for said in parameters.get("jobs", ()):
            known = {**_LATER, **variables_of(said)}
            yield f"node {said['name']!r}: ", said, filled(said.get("attributes", {}), known)


def _check(attributes: Mapping[str, Any], template: str) -> None:
    from jobs_app.pools.condor.attributes import lines
    from jobs_app.pools.condor.templates import finder

    lines(attributes)
    if template:
        finder(conf.submit_folders())(template)
