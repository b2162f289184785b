"""The jobs that somebody may see, newest first, a page at a time. A page is found by the key of the last row
before it, so the thousandth is as fast as the first."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from jobs_app import inspection, permissions, states
from jobs_app.models import Job

from . import cells
from .security import Request

PAGE = 50


@dataclass(frozen=True)
class Chosen:
    """What was asked for, as far as it makes sense."""

    status: str = ""
    mine: bool = False
    before: int = 0

    @classmethod
    def of(cls, request: HttpRequest) -> Chosen:
        status, before = request.GET.get("status", ""), request.GET.get("before", "")
        known = status == "active" or status in states.JOB_STATES
        number = int(before) if before.isascii() and before.isdigit() and len(before) < 19 else 0
        return cls(status if known else "", bool(request.GET.get("mine")), number)

    def address(self, before: int = 0) -> str:
        wanted = {"status": self.status, "mine": "1" if self.mine else "", "before": before or ""}
        query = urlencode({name: value for name, value in wanted.items() if value})
        return reverse("jobs") + (f"?{query}" if query else "")


def jobs(request: Request) -> HttpResponse:
    chosen = Chosen.of(request)
    found = page(request.user, chosen)
    rows, rest = found[:PAGE], found[PAGE:]
    may_see_all = permissions.sees_all(request.user)
    context: dict[str, Any] = {
        "rows": [_row(job) for job in rows],
        "chosen": chosen,
        "states": states.CHOICES,
        "active": any(job.state.active for job in rows),
        "may_see_all": may_see_all,
        "everybodys": may_see_all and not chosen.mine,
        "newest": chosen.address(),
        "older": chosen.address(rows[-1].pk) if rest else "",
    }
    return render(request, "jobs/list.html", context)


def page(user: User, chosen: Chosen) -> list[Job]:
    """One job more than a page holds, if there is one."""
    if permissions.sees_all(user):
        return _newest(_own(user, chosen) if chosen.mine else Job.objects.all(), chosen)
    own = _newest(_own(user, chosen), chosen)
    shared = _newest(permissions.shared_with(user).exclude(user=user), chosen)
    return heapq.nlargest(PAGE + 1, [*own, *shared], key=lambda job: job.pk)


def _own(user: User, chosen: Chosen) -> QuerySet[Job]:
    """Jobs that are not Complete are few, whoever has them: the index of states finds them. The sum keeps the
    database from using that of the owners, which would lead it through all the Complete ones."""
    if chosen.status and chosen.status != "COM":
        return Job.objects.alias(owner=F("user_id") + 0).filter(owner=user.pk)
    return Job.objects.filter(user=user)


def _newest(rows: QuerySet[Job], chosen: Chosen) -> list[Job]:
    if chosen.status == "active":
        rows = rows.filter(_status__in=states.ACTIVE)
    elif chosen.status:
        rows = rows.filter(_status=chosen.status)
    if chosen.before:
        rows = rows.filter(pk__lt=chosen.before)
    big = "parameters", "statepoint"
    return list(rows.select_related("user").defer(*big).order_by("-pk")[: PAGE + 1])


def _row(job: Job) -> dict[str, Any]:
    return {"job": job, "bar": cells.bar(job), "time": inspection.duration(job.run_time)}
