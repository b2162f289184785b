"""The beginning of an attempt: one transaction for the job, the attempt, its slices and the history."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from jobs_app import audit, killpoints
from jobs_app.compute import default_scheduler
from jobs_app.models import (
    Attempt,
    AttemptPhase,
    CondorJob,
    CondorWorkflow,
    History,
    Job,
    JobDependency,
    Scheduler,
    ScriptJob,
)
from jobs_app.pools.base import Step

from . import blocks, workflow
from .actors import Actor, is_somebody
from .change import UNSENT, move
from .close import is_blocked
from .nudge import nudge
from .rows import insert_each, insert_rows, update_each
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
    attempt = Attempt(**_attempt(job, number, phase, scheduler, work))
    attempt.job, attempt.scheduler = job, scheduler
    attempt.save(force_insert=True)
    return attempt


def _attempt(job: Job, number: int, phase: str, scheduler: Scheduler | None, work: Work) -> dict[str, Any]:
    return {
        "job_id": job.pk,
        "number": number,
        "token": secrets.token_hex(16),
        "phase": phase,
        "scheduler_id": scheduler.pk if scheduler is not None else None,
        "owner": job.user_id or 0,
        "priority": job.priority,
        "slices": work.slices,
        "work": work.to_json(),
    }


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
        "progress": None,
    }


def _first_message(phase: str, scheduler: Scheduler | None) -> str:
    if phase == AttemptPhase.BLOCKED:
        return "Waits for other jobs."
    return f"{UNSENT}{scheduler}." if scheduler is not None else "Waits for its first report."


def _show(job: Job, **fields: Any) -> None:
    for name, value in fields.items():
        setattr(job, name, value)


# --- many first attempts at once ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Start:
    """A job that is ready for its first attempt."""

    job: Job
    work: Work
    by: Actor
    why: str
    fields: dict[str, Any]  # of its row


def begin_together(starts: Sequence[Start]) -> Job | None:
    """All of them in one transaction; or none, because of the job that is returned: it is Pending no more."""
    with transaction.atomic():
        pending = _lock_pending([start.job.pk for start in starts])
        taken = next((start.job for start in starts if start.job.pk not in pending), None)
        if taken is not None:
            return taken
        alone = _with_dependencies(pending) | {start.job.pk for start in starts if start.work.graph}
        for start in starts:
            if start.job.pk in alone:
                begin(start.job, ("PEN",), start.work, start.by, start.why, **start.fields)
        rows = _begin_all([start for start in starts if start.job.pk not in alone])
    for job, row in rows:
        _show(job, **row)
    return None


def _lock_pending(ids: Sequence[int]) -> set[int]:
    rows = Job.objects.select_for_update().filter(pk__in=ids, _status="PEN", frozen=False)
    return set(rows.order_by("pk").values_list("pk", flat=True))


def _with_dependencies(ids: Collection[int]) -> set[int]:
    return set(JobDependency.objects.filter(job_id__in=ids).values_list("job_id", flat=True))


def _begin_all(starts: Sequence[Start]) -> list[tuple[Job, dict[str, Any]]]:
    """The jobs, and what stands in their rows from now on."""
    rows, attempts = [], []
    one_of_each = {_scheduler_id(start.job): start.job for start in starts}
    schedulers = {pk: _scheduler(job) for pk, job in one_of_each.items()}
    for start in starts:
        scheduler = schedulers[_scheduler_id(start.job)]
        phase = AttemptPhase.SENT if scheduler is None else AttemptPhase.WAITING
        first = _first_fields(start.job, start.work, phase, scheduler)
        rows.append((start.job, {**first, **start.fields, "_status": "SUB", "number_of_attempts": 1}))
        attempts.append(_attempt(start.job, 1, phase, scheduler, start.work))
    update_each(
        Job, _ROW, [([row.get(name, getattr(job, name)) for name in _ROW], [job.pk]) for job, row in rows]
    )
    _write_attempts(attempts)
    _write_blocks(starts)
    _write_history(starts)
    for scheduler in schedulers.values():
        if scheduler is not None:
            nudge(scheduler.pk)
    return rows


def _scheduler_id(job: Job) -> int | None:
    return job.scheduler_id if has_pool(job) else -1


_ROW = (
    *("_status", "number_of_attempts", "address", "statepoint", "parameters", "workspace", "source_digest"),
    *("frozen", "status_message", "other_status", "execute_time", "start_time", "completion_time"),
    *("slices_total", "slices_running", "slices_done", "slices_failed", "slices_held"),
)


def _write_attempts(attempts: Sequence[dict[str, Any]]) -> None:
    fields = [field for field in Attempt._meta.concrete_fields if not field.primary_key]
    usual = {field.attname: field.get_default() for field in fields} | {"created": timezone.now()}
    insert_rows(
        Attempt, [field.name for field in fields], [list({**usual, **own}.values()) for own in attempts]
    )


def _write_blocks(starts: Sequence[Start]) -> None:
    works = {start.job.pk: start.work.steps for start in starts}
    by_steps: dict[tuple[Step, ...], list[int]] = {}
    opened = Attempt.objects.filter(job__in=list(works), number=1).values_list("pk", "job_id")
    for pk, job_id in opened:
        by_steps.setdefault(works[job_id], []).append(pk)
    blocks.create_all(by_steps)


def _write_history(starts: Sequence[Start]) -> None:
    now = timezone.now()
    told: dict[tuple[Actor, str], list[int]] = {}
    for start in starts:
        told.setdefault((start.by, start.why), []).append(start.job.pk)
    names = ("attempt", "at", "user", "actor", "before", "after", "why")
    rows = [((1, now, by.user_id, by.name, "PEN", "SUB", why), keys) for (by, why), keys in told.items()]
    insert_each(History, names, "job", rows)
    for by, why in told:
        if is_somebody(by):
            theirs = {start.job.pk: start.job.name for start in starts if (start.by, start.why) == (by, why)}
            audit.write_of_jobs(by.name, by.user_id, why, theirs)
