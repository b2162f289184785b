"""New limits for a job that has not ended: what helps one that is held because it used too much."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from django.db import transaction

from jobs_app.errors import BadParameter
from jobs_app.job_types import checked_parameters
from jobs_app.models import Job

from .actors import acting
from .change import note, refuse
from .close import live_attempt
from .task import resources_of
from .wish import CHANGE, Wish, want

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

LIMITS = ("cpus", "memory", "disk", "gpus", "wall_time")


def change_limits(job: Job, user: AbstractUser | None = None, **limits: object) -> None:
    """For the slices' next start; resume() what is held. As in create_job: memory="2 GB", wall_time="3h"."""
    by = acting(job, user)
    unknown = sorted(limits.keys() - set(LIMITS))
    if unknown:
        raise BadParameter(f"{unknown[0]!r} is not a limit. There are: {', '.join(LIMITS)}.")
    given = checked_parameters(job.type, limits)
    with transaction.atomic():
        attempt = live_attempt(job)
        row = Job.objects.select_for_update().filter(pk=job.pk).first()
        if attempt is None or row is None:
            raise refuse(job, "change the limits of", "Resubmit it, or create another job.")
        row.parameters.update(given)
        Job.objects.filter(pk=job.pk).update(parameters=row.parameters)
        why = f"{by.name} set {', '.join(f'{name} = {value}' for name, value in given.items())}."
        wish = Wish(CHANGE, why, resources=asdict(resources_of(row.parameters)))
        if not want(attempt, wish, by):
            note(job.pk, by, why, attempt=attempt.number)
    job.parameters = row.parameters
