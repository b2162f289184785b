"""Who does what to a job, as its history tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobs_app import origin
from jobs_app.errors import NotYours
from jobs_app.models import Job
from jobs_app.permissions import ACT, allowed

if TYPE_CHECKING:
    from jobs_app.permissions import Person


@dataclass(frozen=True)
class Actor:
    name: str
    user_id: int | None = None


PROGRAM = Actor("program")
COURIER = Actor("courier")
SWEEPER = Actor("sweeper")
RETENTION = Actor("retention")


SCHEDULER = Actor("its scheduler")  # of an EXTERNAL job


def is_somebody(actor: Actor) -> bool:
    """Whether the audit trail tells of it: a person, a service, an operator, or what came from outside; not
    what follows by itself."""
    if actor.user_id is not None or actor.name.startswith(("service ", "operator ")):
        return True
    return origin.now() is not None and actor in (PROGRAM, SCHEDULER)


def pool(scheduler: str) -> Actor:
    return Actor(f"pool {scheduler}")


def acting(job: Job, user: Person | None, verb: str = ACT) -> Actor:
    """The user as an actor; without one the calling program acts, which needs nobody's leave."""
    if user is None:
        return PROGRAM
    if not allowed(user, verb, job):
        raise NotYours(
            f"{user.get_username()} may not act on job {job.pk} ({job.name!r}): it belongs to "
            f"{job.user or 'nobody'}. Ask them, or an administrator."
        )
    return Actor(user.get_username()[:100], user.pk)
