"""A scheduler that had stopped by itself is tried again, because a person has acted."""

from __future__ import annotations

from jobs_app.models import Scheduler


def as_if_new(scheduler: Scheduler) -> None:
    """A person has acted, so it is tried again at once: what we knew of its link, and why it had stopped by
    itself, is forgotten. What an administrator paused stays paused."""
    known: dict[str, object] = {"failures": 0, "retry_at": None, "last_error": ""}
    scheduler.refresh_from_db(fields=["paused_by"])
    if scheduler.paused_by in (Scheduler.BY_ACCESS, Scheduler.BY_REACH):
        known |= {"paused": "", "paused_by": "", "paused_since": None}
    Scheduler.objects.filter(pk=scheduler.pk).update(**known)
    for name, value in known.items():
        setattr(scheduler, name, value)
