"""The buttons. Each one is a verb of the lifecycle, from this list and no other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from jobs_app import permissions
from jobs_app.errors import NotAllowed, RoostError
from jobs_app.models import Job

from .security import ONLY_LOOK, ONLY_OWNER, Request, job_for


@dataclass(frozen=True)
class Action:
    name: str
    word: str
    said: str
    offered: Callable[[Job], bool]
    question: str = ""
    verb: str = ""  # of the job, where it has another name

    @property
    def danger(self) -> bool:
        return bool(self.question)

    @property
    def right(self) -> str:
        return permissions.EDIT if self.name == "delete" else permissions.ACT


ACTIONS = {
    action.name: action
    for action in (
        Action(
            "execute",
            "Run",
            "It is on its way.",
            lambda job: not job.frozen and job.cached_status == "Pending",
        ),
        Action(
            "pause",
            "Pause",
            "It will pause.",
            lambda job: job.state.active and job.state.code not in ("PAS", "HLD"),
        ),
        Action("resume", "Resume", "It goes on.", lambda job: job.state.code in ("PAS", "HLD")),
        Action("stop", "Stop", "It will stop.", lambda job: job.state.active, "Stop this job?"),
        Action(
            "rerun",
            "Rerun what failed",
            "The failed slices run again.",
            lambda job: job.state.code in ("ERR", "VCP", "ABT"),
            verb="rerun_failed",
        ),
        Action("resubmit", "Run again", "A new attempt begins.", lambda job: job.is_final),
        Action(
            "delete",
            "Delete",
            "It is deleted.",
            lambda job: not job.state.active,
            "Delete this job and all its files?",
        ),
    )
}


def offered(job: Job) -> list[Action]:
    return [action for action in ACTIONS.values() if action.offered(job)]


@require_POST
def job_action(request: Request, pk: int, name: str) -> HttpResponse:
    action = ACTIONS.get(name)
    if action is None:
        raise Http404
    job = job_for(request.user, pk)
    if not permissions.allowed(request.user, action.right, job):
        raise PermissionDenied(ONLY_OWNER if action.right == permissions.EDIT else ONLY_LOOK)
    try:
        getattr(job, action.verb or action.name)(user=request.user)
    except NotAllowed as error:
        raise PermissionDenied(str(error)) from error
    except RoostError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, action.said)
    return redirect("jobs") if name == "delete" else redirect("job", pk)
