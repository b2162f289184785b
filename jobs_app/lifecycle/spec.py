"""spec.json tells the runner what to run, setup.json tells people what was asked for (in exax's words)."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from typing import Any

import django
from django.utils import timezone

from jobs_app.jobdir.layout import ANALYSIS
from jobs_app.models import Attempt, Job

from .work import Work

VERSION = 1


def spec_of(attempt: Attempt, present: list[str]) -> dict[str, Any]:
    job, work, parameters = attempt.job, Work.from_json(attempt.work), attempt.job.parameters
    places = _places(parameters)
    return {
        "version": VERSION,
        "attempt": attempt.token,
        "number": attempt.number,
        "job": job.jobid,
        "job_id": job.pk,
        "method": job.method,
        "package": work.package,
        "script": work.script,
        "slices": next((step.slices for step in work.steps if step.name == ANALYSIS), 1),
        "concurrency": parameters.get("concurrency", 0),
        "options": _with_places(parameters.get("options", {}), places),
        "datasets": parameters.get("datasets", {}),
        "places": places,
        "jobs": {name: _placed(value, places) for name, value in _other_jobs(parameters).items()},
        "parent": job.parent.jobid if job.parent else "",
        "seed": seed(job),
        "input_directory": work.input_directory,
        "present": present,
        "retries": parameters.get("retries", 0),
        "needs": dict(work.needs),
        "capture": True,
        "caption": parameters.get("caption", ""),
    }


def seed(job: Job) -> int:
    """The same for every attempt at a job, another one for another job."""
    return int((job.address or "0")[:15], 16)


def setup_of(attempt: Attempt, spec: Mapping[str, Any]) -> dict[str, Any]:
    job, parameters = attempt.job, attempt.job.parameters
    return {
        "version": VERSION,
        "jobid": spec["job"],
        "method": job.method or job.type,
        "package": spec["package"],
        "hash": job.source_digest,
        "caption": spec["caption"] or job.description,
        "options": parameters.get("options", {}),
        "datasets": spec["datasets"],
        "jobs": parameters.get("jobs", {}),
        "parent": spec["parent"],
        "seed": spec["seed"],
        "slices": spec["slices"],
        "starttime": timezone.now().timestamp(),
        "input_directory": spec["input_directory"],
        "versions": {"python": platform.python_version(), "django": django.__version__},
    }


# --- where the jobs lie that it reads -----------------------------------------------------------------------


def _places(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Directory of each job that the parameters name, by its id ("ising-3")."""
    datasets = (name.partition("/")[0] for name in _jobs_of(parameters.get("datasets", {})))
    named = {*_jobs_of(_other_jobs(parameters)), *_files_of(parameters.get("options", {})), *datasets}
    numbers = [int(name.rpartition("-")[2]) for name in named]
    if not numbers:
        return {}
    jobs = Job.objects.filter(pk__in=numbers).select_related("project")
    return {job.jobid: str(job.directory) for job in jobs if job.address}


def _other_jobs(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """Those that a script reads; the `jobs` of a workflow are its nodes."""
    jobs = parameters.get("jobs", {})
    return jobs if isinstance(jobs, Mapping) else {}


def _jobs_of(jobs: Mapping[str, Any]) -> Iterator[str]:
    for value in jobs.values():
        yield from (name for name in (value if isinstance(value, list) else [value]) if name)


def _is_file(value: Any) -> bool:
    """A file of a job, as jobs_app.script.typed writes it."""
    return isinstance(value, list) and len(value) == 2 and value[0] == "jobwithfile"


def _files_of(options: Any) -> Iterator[str]:
    if _is_file(options):
        yield options[1]["job"]
    inner = options.values() if isinstance(options, dict) else options if isinstance(options, list) else ()
    for value in inner:
        yield from _files_of(value)


def _placed(job: Any, places: Mapping[str, str]) -> Any:
    if isinstance(job, list):
        return [_placed(item, places) for item in job]
    return {"id": job, "path": places.get(job, "")} if job else None


def _with_places(options: Any, places: Mapping[str, str]) -> Any:
    if _is_file(options):
        return [options[0], {**options[1], "job": _placed(options[1]["job"], places)}]
    if isinstance(options, dict):
        return {name: _with_places(value, places) for name, value in options.items()}
    return [_with_places(value, places) for value in options] if isinstance(options, list) else options
