"""Why a job waits, is held or has failed, and what can be done about it: as buttons, each a verb of the
lifecycle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from jobs_app import permissions, situation
from jobs_app.errors import NotAllowed, RoostError
from jobs_app.lifecycle import holds, idle
from jobs_app.models import Job

from .security import ONLY_LOOK, Request, job_for

LIMITS = {"memory": "MB", "disk": "MB", "wall_time": "s", "cpus": "", "gpus": ""}
MOST_REMOVED = 10_000
_ENDED_BADLY = ("ERR", "VCP", "ABT")


@dataclass(frozen=True)
class Cure:
    name: str
    word: str
    main: bool = False
    limit: str = ""  # what it raises, if anything
    value: str = ""  # to what, if nobody says otherwise
    unit: str = ""
    question: str = ""


@dataclass(frozen=True)
class Why:
    reason: str
    advice: str
    cures: list[Cure]


def why(job: Job, *, may_act: bool) -> Why | None:
    """None for a job that is not held, has not failed, and waits for nothing that could be helped."""
    found: Why | None
    if job.state.code == "HLD" or job.slices_held:
        found = _held(job)
    elif job.state.code in _ENDED_BADLY:
        found = Why(job.status_message, "", _for_failed(job))
    else:
        found = _idle(job)
    if found is None:
        return None
    return found if may_act else Why(found.reason, found.advice, [])


def _held(job: Job) -> Why:
    attempt = job.attempts.order_by("-number").first()
    reason = (attempt.reason if attempt else "") or job.status_message
    code = situation.hold_code(reason)
    limit = holds.limit(code, reason)
    cures = [Cure("release", "Let it go on as it is", main=not limit)]
    advice = "" if limit else holds.CURES.get(code, "")
    if limit:
        used = situation.most_used(job, limit)
        more = str(holds.suggested(limit, job.parameters, used))
        advice = f"It has used {used:.4g} {holds.UNITS[limit]} of {limit}." if used else ""
        cures.insert(0, Cure("raise", "Raise and let it go on", True, limit, more, holds.UNITS[limit]))
    question = "Stop the held slices? What they were to do stays undone."
    return Why(reason, advice, [*cures, Cure("remove", "Stop what is held", question=question)])


def _idle(job: Job) -> Why | None:
    """It asks for more than any machine has: then it waits for ever. The reason stands above, as a badge."""
    texts = [badge.text for badge in situation.badges(job) if badge.kind == situation.IDLE]
    limit = next(filter(None, map(idle.fitting, texts)), None)
    if limit is None:
        return None
    name, most = limit
    advice = "It waits until there is such a machine. If less will do, it goes on with that."
    return Why(
        "", advice, [Cure("less", "Ask for so much", True, name, str(most), holds.UNITS.get(name, ""))]
    )


def _for_failed(job: Job) -> list[Cure]:
    more = str(holds.suggested("memory", job.parameters))
    return [
        Cure("rerun", "Rerun what failed", main=True),
        Cure("rerun-more", "Rerun it with more memory", limit="memory", value=more, unit="MB"),
        Cure("resubmit", "Run again"),
    ]


@require_POST
def cure(request: Request, pk: int, name: str) -> HttpResponse:
    verb = VERBS.get(name)
    if verb is None:
        raise Http404
    job = job_for(request.user, pk)
    if not permissions.may_act(request.user, job):
        raise PermissionDenied(ONLY_LOOK)
    try:
        getattr(job, verb)(user=request.user, **_posted(request, job, name))
    except NotAllowed as error:
        raise PermissionDenied(str(error)) from error
    except RoostError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _SAID[name])
    return redirect("job", pk)


def _posted(request: Request, job: Job, name: str) -> dict[str, Any]:
    limit, value = request.POST.get("limit", ""), request.POST.get("value", "").strip()[:40]
    return given(job, name, limit, value)


def given(job: Job, name: str, limit: str, value: str) -> dict[str, Any]:
    """What the cure's verb is given."""
    if name == "remove":
        held = job.held_slices(limit=MOST_REMOVED)
        return {"slices": held} if 0 < len(held) < job.slices_total else {}
    if name not in ("raise", "rerun-more", "less") or limit not in LIMITS or not value:
        return {}
    return {limit: _with_unit(value, LIMITS[limit])}


def _with_unit(value: str, unit: str) -> str | int:
    if not (value.isascii() and value.isdecimal()):
        return value
    return f"{value}{unit}" if unit else int(value)


VERBS = {
    "release": "resume",
    "raise": "resume",
    "less": "change_limits",
    "remove": "stop",
    "rerun": "rerun_failed",
    "rerun-more": "rerun_failed",
    "resubmit": "resubmit",
}
_SAID = {
    "release": "It goes on.",
    "raise": "It gets more and goes on.",
    "less": "It asks for so much from now on.",
    "remove": "What is held will stop.",
    "rerun": "The failed slices run again.",
    "rerun-more": "The failed slices run again, with more.",
    "resubmit": "A new attempt begins.",
}
