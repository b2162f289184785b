"""Who does what to a job, as its history tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobs_app.errors import NotAllowed
from jobs_app.models import Job

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser


@dataclass(frozen=True)
class Actor:
    name: str
    user_id: int | None = None


PROGRAM = Actor("program")
COURIER = Actor("courier")
SWEEPER = Actor("sweeper")
RETENTION = Actor("retention")


def pool(scheduler: str) -> Actor:
    return Actor(f"pool {scheduler}")


def acting(job: Job, user: AbstractUser | None) -> Actor:
    """The user as an actor; without one the calling program acts, which needs nobody's leave."""
    if user is None:
        return PROGRAM
    if not _may_act(user, job):
        raise NotAllowed(
            f"{user.get_username()} may not act on job {job.pk} ({job.name!r}): it belongs to "
            f"{job.user or 'nobody'}. Ask them, or an administrator."
        )
    return Actor(user.get_username(), user.pk)


def _may_act(user: AbstractUser, job: Job) -> bool:
    """The owner, the members of the groups that it was shared with, and who may act on everybody's jobs."""
    if user.pk == job.user_id or user.is_staff or user.has_perm("jobs_app.jobs_table_actions"):
        return True
    return not job._state.adding and job.groups.filter(user=user.pk).exists()
