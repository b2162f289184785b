"""New limits for a job's slices: what helps one that is held because it used too much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from django.db import transaction

from jobs_app.errors import BadParameter
from jobs_app.job_types import checked_parameters
from jobs_app.models import Attempt, Job
from jobs_app.situation import of_slices

from .actors import Actor, acting
from .change import note, refuse
from .close import live_attempt
from .programs import resources_of
from .wish import CHANGE, Wish, want
from .work import Work

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

LIMITS = {"cpus": "", "memory": " MB", "disk": " MB", "gpus": "", "wall_time": " s"}  # and their units


def change_limits(job: Job, user: AbstractUser | None = None, **limits: object) -> None:
    """For the slices' next start; resume() what is held. As in create_job: memory="2 GB", wall_time="3h"."""
    by = acting(job, user)
    attempt = live_attempt(job)
    if attempt is None:
        raise refuse(job, "change the limits of", "Resubmit it with other ones, or create another job.")
    set_limits(job, attempt, by, limits)


def set_limits(
    job: Job, attempt: Attempt, by: Actor, limits: Mapping[str, object], slices: Sequence[int] | None = None
) -> None:
    """In the job's row, and on its pool if that has it. Of some slices only on the pool."""
    given = checked_limits(job, limits)
    if slices is not None:
        return _set_of_slices(job, attempt, by, given, slices)
    with transaction.atomic():
        row = Job.objects.select_for_update().get(pk=job.pk)
        why = described(row.parameters, given, by)
        before = {name: row.parameters.get(name) for name in given}
        row.parameters.update(given)
        Job.objects.filter(pk=job.pk).update(parameters=row.parameters)
        wish = Wish(CHANGE, why, resources=asdict(resources_of(row.parameters)), before=before)
        if not want(attempt, wish, by):
            note(job.pk, by, why, attempt=attempt.number)
        Attempt.objects.filter(pk=attempt.pk).update(idle="", idle_asked=None)  # it waited with the former
    job.parameters = row.parameters
    return None


def _set_of_slices(
    job: Job, attempt: Attempt, by: Actor, given: Mapping[str, Any], slices: Sequence[int]
) -> None:
    wanted = {**job.parameters, **given}
    why = described(job.parameters, given, by, slices)
    step = Work.from_json(attempt.work).counted
    if not want(attempt, Wish(CHANGE, why, step, tuple(slices), asdict(resources_of(wanted))), by):
        raise refuse(job, "change the limits of some slices of", "They are not on a pool yet.")


def checked_limits(job: Job, limits: Mapping[str, object]) -> dict[str, Any]:
    foreign = sorted(limits.keys() - LIMITS.keys())
    if foreign:
        raise BadParameter(f"{foreign[0]!r} is not a limit. There are: {', '.join(LIMITS)}.")
    return checked_parameters(job.type, limits)


def described(
    before: Mapping[str, Any], given: Mapping[str, Any], by: Actor, slices: Sequence[int] = ()
) -> str:
    """ "Limits changed by alice: memory from 128 MB to 1024 MB." """
    changes = (
        f"{name} from {_said(name, before.get(name))} to {_said(name, value)}"
        for name, value in given.items()
    )
    return f"Limits changed by {by.name}{of_slices(slices)}: {', '.join(changes)}."


def _said(name: str, value: Any) -> str:
    return f"{value}{LIMITS[name]}" if value else "none"
