"""What a script job is given: checked against what its script declares, with the jobs that it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jobs_app import conf, methods, registry
from jobs_app.errors import BadOptions, BadParameter, UnknownJob
from jobs_app.jobdir.layout import ANALYSIS
from jobs_app.methods import Method
from jobs_app.models import Job
from jobs_app.script.dataset import Dataset
from jobs_app.script.job import Job as Handle
from jobs_app.script.job import learn
from jobs_app.script.jobwithfile import JobWithFile
from jobs_app.script.options import Arguments, encode
from jobs_app.states import FINAL

KINDS = ("options", "datasets", "jobs")


@dataclass(frozen=True)
class Used:
    """A job that another one reads."""

    pk: int
    address: str | None
    status: str


def handle(job: Job, name: str = "") -> Handle:
    """The job as scripts know it; its directory is known from now on."""
    jobid = job.jobid
    if job.address:
        learn(jobid, job.directory)
    return Handle(jobid, name or job.method or None)


def check(method: Method, given: Mapping[str, Any], keywords: Mapping[str, Any] | None = None) -> Arguments:
    """All wrong ones at once are in the error."""
    kinds = {kind: _plain(_mapping(kind, given.get(kind))) for kind in KINDS}
    try:
        return method.script.declared.check(_plain(keywords or {}), **kinds)
    except BadOptions as error:
        raise BadOptions(f"{method.qualified}: {error}") from None


def _mapping(kind: str, value: Any) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise BadParameter(f"{kind}: {value!r} is not a dictionary.")
    return value


def _plain(value: Any) -> Any:
    """Rows become what scripts call them."""
    if isinstance(value, Job):
        return handle(value)
    if type(value) is dict:
        return {key: _plain(item) for key, item in value.items()}
    if type(value) in (list, tuple):
        return [_plain(item) for item in value]
    return value


# --- a job of create_job ----------------------------------------------------------------------------------


def complete(job: Job, parameters: dict[str, Any]) -> None:
    """Gives a new script job its method, its checked inputs and its links to the jobs that it reads."""
    name = parameters.pop("method", "")
    if not name:
        raise BadParameter("method: a SCRIPT job needs the name of its job script.")
    method = methods.find(name, job.app)
    arguments = check(method, parameters)
    take(job, method, arguments, parameters, used_by(arguments))


def take(
    job: Job,
    method: Method,
    arguments: Arguments,
    parameters: dict[str, Any],
    used: Mapping[str, Used],
) -> None:
    job.method = method.name_in(registry.find(job.app))
    job.source_digest = method.digest
    parameters.setdefault("slices", conf.slices() if ANALYSIS in method.script.steps else 1)
    job.complete({**parameters, **encoded(arguments)})
    roles = [(role, used[jobid].pk) for role, jobid in references(arguments)]
    unfinished = [one.pk for one in used.values() if one.status not in FINAL - {"ERR", "ABT", "VCP"}]
    job.link(uses=roles, after=list(Job.objects.filter(pk__in=unfinished)) if unfinished else ())


def encoded(arguments: Arguments) -> dict[str, Any]:
    return {
        "options": {name: encode(value) for name, value in arguments.options.items()},
        "datasets": {name: encode(value) for name, value in arguments.datasets.items()},
        "jobs": {name: encode(value) or None for name, value in arguments.jobs.items()},
    }


# --- the jobs that it reads -------------------------------------------------------------------------------


def references(arguments: Arguments) -> Iterator[tuple[str, str]]:
    """(role, id of the job): whatever the job reads of others."""
    for kind in (arguments.jobs, arguments.datasets, arguments.options):
        for role, value in kind.items():
            yield from ((role, jobid) for jobid in _jobs_in(value))


def _jobs_in(value: Any) -> Iterator[str]:
    if isinstance(value, JobWithFile):
        yield str(value.job)
    elif isinstance(value, Dataset):
        yield from [str(value.job)] if value else []
    elif isinstance(value, Handle):
        yield from [str(value)] if value else []
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _jobs_in(item)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            yield from _jobs_in(item)


def used_by(arguments: Arguments) -> dict[str, Used]:
    """By id. UnknownJob if one of them is not there."""
    wanted = dict.fromkeys(jobid for _, jobid in references(arguments))
    if not wanted:
        return {}
    rows = Job.objects.filter(pk__in=[Handle(jobid).number for jobid in wanted])
    found = {
        f"{project}-{pk}": Used(pk, address, status)
        for pk, address, status, project in rows.values_list("pk", "address", "_status", "project__name")
    }
    missing = [jobid for jobid in wanted if jobid not in found]
    if missing:
        raise UnknownJob(f"There is no job {', '.join(missing)}.")
    return found
