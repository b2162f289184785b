"""Waits until a job is over. Where no courier works for its scheduler, who waits does the courier's work."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack

from jobs_app.errors import JobHeld, WrongState
from jobs_app.models import Attempt, AttemptPhase, Job, JobDependency, Scheduler
from jobs_app.models.plain import one_row

from .close import live_attempt

# One round of a courier's work, which takes up to so many seconds; None where another courier does it.
Round = Callable[[float], object]
Helper = Callable[[int], AbstractContextManager[Round | None]]

_helpers: list[Helper] = []

HELD = ("HLD", "PAS")
QUIET = ("SUB", "RUN", "VAR")
SHORTEST, LONGEST = 0.002, 0.1  # seconds between two looks at the row
GRACE = 0.3  # seconds in which news of a held job may come that were on their way
WHILE = 1.0  # seconds until it is asked again whom to help


def help_with(helper: Helper) -> None:
    """The courier says how to lend it a hand: `helper(scheduler_id)`."""
    _helpers[:] = [helper]


def helpers() -> list[Helper]:
    return _helpers


def wait(job: Job, timeout: float | None = None) -> bool:
    """True when the job is over, False if `timeout` seconds pass first; JobHeld if only a person can help."""
    deadline = None if timeout is None else time.monotonic() + timeout
    looked = False  # what seldom is in the way is looked for only after a while
    while not _is_over(job):
        seconds = WHILE if deadline is None else min(WHILE, deadline - time.monotonic())
        if seconds <= 0:
            return False
        trouble = _trouble(job) if looked or job._status in HELD else ""
        _wait_a_while(job, min(seconds, GRACE) if trouble else seconds)
        if trouble and not _is_over(job) and trouble == _trouble(job):
            raise JobHeld(f"Job {job.pk} ({job.name!r}) is {job.cached_status}: {trouble}")
        looked = True
    return True


def _wait_a_while(job: Job, seconds: float) -> None:
    """Helps or sleeps until the job is over or in another state, or the time is up."""
    until, before = time.monotonic() + seconds, job._status
    with ExitStack() as stack:
        offers = [stack.enter_context(_helpers[0](pk)) for pk in _schedulers(job)] if _helpers else []
        rounds = [round_ for round_ in offers if round_ is not None]
        pause = SHORTEST
        while time.monotonic() < until:
            for round_ in rounds:
                round_(min(0.5, until - time.monotonic()) / len(rounds))
            if not rounds:
                time.sleep(pause)
                pause = min(pause * 1.5, LONGEST)
            if _is_over(job) or (job._status in HELD and job._status != before):
                return


def _is_over(job: Job) -> bool:
    """Looks at the row, and reads all of it when the job is over or held."""
    there = one_row(Job, "status, other_status", "id = %s", [job.pk])
    if there is not None and there[0] in QUIET:
        job._status, job.other_status = there
    elif there != (job._status, job.other_status):
        job.refresh_status()
    if job._status == "PEN":
        raise WrongState(f"Job {job.pk} ({job.name!r}) was not executed yet. Call execute() first.")
    return job.is_final


def _trouble(job: Job) -> str:
    """Why nothing will happen without a person; "" if something will."""
    attempt = live_attempt(job)
    if job._status in HELD:
        return "" if attempt and attempt.wish else job.status_message or "nobody said why."
    if attempt is None:
        return ""
    if attempt.phase == AttemptPhase.BLOCKED:
        return _never_executed(job)
    return _paused(attempt)


def _paused(attempt: Attempt) -> str:
    """Out of reach is left out, as that ends by itself. Where we are not let in, nothing is heard either."""
    scheduler = attempt.scheduler
    if scheduler is None or scheduler.paused_by == Scheduler.BY_REACH or not scheduler.paused:
        return ""
    if attempt.phase != AttemptPhase.WAITING and scheduler.paused_by != Scheduler.BY_ACCESS:
        return ""
    return f"its scheduler {scheduler} is paused: {scheduler.paused}"


def _never_executed(job: Job) -> str:
    pending = Job.objects.filter(dependents__job_id=job.pk, _status="PEN").order_by("pk").first()
    return f"it waits for job {pending.pk} ({pending.name!r}), which was not executed yet." if pending else ""


def _schedulers(job: Job) -> list[int]:
    """Of the job, the jobs that it waits for, and the subjobs that it has asked for."""
    found: dict[int, None] = {}
    seen: set[int] = set()
    asked = {job.pk}
    while asked:
        seen |= asked
        blocked: set[int] = set()
        running: set[int] = set()
        live = Attempt.objects.filter(job_id__in=asked).exclude(phase=AttemptPhase.FINAL)
        for job_id, phase, scheduler_id in live.values_list("job_id", "phase", "scheduler_id"):
            if phase == AttemptPhase.BLOCKED:
                blocked.add(job_id)
            elif phase != AttemptPhase.WAITING:
                running.add(job_id)
            if scheduler_id and phase != AttemptPhase.BLOCKED:
                found[scheduler_id] = None
        befores = _befores(blocked) if blocked else set()
        asked = (befores | (_subjobs(running) if running else set())) - seen
    return list(found)


def _befores(blocked: set[int]) -> set[int]:
    return set(JobDependency.objects.filter(job_id__in=blocked).values_list("before_id", flat=True))


def _subjobs(running: set[int]) -> set[int]:
    return set(Job.objects.filter(parent_id__in=running).values_list("pk", flat=True))
