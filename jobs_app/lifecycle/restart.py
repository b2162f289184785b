"""A scheduler that had stopped by itself is tried again, because a person has acted."""

from __future__ import annotations

from jobs_app.models import Scheduler

from . import room
from .change import UNSENT
from .nudge import nudge


def as_if_new(scheduler: Scheduler) -> None:
    """What we knew of its link, and why it had stopped by itself, is forgotten. What an administrator paused
    stays paused."""
    scheduler.refresh_from_db(fields=["paused", "paused_by"])
    by_itself = scheduler.paused_by in (Scheduler.BY_ACCESS, Scheduler.BY_REACH)
    known: dict[str, object] = {"failures": 0, "retry_at": None, "last_error": ""}
    if by_itself:
        known |= {"paused": "", "paused_by": "", "paused_since": None}
    Scheduler.objects.filter(pk=scheduler.pk).update(**known)
    for name, value in known.items():
        setattr(scheduler, name, value)
    for owner in room.waiting_owners(scheduler.pk) if by_itself else ():
        room.tell_waiting(scheduler, owner, f"{UNSENT}{scheduler}.")
    nudge(scheduler.pk)
