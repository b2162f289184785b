"""Rows as the API shows them."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import TYPE_CHECKING, Any

from jobs_app import permissions, sharing
from jobs_app.models import Job, JobDependency, JobUse

if TYPE_CHECKING:
    from jobs_app.permissions import Person

MOST_LINKS = 1000


def briefs(jobs: Sequence[Job], person: Person) -> list[dict[str, Any]]:
    seen = permissions.seen(person, [job.parent_id for job in jobs])
    return [_brief(job, seen) for job in jobs]


def brief(job: Job, person: Person) -> dict[str, Any]:
    return briefs([job], person)[0]


def _brief(job: Job, seen: Container[int | None]) -> dict[str, Any]:
    """`seen`: which parents have a number here. Who may see a job need not see what built it."""
    return {
        "id": job.pk,
        "name": job.name,
        "description": job.description,
        "app": job.app,
        "type": job.type,
        "template": {"name": job.template.name, "version": job.template.version} if job.template else None,
        "method": job.method,
        "user": job.user.get_username() if job.user else None,
        "scheduler": job.scheduler.name if job.scheduler else None,
        "parent": job.parent_id if job.parent_id in seen else None,
        **_standing(job),
        "priority": job.priority,
        "created": job.creation_time,
        "executed": job.execute_time,
        "started": job.start_time,
        "ended": job.completion_time,
    }


def _standing(job: Job) -> dict[str, Any]:
    return {
        "status": job.state.code,
        "state": job.cached_status,
        "message": job.status_message,
        "final": job.is_final,
        "slices": {
            "total": job.slices_total,
            "running": job.slices_running,
            "done": job.slices_done,
            "failed": job.slices_failed,
            "held": job.slices_held,
        },
        "progress": job.progress,
        "attempts": job.number_of_attempts,
    }


def full(job: Job, person: Person) -> dict[str, Any]:
    verbs = permissions.verbs(person, job)
    return {
        **brief(job, person),
        "jobid": job.jobid,
        "address": job.address,
        "parameters": job.parameters,
        "statepoint": job.statepoint,
        "extended_properties": job.extended_properties,
        "size_bytes": job.size_bytes,
        "may": [verb for verb in permissions.VERBS if verb in verbs],
        "shares": [{"group": share.group.name, "may": share.may} for share in sharing.of(job)],
        "after": _seen(person, JobDependency.objects.filter(job=job).values_list("before_id", flat=True)),
        "uses": _seen(person, JobUse.objects.filter(job=job).values_list("used_id", flat=True)),
        "history": attempts(job),
    }


def attempts(job: Job) -> list[dict[str, Any]]:
    rows = job.attempts.select_related("scheduler").order_by("number")
    return [_attempt(attempt) for attempt in rows]


def _seen(person: Person, ids: Any) -> list[int]:
    return sorted(permissions.seen(person, ids[:MOST_LINKS]))


def _attempt(attempt: Any) -> dict[str, Any]:
    same = (
        "number",
        "phase",
        "status",
        "reason",
        "created",
        "sent",
        "started",
        "ended",
        "exit_code",
        "signal",
    )
    scheduler = attempt.scheduler.name if attempt.scheduler else None
    return {"scheduler": scheduler, **{name: getattr(attempt, name) for name in same}}
