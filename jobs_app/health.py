"""How schedulers are: what their couriers last saw, joined with the rows. Cheap with any number of jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Count
from django.utils import timezone

from jobs_app.lifecycle import lease, logins, room
from jobs_app.lifecycle.link import damaged_segments
from jobs_app.lifecycle.pausing import why_not_sending
from jobs_app.lifecycle.vitals import WRITE_EVERY, quantile
from jobs_app.models import Attempt, AttemptPhase, Batch, Scheduler

HOUR = timedelta(hours=1)
MOST_BATCHES = 5000  # of the last hour, that are looked at
BLIND = 60.0  # seconds without a reading, after which our view is called old
DEPTH = {
    "blocked": AttemptPhase.BLOCKED,
    "waiting": AttemptPhase.WAITING,
    "sending": AttemptPhase.SENDING,
    "on_pool": AttemptPhase.SENT,
    "fetching": AttemptPhase.FETCHING,
    "processing": AttemptPhase.PROCESSING,
}

Health = dict[str, Any]


def of_all() -> list[Health]:
    return [of(scheduler) for scheduler in Scheduler.objects.all()]


def of(scheduler: Scheduler) -> Health:
    """For pages, commands and programs. Times are in UTC; ages and durations in seconds."""
    known: Health = {
        "name": scheduler.name,
        "kind": scheduler.kind,
        "sends": not why_not_sending(scheduler),
        "why_not": why_not_sending(scheduler),
        "paused": _state(scheduler.paused, scheduler.paused_since, by=scheduler.paused_by or "hand"),
        "draining": _state(scheduler.draining, scheduler.draining_since, why=scheduler.draining_why),
        "courier": _courier(scheduler),
        "queue": depth(scheduler),
        "users": _users(scheduler),
        "submit": submit_times(scheduler),
        "view": _view(scheduler),
        "logins": _logins(scheduler),
        "limits": _limits(scheduler),
        "link": _link(scheduler),
        "damaged": {segment.name: segment.damaged for segment in damaged_segments(scheduler)},
    }
    return {**known, "troubles": troubles(known)}


def _state(is_so: object, since: datetime | None, **more: str) -> Health | None:
    return {"since": _iso(since), **more} if is_so else None


def _courier(scheduler: Scheduler) -> Health:
    host, pid, *_ = [*scheduler.courier.split(":"), "", ""]
    alive = bool(scheduler.courier and scheduler.courier_until) and not _is_lost(scheduler)
    return {"alive": alive, "host": host, "pid": int(pid) if pid.isdigit() else None}


def _is_lost(scheduler: Scheduler) -> bool:
    return lease.is_lost(scheduler.courier, scheduler.courier_until)


def depth(scheduler: Scheduler) -> dict[str, int]:
    """Attempts by how far they have come. Those that are over are not read."""
    live = Attempt.objects.filter(scheduler=scheduler, phase__in=list(DEPTH.values()))
    found = dict(live.order_by().values_list("phase").annotate(count=Count("id")))
    return {name: found.get(phase, 0) for name, phase in DEPTH.items()}


def _users(scheduler: Scheduler) -> dict[str, dict[str, int]]:
    """What each has on the pool."""
    loads = room.loads_of(scheduler.pk)
    users: Any = get_user_model()
    found = users.objects.in_bulk(list(loads))
    return {_name(found.get(owner)): asdict(load) for owner, load in sorted(loads.items())}


def _name(user: Any) -> str:
    return user.get_username() if user else ""


def submit_times(scheduler: Scheduler) -> Health:
    """Of the last hour: from the decision to send a batch to the pool's word that it has it."""
    since = timezone.now() - HOUR
    sent = Batch.objects.filter(scheduler=scheduler, sent__gte=since).order_by("-sent")
    times = sent.values_list("created", "sent")[:MOST_BATCHES]
    seconds = sorted((sent - created).total_seconds() for created, sent in times if sent)
    if not seconds:
        return {"batches": 0, "p50": None, "p99": None}
    return {"batches": len(seconds), "p50": quantile(seconds, 0.5), "p99": quantile(seconds, 0.99)}


def _view(scheduler: Scheduler) -> Health:
    """How old what we know is: since when nothing was read, and how late events are recorded."""
    known: Mapping[str, Any] = scheduler.health
    read = datetime.fromisoformat(known["read"]) if known.get("read") else None
    age = round((timezone.now() - read).total_seconds(), 3) if read else None
    return {"read": known.get("read"), "age": age, "lag": known.get("lag")}


def _logins(scheduler: Scheduler) -> Health:
    return {
        "today": logins.today(scheduler),
        "this_hour": logins.this_hour(scheduler),
        "per_hour": scheduler.logins_per_hour,
    }


def _limits(scheduler: Scheduler) -> Health:
    names = ("max_attempts", "max_slices", "max_attempts_per_user", "max_slices_per_user")
    own = scheduler.user_limits.select_related("user").values_list(
        "user__username", "max_attempts", "max_slices"
    )
    each = {name: {"max_attempts": attempts, "max_slices": slices} for name, attempts, slices in own}
    return {**{name: getattr(scheduler, name) for name in names}, "of_users": each}


def _link(scheduler: Scheduler) -> Health:
    return {
        "failures": scheduler.failures,
        "last_error": scheduler.last_error,
        "retry_at": _iso(scheduler.retry_at),
        "last_contact": _iso(scheduler.last_contact),
    }


def _iso(time: datetime | None) -> str | None:
    return time.isoformat(timespec="seconds") if time else None


# --- in words ---------------------------------------------------------------------------------------------


def troubles(known: Health) -> list[str]:
    """What an operator should look at, one sentence each; none if all is well."""
    found = [f"{known['why_not']}."] if known["why_not"] else []
    queue, name = known["queue"], known["name"]
    busy = sum(queue.values()) - queue["blocked"]
    if busy and not known["courier"]["alive"] and known["kind"] != Scheduler.EXTERNAL:
        found.append(f"No courier works for {name}, and {busy} jobs need one.")
    if known["link"]["failures"] and not known["paused"]:
        found.append(f"{name} does not answer: {known['link']['last_error']}")
    age = known["view"]["age"]
    if queue["on_pool"] and known["courier"]["alive"] and age is not None and age > BLIND + WRITE_EVERY:
        found.append(f"Nothing was read from {name} for {age:.0f} s.")
    for segment, why in known["damaged"].items():
        found.append(f"The event log {segment} cannot be read, so its jobs are asked about: {why}")
    spent, budget = known["logins"]["this_hour"], known["logins"]["per_hour"]
    if budget and spent >= budget:
        found.append(f"All {budget} logins of this hour are used up.")
    return found
