"""The pools and how they are. Everybody sees whether jobs are sent there; the staff sees more, and acts."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from jobs_app import audit, compute, health, permissions
from jobs_app.errors import RoostError
from jobs_app.lifecycle import checkups, pausing
from jobs_app.lifecycle.actors import Actor
from jobs_app.models import Scheduler
from jobs_app.pools.findings import OK

from .security import Request

LONGEST_WHY = 300
LEVELS = {OK: "success", "warn": "warning"}


@require_safe
def schedulers(request: Request) -> HttpResponse:
    may_act = request.user.is_staff
    rows = [
        {"row": row, "known": _shown(health.of(row), may_see=permissions.sees_all(request.user))}
        for row in compute.list_schedulers()
    ]
    return render(request, "schedulers.html", {"rows": rows, "may_act": may_act})


def _shown(known: dict[str, Any], *, may_see: bool) -> dict[str, Any]:
    """Names of users, machines and errors are for those who may see everybody's jobs."""
    if may_see:
        return known
    open_ones = ("name", "kind", "sends", "why_not", "queue")
    return {**{name: known[name] for name in open_ones}, "few": True}


@require_POST
def scheduler_action(request: Request, name: str, action: str) -> HttpResponse:
    if not request.user.is_staff:
        raise PermissionDenied("Schedulers are for the staff to act on.")
    row = Scheduler.objects.filter(name=name).first()
    if row is None or action not in _ACTIONS:
        raise Http404
    by = Actor(request.user.get_username()[:100], request.user.pk)
    try:
        _ACTIONS[action](request, row, by)
    except RoostError as error:
        messages.error(request, str(error))
    return redirect("schedulers")


def _drain(request: Request, row: Scheduler, by: Actor) -> None:
    pausing.drain(row, by, request.POST.get("why", "")[:LONGEST_WHY])
    messages.success(request, f"Nothing more is sent to {row}. What runs there goes on.")


def _resume(request: Request, row: Scheduler, by: Actor) -> None:
    with transaction.atomic():
        was = pausing.resume(row)
        audit.write(by.name, by.user_id, f"Resumed scheduler {row}: {was or pausing.NEITHER}")
    messages.success(request, f"{row} goes on.")


def _check(request: Request, row: Scheduler, by: Actor) -> None:
    """Without a test job: that takes longer than a page may."""
    audit.write(by.name, by.user_id, f"Checked scheduler {row}.")
    for finding in checkups.check(row, lambda _: None, job=False):
        cure = f" {finding.cure}" if getattr(finding, "cure", "") else ""
        level = LEVELS.get(finding.level, "error")
        messages.add_message(
            request, _LEVELS[level], f"{finding.what}: {finding.said}{cure}", extra_tags=level
        )


_LEVELS = {"success": messages.SUCCESS, "warning": messages.WARNING, "error": messages.ERROR}
_ACTIONS = {"drain": _drain, "resume": _resume, "check": _check}
