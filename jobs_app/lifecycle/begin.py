"""The beginning of an attempt: one transaction for the job, the attempt, its slices and the history."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.utils import timezone

from jobs_app import killpoints
from jobs_app.compute import default_scheduler
from jobs_app.models import (
    Attempt,
    AttemptPhase,
    CondorJob,
    CondorWorkflow,
    Job,
    Scheduler,
    ScriptJob,
)

from . import blocks, workflow
from .actors import Actor
from .change import UNSENT, move
from .close import is_blocked
from .nudge import nudge
from .work import Work


def has_pool(job: Job) -> bool:
    """Whether a pool runs it; else its status is what somebody reports."""
    return isinstance(job, (CondorJob, CondorWorkflow, ScriptJob))


def begin(
    job: Job,
    before: Collection[str],
    work: Work,
    by: Actor,
    why: str,
    former: dict[str, bytes] | None = None,
    **fields: Any,
) -> Attempt | None:
    """Opens the next attempt; None if the job is in none of the states `before` any more.

    `former`: slices' states to begin with; `fields` go to the job's row.
    """
    scheduler = _scheduler(job)
    number = job.number_of_attempts + 1
    with transaction.atomic():
        phase = _first_phase(job, scheduler)
        known = {**_first_fields(job, work, phase, scheduler), **fields}
        if not move(
            job.pk, before, "SUB", by=by, why=why, attempt=number, number_of_attempts=number, **known
        ):
            return None
        attempt = _open_attempt(job, number, phase, scheduler, work)
        blocks.create(attempt, work.steps, former or workflow.first_states(work))
        workflow.create_rows(attempt, work)
        killpoints.reach("begin.before-commit")
    killpoints.reach("begin.committed")
    _show(job, _status="SUB", number_of_attempts=number, **known)
    if scheduler is not None:
        nudge(scheduler.pk)
    return attempt


def _open_attempt(job: Job, number: int, phase: str, scheduler: Scheduler | None, work: Work) -> Attempt:
    return Attempt.objects.create(
        job=job,
        number=number,
        token=secrets.token_hex(16),
        phase=phase,
        scheduler=scheduler,
        owner=job.user_id or 0,
        priority=job.priority,
        slices=work.slices,
        work=work.to_json(),
    )


def _scheduler(job: Job) -> Scheduler | None:
    return job.scheduler or default_scheduler() if has_pool(job) else None


def _first_phase(job: Job, scheduler: Scheduler | None) -> str:
    if is_blocked(job):
        return AttemptPhase.BLOCKED
    return AttemptPhase.SENT if scheduler is None else AttemptPhase.WAITING


def _first_fields(job: Job, work: Work, phase: str, scheduler: Scheduler | None) -> dict[str, Any]:
    return {
        "address": job.address,
        "statepoint": job.statepoint,
        "frozen": True,
        "status_message": _first_message(phase, scheduler),
        "other_status": "",
        "execute_time": timezone.now(),
        "start_time": None,
        "completion_time": None,
        "slices_total": work.slices,
        "slices_running": 0,
        "slices_done": 0,
        "slices_failed": 0,
        "slices_held": 0,
    }


def _first_message(phase: str, scheduler: Scheduler | None) -> str:
    if phase == AttemptPhase.BLOCKED:
        return "Waits for other jobs."
    return f"{UNSENT}{scheduler}." if scheduler is not None else "Waits for its first report."


def _show(job: Job, **fields: Any) -> None:
    for name, value in fields.items():
        setattr(job, name, value)
