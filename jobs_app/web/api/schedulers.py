"""/schedulers: the pools that jobs go to, and how they are."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import Http404
from ninja import Router, Schema
from pydantic import Field

from jobs_app import compute, health, permissions
from jobs_app.models import Scheduler

from .door import Request, door
from .types import Text

router = Router(tags=["schedulers"])


class SchedulerOut(Schema):
    name: str
    kind: str
    paused: bool
    draining: bool
    last_contact: datetime | None
    failing: bool = Field(description="the last try to reach it failed")
    details: dict[str, Any] | None = Field(
        description="for operators only: its address, how it is, and `troubles` in words"
    )


@router.get(
    "/schedulers", response=list[SchedulerOut], auth=door("schedulers:read"), summary="The schedulers"
)
def schedulers(request: Request) -> Any:
    return [_scheduler(row, request.auth) for row in compute.list_schedulers()]


@router.get(
    "/schedulers/{name}", response=SchedulerOut, auth=door("schedulers:read"), summary="One scheduler"
)
def scheduler(request: Request, name: Text) -> Any:
    row = Scheduler.objects.filter(name=name).first()
    if row is None:
        raise Http404
    return _scheduler(row, request.auth)


def _scheduler(row: Scheduler, person: Any) -> dict[str, Any]:
    return {
        "name": row.name,
        "kind": row.kind,
        "paused": bool(row.paused),
        "draining": bool(row.draining),
        "last_contact": row.last_contact,
        "failing": row.failures > 0,
        "details": _details(row) if permissions.sees_all(person) else None,
    }


def _details(row: Scheduler) -> dict[str, Any]:
    """Named one by one: what else a row holds may be secret."""
    reached = {"host": row.host, "port": row.port, "username": row.username}
    return {**reached, **health.of(row)}
