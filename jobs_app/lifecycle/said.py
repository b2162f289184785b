"""What an EXTERNAL job's report says becomes how the job is.

Its receipt is written first (see `heard`): if the process dies then, the sweeper acts upon it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils import timezone

from jobs_app.errors import RoostError
from jobs_app.models import History, Job, Report

from .actors import SCHEDULER
from .change import note
from .heard import EXTERNAL, spoken
from .report import report

log = logging.getLogger(__name__)

LEFT = timedelta(seconds=10)  # after which whoever took a report has died


def act_upon(job_id: int, nonce: str) -> str:
    """Why nothing follows from it; empty if all is well."""
    row = Report.objects.filter(job_id=job_id, nonce=nonce, applied=False).first()
    return _act(row) if row is not None else ""


def act_upon_the_rest() -> None:
    left = Report.objects.filter(applied=False, received__lt=timezone.now() - LEFT)
    for row in left.order_by("id")[:500]:
        if why := _act(row):
            log.warning("The report %s of job %s changed nothing: %s", row.nonce, row.job_id, why)


def _act(row: Report) -> str:
    job = Job.objects.filter(pk=row.job_id, type=EXTERNAL, number_of_attempts=row.attempt).first()
    refused = "The job is not there, or was executed anew." if job is None else _report(job, row.said)
    Report.objects.filter(pk=row.pk).update(applied=True, refused=refused)
    return refused


def _report(job: Job, said: Mapping[str, Any]) -> str:
    try:
        report(
            job,
            said.get("status", ""),
            _message(said),
            exit_code=said.get("exit_code"),
            slices_done=said.get("slices_done"),
            progress=None if _is_of_a_slice(said) else said.get("progress"),
        )
    except RoostError as error:
        return str(error)
    _name_run(job, said.get("run", ""))
    return ""


def _is_of_a_slice(said: Mapping[str, Any]) -> bool:
    return said.get("slice") is not None


def _message(said: Mapping[str, Any]) -> str:
    """The progress of the whole is the job's bar; that of a slice stands in words."""
    if not _is_of_a_slice(said):
        return str(said.get("message", ""))
    return spoken(said) or f"slice {said['slice']}"


def _name_run(job: Job, run: str) -> None:
    """Once for each attempt, however many of its reports say so: whoever looks at the other scheduler has to
    find it there."""
    why = f"Its run is {run}."
    known = History.objects.filter(job=job, attempt=job.number_of_attempts, why=why)
    if run and not known.exists():
        note(job.pk, SCHEDULER, why, attempt=job.number_of_attempts)
