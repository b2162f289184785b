"""The end of an attempt, and what it means for the jobs that wait for it: one transaction for all of that."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from jobs_app import killpoints, states
from jobs_app.models import Attempt, AttemptPhase, Job, JobDependency
from jobs_app.models.plain import one_row

from .actors import Actor
from .change import message, move
from .link import back_off
from .nudge import nudge

UNDONE = frozenset(states.ACTIVE | {"PEN"})


def close(attempt: Attempt, status: str, reason: str, by: Actor, **fields: Any) -> bool:
    """False if it was over already. `fields` go to the job's row."""
    ended = attempt.ended or timezone.now()
    over = {"phase": AttemptPhase.FINAL, "status": status, "reason": reason, "ended": ended}
    live = Attempt.objects.filter(pk=attempt.pk).exclude(phase=AttemptPhase.FINAL)
    with transaction.atomic():
        if not live.update(**over, exit_code=attempt.exit_code, wish="", holder=""):
            return False
        known = {"status_message": message(reason), "completion_time": ended, "progress": None, **fields}
        _end_job(attempt, status, by, reason, known)
        release_dependents(attempt.job_id, by)
        killpoints.reach("finish.before-commit")
    killpoints.reach("finish.committed")
    return True


def _end_job(attempt: Attempt, status: str, by: Actor, why: str, known: dict[str, Any]) -> None:
    """From the state that was last seen, which saves a look; else from whatever it is."""
    for before in ({attempt.job._status} & UNDONE, UNDONE):
        if before and move(attempt.job_id, before, status, by=by, why=why, attempt=attempt.number, **known):
            return


def live_attempt(job: Job) -> Attempt | None:
    """The attempt that is not over; there is one at most."""
    return Attempt.objects.filter(job_id=job.pk).exclude(phase=AttemptPhase.FINAL).order_by("-number").first()


def postpone(attempt: Attempt, error: Exception) -> None:
    """Something went wrong with this attempt alone: it is tried again later, and says so."""
    failures = attempt.failures + 1
    text = f"{type(error).__name__}: {error}"
    live = Attempt.objects.filter(pk=attempt.pk).exclude(phase=AttemptPhase.FINAL)
    live.update(failures=failures, retry_at=back_off(failures), last_error=text, holder="")
    active = Job.objects.filter(pk=attempt.job_id, stage=states.AT_WORK)
    active.update(status_message=message(f"{text} (It will be tried again.)"))


# --- jobs that wait for others ----------------------------------------------------------------------------


def is_blocked(job: Job) -> bool:
    """Whether a job that it waits for is not Complete."""
    if one_row(JobDependency, "id", "job_id = %s", [job.pk]) is None:
        return False
    return JobDependency.objects.filter(job_id=job.pk).exclude(before___status="COM").exists()


def release_dependents(job_id: int, by: Actor) -> None:
    """To be called in the transaction in which the job ends."""
    if one_row(JobDependency, "id", "before_id = %s", [job_id]) is None:
        return
    blocked = Attempt.objects.filter(phase=AttemptPhase.BLOCKED, job__dependencies__before=job_id)
    for attempt in blocked.order_by("pk"):
        release(attempt, by)


def release(attempt: Attempt, by: Actor) -> None:
    """Lets a blocked attempt go when nothing blocks it any more, or ends it when something always will."""
    before = Job.objects.filter(dependents__job_id=attempt.job_id)
    lost = before.filter(_status__in=states.FINAL - {"COM"}).order_by("pk").first()
    if lost is not None:
        _give_up(attempt, lost, f"ended: {states.JOB_STATES[lost._status].word}", by)
    elif not before.exclude(_status="COM").exists():
        _let_go(attempt)


def give_up_dependents(job: Job, what: str, by: Actor) -> None:
    """Ends the jobs that wait for one that will never be Complete."""
    blocked = Attempt.objects.filter(phase=AttemptPhase.BLOCKED, job__dependencies__before=job.pk)
    for attempt in blocked.order_by("pk"):
        _give_up(attempt, job, what, by)


def _give_up(attempt: Attempt, lost: Job, what: str, by: Actor) -> None:
    """Without the other job's name: whoever may read this one need not be allowed to see that one."""
    close(attempt, "ABT", f"It was to start after job {lost.pk}, which {what}.", by)


def _let_go(attempt: Attempt) -> None:
    phase = AttemptPhase.SENT if attempt.scheduler_id is None else AttemptPhase.WAITING
    if Attempt.objects.filter(pk=attempt.pk, phase=AttemptPhase.BLOCKED).update(phase=phase):
        Job.objects.filter(pk=attempt.job_id).update(status_message="")
        if attempt.scheduler_id is not None:
            nudge(attempt.scheduler_id)
