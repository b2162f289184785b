"""Nothing more is sent to a scheduler: a person said so, or it is sick. What runs there goes on.

drained    by hand, until resumed by hand; what waits may be moved to another scheduler
paused     by hand, likewise; or by itself: out of reach (a probe resumes it), not let in (a person does)
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from jobs_app import audit
from jobs_app.errors import Invalid, WrongState
from jobs_app.models import Attempt, AttemptPhase, History, Job, Scheduler

from . import room
from .actors import Actor
from .change import LIMITED, UNSENT
from .nudge import nudge

AT_ONCE = 500
HERE = (AttemptPhase.WAITING, AttemptPhase.BLOCKED)  # what the pool has not heard of
NEITHER = "it was neither drained nor paused"
WITHOUT_EMBEDDED = ("CONDORWORKFLOW",)  # types that need HTCondor


def drain(scheduler: Scheduler, by: Actor, why: str = "") -> None:
    """No new attempt is sent; what runs goes on, and is followed and fetched."""
    said = f"{why} ({by.name})" if why else f"by {by.name}"
    known = {"draining": True, "draining_why": said[:500], "draining_since": timezone.now()}
    with transaction.atomic():
        Scheduler.objects.filter(pk=scheduler.pk).update(**known)
        audit.write(by.name, by.user_id, f"Drained scheduler {scheduler}: {why}")
    scheduler.refresh_from_db()
    explain(scheduler)
    nudge(scheduler.pk)


def resume(scheduler: Scheduler) -> str:
    """Ends whatever keeps it from sending, and tries at once if it was out of reach; what that was."""
    scheduler.refresh_from_db()
    was = why_not_sending(scheduler)
    ended = {"draining": False, "draining_why": "", "draining_since": None}
    well = {"paused": "", "paused_by": "", "paused_since": None, "failures": 0, "retry_at": None}
    Scheduler.objects.filter(pk=scheduler.pk).update(**ended, **well)
    scheduler.refresh_from_db()
    if was:
        for owner in room.waiting_owners(scheduler.pk):
            room.tell_waiting(scheduler, owner, f"{UNSENT}{scheduler}.")
    nudge(scheduler.pk)
    return was


def why_not_sending(scheduler: Scheduler) -> str:
    """ "ncar is being drained since 2026-05-04 12:00 UTC: new disks (root)"; "" if it sends."""
    if scheduler.paused:
        return f"{scheduler} is paused{_since(scheduler.paused_since)}: {scheduler.paused}"
    if scheduler.draining:
        why = f": {scheduler.draining_why}" if scheduler.draining_why else ""
        return f"{scheduler} is being drained{_since(scheduler.draining_since)}{why}"
    return ""


def explain(scheduler: Scheduler) -> None:
    """The jobs that wait for it say why."""
    why = why_not_sending(scheduler)
    if why:
        for owner in room.waiting_owners(scheduler.pk):
            room.tell_waiting(scheduler, owner, f"{LIMITED}{why}.")


def _since(time: datetime | None) -> str:
    return f" since {time:%Y-%m-%d %H:%M} UTC" if time else ""


# --- moving what waits ------------------------------------------------------------------------------------


def move_waiting(scheduler: Scheduler, other: Scheduler, by: Actor) -> int:
    """All that the pool has not heard of goes to another scheduler; how many jobs that were."""
    check_target(scheduler, other)
    moved = last = 0
    while ids := _next(scheduler, other, last):
        moved += _move(ids, scheduler, other, by)
        last = ids[-1]
    nudge(other.pk)
    return moved


def check_target(scheduler: Scheduler, other: Scheduler) -> None:
    if other.pk == scheduler.pk:
        raise Invalid(f"{scheduler} cannot be moved to itself. Name another scheduler.")
    if other.kind == Scheduler.EXTERNAL:
        raise Invalid(f"{other} only calls in: nothing can be sent to it. Name another scheduler.")
    if why := why_not_sending(other):
        raise WrongState(f"Nothing is moved to {other}: {why}.")


def _next(scheduler: Scheduler, other: Scheduler, last: int) -> list[int]:
    rows = Attempt.objects.filter(scheduler=scheduler, phase__in=HERE, pk__gt=last)
    if other.kind == Scheduler.EMBEDDED:
        rows = rows.exclude(job__type__in=WITHOUT_EMBEDDED)
    return list(rows.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])


def _move(ids: list[int], scheduler: Scheduler, other: Scheduler, by: Actor) -> int:
    why = f"Moved from {scheduler} to {other} by {by.name}."
    with transaction.atomic():
        rows = Attempt.objects.select_for_update().filter(pk__in=ids, scheduler=scheduler, phase__in=HERE)
        found = list(rows.values_list("pk", "job_id", "number", "phase"))
        here = [pk for pk, *_ in found]
        Attempt.objects.filter(pk__in=here).update(scheduler=other, failures=0, retry_at=None, last_error="")
        jobs = Job.objects.filter(pk__in=[job for _, job, *_ in found])
        jobs.update(scheduler=other)
        waiting = [job for _, job, _, phase in found if phase == AttemptPhase.WAITING]
        Job.objects.filter(pk__in=waiting).update(status_message=f"{UNSENT}{other}.")
        History.objects.bulk_create(
            History(job_id=job, attempt=number, user_id=by.user_id, actor=by.name, why=why)
            for _, job, number, _ in found
        )
        audit.write_of_jobs(by.name, by.user_id, why, dict(jobs.values_list("pk", "name")))
    return len(found)
