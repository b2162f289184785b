"""/events: what happened, since a cursor."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import Field

from jobs_app import permissions
from jobs_app.models import History

from .door import Request, door, job_for
from .types import MOST, JobId

router = Router(tags=["events"])

# Rows may appear a little later than ones with higher numbers; after so long all have.
SETTLED = timedelta(seconds=2)


class Event(Schema):
    id: int
    job: int
    attempt: int
    at: datetime
    actor: str
    before: str = Field(description="status code before; empty if it stayed")
    after: str
    why: str


class Events(Schema):
    events: list[Event]
    next: int = Field(description="give it as `after` next time")


class Since(Schema):
    after: int = Field(default=0, ge=0, le=MOST)
    limit: int = Field(default=200, ge=1, le=1000)


@router.get("/jobs/{pk}/events", response=Events, auth=door("jobs:read"), summary="What happened to a job")
def of_job(request: Request, pk: JobId, since: Query[Since]) -> Any:
    rows = History.objects.filter(job=job_for(request, pk), pk__gt=since.after).order_by("pk")
    return _events(list(rows[: since.limit]), since)


@router.get("/events", response=Events, auth=door("jobs:read"), summary="What happened to all your jobs")
def of_all(request: Request, since: Query[Since]) -> Any:
    """Two seconds late, so that none is missed. Without `after`: only where to begin."""
    settled = History.objects.filter(at__lt=timezone.now() - SETTLED)
    if not since.after:
        last = settled.order_by("-pk").values_list("pk", flat=True).first()
        return {"events": [], "next": last or 0}
    rows = settled.filter(pk__gt=since.after).order_by("pk")
    seen = rows.filter(job__in=permissions.readable(request.auth).values("pk"))
    return _events(list(seen[: since.limit]), since)


def _events(rows: list[History], since: Since) -> dict[str, Any]:
    return {"events": [_event(row) for row in rows], "next": rows[-1].pk if rows else since.after}


def _event(row: History) -> dict[str, Any]:
    same = ("id", "attempt", "at", "actor", "before", "after", "why")
    return {"job": row.job_id, **{name: getattr(row, name) for name in same}}
