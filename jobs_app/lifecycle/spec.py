"""spec.json tells the runner what to run, setup.json tells people what was asked for (in exax's words)."""

from __future__ import annotations

import platform
from typing import Any

import django
from django.utils import timezone

from jobs_app.jobdir.layout import ANALYSIS
from jobs_app.models import Attempt, Job

from .work import Work

VERSION = 1


def spec_of(attempt: Attempt, present: list[str]) -> dict[str, Any]:
    job, work = attempt.job, Work.from_json(attempt.work)
    parameters = job.parameters
    return {
        "version": VERSION,
        "attempt": attempt.token,
        "number": attempt.number,
        "job": job.jobid,
        "job_id": job.pk,
        "method": job.method,
        "package": work.package,
        "script": work.script,
        "slices": _slices(work),
        "concurrency": parameters.get("concurrency", 0),
        "options": parameters.get("options", {}),
        "datasets": parameters.get("datasets", {}),
        "jobs": work.jobs,
        "parent": job.parent.jobid if job.parent else "",
        "seed": seed(job),
        "input_directory": work.input_directory,
        "present": present,
        "retries": parameters.get("retries", 0),
        "needs": dict(work.needs),
        "capture": True,
    }


def _slices(work: Work) -> int:
    return next((step.slices for step in work.steps if step.name == ANALYSIS), 1)


def seed(job: Job) -> int:
    """The same for every attempt at a job, another for another job."""
    return int((job.address or "0")[:15], 16)


def setup_of(attempt: Attempt, spec: dict[str, Any]) -> dict[str, Any]:
    job = attempt.job
    return {
        "version": VERSION,
        "jobid": spec["job"],
        "method": job.method or job.type,
        "package": spec["package"],
        "hash": job.source_digest,
        "caption": job.parameters.get("caption", job.description),
        "options": spec["options"],
        "datasets": spec["datasets"],
        "jobs": spec["jobs"],
        "parent": spec["parent"],
        "seed": spec["seed"],
        "slices": spec["slices"],
        "starttime": timezone.now().timestamp(),
        "input_directory": spec["input_directory"],
        "versions": {"python": platform.python_version(), "django": django.__version__},
    }
