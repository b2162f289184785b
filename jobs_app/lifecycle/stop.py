"""stop, pause, resume: at once while the job is still here, as a wish when it is on its pool."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from jobs_app.errors import Invalid, WrongState
from jobs_app.models import Attempt, AttemptPhase, Job
from jobs_app.situation import of_slices, ranges
from jobs_app.states import ACTIVE, SliceState

from . import blocks
from .actors import Actor, acting
from .begin import has_pool
from .change import RESUMED, move, refuse
from .close import close, live_attempt, release_dependents
from .limits import set_limits
from .nudge import nudge
from .wish import HOLD, RELEASE, REMOVE, Wish, want
from .work import Work

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

HERE = (AttemptPhase.BLOCKED, AttemptPhase.WAITING)


def stop(
    job: Job, user: AbstractUser | None = None, slices: Sequence[int] | None = None, by: Actor | None = None
) -> None:
    """Ends the job, or some of its slices. On a pool it takes a moment; what it left stays."""
    by = by or acting(job, user)
    why = f"Stopped by {by.name}{of_slices(slices or ())}."
    attempt = live_attempt(job)
    if attempt is None:
        stopped = slices is None and _stop_pending(job, by, why)
    elif slices is not None:
        stopped = want(attempt, _about(attempt, REMOVE, why, slices), by)
    else:
        stopped = _stop_here(attempt, by, why) or want(attempt, Wish(REMOVE, why), by)
    if not stopped:
        raise refuse(job, "stop", "Only a job that is not over can be stopped.")


def _stop_pending(job: Job, by: Actor, why: str) -> bool:
    with transaction.atomic():
        if not move(
            job.pk,
            ("PEN",),
            "ABT",
            by=by,
            why=why,
            status_message=why,
            frozen=True,
            completion_time=timezone.now(),
        ):
            return False
        release_dependents(job.pk, by)
    return True


def _stop_here(attempt: Attempt, by: Actor, why: str) -> bool:
    """True if the pool has nothing of it, so it is over at once."""
    with transaction.atomic():
        fetching = Attempt.objects.filter(pk=attempt.pk, phase=AttemptPhase.FETCHING, holder="")
        if not (_still_here(attempt) | fetching).select_for_update().exists():
            return False
        return close(attempt, "ABT", why, by)


def pause(job: Job, user: AbstractUser | None = None, slices: Sequence[int] | None = None) -> None:
    """Holds the job back, or some of its slices, until resume()."""
    by = acting(job, user)
    why = f"Paused by {by.name}{of_slices(slices or ())}."
    attempt = live_attempt(job)
    if attempt is None or not (
        _pause_here(attempt, slices, by, why) or _hold_on_pool(attempt, slices, by, why)
    ):
        raise refuse(job, "pause", "Only a job that is not over can be paused.")


def _pause_here(attempt: Attempt, slices: Sequence[int] | None, by: Actor, why: str) -> bool:
    if slices is not None:
        return False
    with transaction.atomic():
        if not _still_here(attempt).update(paused=True):
            return False
        cure = f"{why} It goes on when it is resumed."
        return move(
            attempt.job_id, ACTIVE, "PAS", by=by, why=why, attempt=attempt.number, status_message=cure
        )


def _hold_on_pool(attempt: Attempt, slices: Sequence[int] | None, by: Actor, why: str) -> bool:
    with transaction.atomic():
        if not want(attempt, _about(attempt, HOLD, why, slices), by):
            return False
        Attempt.objects.filter(pk=attempt.pk).update(paused=True)
    return True


def resume(
    job: Job, user: AbstractUser | None = None, slices: Sequence[int] | None = None, **limits: object
) -> None:
    """Lets a paused or held job go on, or some of its slices. With new limits for these: memory="2 GB"."""
    by = acting(job, user)
    why = f"{RESUMED}{by.name}{of_slices(slices or ())}."
    with transaction.atomic():
        attempt = live_attempt(job)
        if attempt is not None and limits:
            set_limits(job, attempt, by, limits, slices)
        if attempt is None or not (
            _resume_here(job, attempt, slices, by, why) or _release_on_pool(attempt, slices, by, why)
        ):
            raise refuse(job, "resume", "Only a paused or held job can be resumed.")


def _resume_here(job: Job, attempt: Attempt, slices: Sequence[int] | None, by: Actor, why: str) -> bool:
    if slices is not None:
        return False
    after = "SUB" if has_pool(job) else "RUN"
    with transaction.atomic():
        if not _still_here(attempt).filter(paused=True).update(paused=False):
            return False
        move(attempt.job_id, ("PAS",), after, by=by, why=why, attempt=attempt.number, status_message="")
    if attempt.scheduler_id is not None:
        nudge(attempt.scheduler_id)
    return True


def _release_on_pool(attempt: Attempt, slices: Sequence[int] | None, by: Actor, why: str) -> bool:
    with transaction.atomic():
        if not want(attempt, _about(attempt, RELEASE, why, slices), by):
            return False
        if slices is None:
            Attempt.objects.filter(pk=attempt.pk).update(paused=False)
    return True


def _still_here(attempt: Attempt) -> QuerySet[Attempt]:
    """The attempt, if no pool has it."""
    rows = Attempt.objects.filter(pk=attempt.pk)
    return rows.filter(phase__in=HERE) | rows.filter(phase=AttemptPhase.SENT, scheduler=None)


def _about(attempt: Attempt, verb: str, why: str, slices: Sequence[int] | None) -> Wish:
    if slices is None:
        return Wish(verb, why)
    work = Work.from_json(attempt.work)
    step = work.counted
    count = work.slices
    for number in slices:
        if not 0 <= number < count:
            raise Invalid(f"Job {attempt.job_id} has no slice {number}: its slices are 0 to {count - 1}.")
    if not work.independent and verb == REMOVE:
        raise WrongState(
            f"Slices of job {attempt.job_id} cannot be stopped one by one: its synthesis needs them all. "
            "Stop the job."
        )
    _look_whether_open(attempt, step, slices)
    return Wish(verb, why, step, tuple(slices))


def _look_whether_open(attempt: Attempt, step: str, slices: Sequence[int]) -> None:
    states = blocks.whole(attempt.pk).get(step, b"")
    if states and all(SliceState(states[number]).ended for number in slices):
        raise WrongState(
            f"Slices {ranges(slices)} of job {attempt.job_id} are over already. What each is: jobs slices "
            f"{attempt.job_id}"
        )
