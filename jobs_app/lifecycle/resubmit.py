"""Another attempt at a job that is over: at all of it, or only at what did not end well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from jobs_app import states
from jobs_app.errors import Invalid, WrongState
from jobs_app.jobdir.layout import SYNTHESIS
from jobs_app.models import Attempt, Job
from jobs_app.situation import ranges
from jobs_app.states import SliceState

from . import blocks, quota, workflow
from .actors import Actor, acting
from .begin import begin
from .capture import capture
from .change import refuse
from .close import live_attempt
from .execute import first_fields, make_directory
from .limits import checked_limits, described
from .prepare import gone
from .work import Work

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

CURE = "Only a job that is over can be tried again. Stop it first, or resume() it if it is held."
_OVER = (*states.FINAL, "OTH")


def resubmit(
    job: Job,
    user: AbstractUser | None = None,
    why: str = "",
    slices: Sequence[int] | None = None,
    **limits: object,
) -> None:
    """A new attempt at the whole job, with new limits if given. What the former one left is kept. Of chosen
    slices only: the others stay as they ended."""
    by = acting(job, user)
    job.refresh_from_db()
    _check(job)
    former = _last_attempt(job)
    if slices is not None:
        return _again_chosen(job, former, by, why or "Resubmitted.", slices, limits)
    if former is None:
        return _begin_first(job, by, why or "Resubmitted.", limits)
    _look_for_directory(job)
    return _again(job, Work.from_json(former.work), by, why or "Resubmitted.", limits)


def _again_chosen(
    job: Job,
    former: Attempt | None,
    by: Actor,
    why: str,
    slices: Sequence[int],
    limits: Mapping[str, object],
) -> None:
    if former is None:
        raise WrongState(f"Job {job.pk} ({job.name!r}) has never run, so none of its slices has.")
    _look_for_directory(job)
    work = Work.from_json(former.work)
    kept = _but_chosen(job, work, blocks.whole(former.pk), slices)
    why = f"{why} Slices {ranges(slices)} run again."
    _again(job, work.inheriting(former.number), by, why, limits, kept)


def _but_chosen(job: Job, work: Work, found: Mapping[str, bytes], slices: Sequence[int]) -> dict[str, bytes]:
    """The former states, with the chosen slices waiting again."""
    states = bytearray(found.get(work.counted, b""))
    for number in slices:
        if not 0 <= number < len(states):
            raise Invalid(f"Job {job.pk} has no slice {number}: its slices are 0 to {len(states) - 1}.")
        states[number] = SliceState.WAITING
    if not work.independent and set(states) - {SliceState.DONE, SliceState.WAITING}:
        raise WrongState(
            f"Other slices of job {job.pk} did not end well, and its synthesis needs them all. "
            "Use rerun_failed()."
        )
    kept = {step: bytes(len(data)) if step == SYNTHESIS else data for step, data in found.items()}
    return {**kept, work.counted: bytes(states)}


def rerun_failed(job: Job, user: AbstractUser | None = None, **limits: object) -> None:
    """A new attempt at the slices that did not end well; the results of the others are kept."""
    by = acting(job, user)
    job.refresh_from_db()
    _check(job)
    former = _last_attempt(job)
    if former is None:
        raise WrongState(
            f"Job {job.pk} ({job.name!r}) has never run: there is nothing to rerun. Submit it again whole."
        )
    _look_for_directory(job)
    found = blocks.whole(former.pk)
    if all(set(data) <= {SliceState.DONE} for data in found.values()):
        raise WrongState(
            f"No slice of job {job.pk} ({job.name!r}) has failed. To run all again, resubmit it."
        )
    work = Work.from_json(former.work)
    kept = workflow.again(work, _inherited(found)) if work.graph else _inherited(found)
    _again(job, work.inheriting(former.number), by, "The slices that failed are run again.", limits, kept)


def _check(job: Job) -> None:
    if job._status == "PEN" or live_attempt(job):
        raise refuse(job, "resubmit", CURE)
    quota.check_execute(job)


def _begin_first(job: Job, by: Actor, why: str, limits: Mapping[str, object]) -> None:
    """It was stopped before it was ever executed."""
    job.parameters.update(checked_limits(job, limits))
    captured = capture(job)
    make_directory(job, captured)
    if not begin(job, _OVER, captured.work, by, why, **first_fields(job, captured)):
        raise refuse(job, "resubmit", CURE)


def _again(
    job: Job,
    work: Work,
    by: Actor,
    why: str,
    limits: Mapping[str, object],
    former: dict[str, bytes] | None = None,
) -> None:
    given = checked_limits(job, limits)
    fields = {"parameters": {**job.parameters, **given}} if given else {}
    why = f"{why} {described(job.parameters, given, by)}" if given else why
    if not begin(job, _OVER, work, by, why, former, **fields):
        raise refuse(job, "resubmit", CURE)


def _last_attempt(job: Job) -> Attempt | None:
    return Attempt.objects.filter(job_id=job.pk).order_by("-number").first()


def _look_for_directory(job: Job) -> None:
    if not job.directory.is_dir():
        raise gone(job.directory)


_KEPT = bytes(SliceState.DONE if state == SliceState.DONE else SliceState.WAITING for state in range(256))


def _inherited(found: Mapping[str, bytes]) -> dict[str, bytes]:
    """What was done stays done. The synthesis belongs to the attempt: it always runs again."""
    return {
        step: bytes(len(data)) if step == SYNTHESIS else data.translate(_KEPT) for step, data in found.items()
    }
