"""What an app or an outside scheduler says about a job that no pool of ours runs. For a job with a pool it is
a hint: the courier looks sooner, and the pool says how it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from jobs_app import states
from jobs_app.errors import WrongState
from jobs_app.models import Attempt, AttemptPhase, Job
from jobs_app.models.custom_status import is_final, status_code

from .actors import PROGRAM, SCHEDULER, Actor, acting
from .begin import has_pool
from .change import message as fitting
from .change import move, refuse
from .close import close
from .execute import execute
from .finish import finish
from .lease import new_holder
from .nudge import hand_over, nudge

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser


def report(
    job: Job,
    status: str = "",
    message: str = "",
    *,
    exit_code: int | None = None,
    slices_done: int | None = None,
    progress: float | None = None,
    user: AbstractUser | None = None,
    by: Actor = SCHEDULER,
) -> None:
    """`status`: code, word, or a text of the app's own; empty: no news of that. `progress`: per cent."""
    by = acting(job, user) if user is not None else by
    if has_pool(job):
        _hint(job, message)
        return
    told = {"status_message": fitting(message) or None, "slices_done": slices_done, "progress": progress}
    known = {name: value for name, value in told.items() if value is not None}
    if status and is_final(status, job.app):
        _end(job, status, message, exit_code, by, known)
    elif status:
        _go_on(job, status, message, by, known)
    elif not _tell(job, known):
        raise refuse(job, "report anything of", _CURE)


def update_status(job: Job, status: str, user: AbstractUser | None = None) -> None:
    """The app says how its job is. A job that was not executed yet begins with this."""
    if has_pool(job):
        raise WrongState(
            f"The status of job {job.pk} ({job.name!r}) cannot be set to {status!r}: its pool says how it "
            "is. Use stop(), pause() or resume()."
        )
    if job._status == "PEN" and status_code(status) != "PEN":
        execute(job, user)
    report(job, status, user=user, by=PROGRAM)


def _hint(job: Job, message: str) -> None:
    live = Attempt.objects.filter(job_id=job.pk).exclude(phase=AttemptPhase.FINAL).exclude(scheduler=None)
    scheduler_id = live.values_list("scheduler_id", flat=True).first()
    if scheduler_id is None:
        return
    if message:
        running = Job.objects.filter(pk=job.pk, _status__in=("RUN", "VAR"))
        running.update(status_message=fitting(message))
    nudge(scheduler_id)


def _tell(job: Job, known: dict[str, Any]) -> bool:
    """False if the job is not at work. A final status of the app's own counts as active, but has an end."""
    at_work = Job.objects.filter(pk=job.pk, stage=states.AT_WORK, completion_time=None)
    return bool(at_work.update(**known)) if known else at_work.exists()


def _go_on(job: Job, status: str, message: str, by: Actor, known: dict[str, Any]) -> None:
    code = status_code(status)
    known["other_status"] = status if code == "OTH" else ""
    if code in ("RUN", "VAR", "OTH") and job.start_time is None:
        known["start_time"] = timezone.now()
    before = [state for state in states.ACTIVE if state == code or states.may_follow(state, code)]
    with transaction.atomic():
        _attempt_under_way(job, status)
        if not move(job.pk, before, code, by=by, why=message, attempt=job.number_of_attempts, **known):
            raise refuse(job, f"report {status!r} for", _CURE)


_CURE = "Execute it first; after its end, resubmit it."


def _attempt_under_way(job: Job, status: str) -> Attempt:
    rows = Attempt.objects.select_for_update().filter(job_id=job.pk, phase=AttemptPhase.SENT)
    attempt = rows.first()
    if attempt is None:
        raise refuse(job, f"report {status!r} for", _CURE)
    return attempt


def _end(
    job: Job, status: str, message: str, exit_code: int | None, by: Actor, known: dict[str, Any]
) -> None:
    """Over at once, unless a function has to process the results: that may take long."""
    code = status_code(status)
    known |= {"other_status": status if code == "OTH" else "", "progress": None}
    with transaction.atomic():
        attempt = _attempt_under_way(job, status)
        attempt.exit_code, attempt.ended = exit_code, timezone.now()
        over = {"status": code, "reason": message, "exit_code": exit_code, "ended": attempt.ended}
        Attempt.objects.filter(pk=attempt.pk).update(**over, phase=AttemptPhase.FETCHING)
        if not job._process_results_function:
            done = int(code == "COM")
            counts = {"slices_done": done, "slices_failed": 1 - done}
            close(attempt, code, message, by, **{**counts, **known})
            return
        Job.objects.filter(pk=job.pk).update(**known)
    if not hand_over(attempt.pk):
        finish(attempt.pk, None, new_holder())
