"""/jobs/{id}/actions/{name}: the verbs, from this list and no other; and the same for many jobs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.http import Http404
from ninja import Router, Schema, Status
from pydantic import Field

from jobs_app import permissions
from jobs_app.errors import Invalid, RoostError
from jobs_app.models import Job

from . import describe
from .door import Request, door, job_for
from .problems import Refused, status_of
from .types import Given, JobId, JobOut, Number

router = Router(tags=["actions"])

MOST = 1000


class ActionName(StrEnum):
    EXECUTE = "execute"
    STOP = "stop"
    PAUSE = "pause"
    RESUME = "resume"
    RELEASE = "release"
    RESUBMIT = "resubmit"
    RERUN = "rerun"
    CHANGE_LIMITS = "change-limits"
    DELETE = "delete"


@dataclass(frozen=True)
class Action:
    method: str
    slices: bool = False  # may be done to some slices only
    limits: bool = False  # takes new limits
    only_limits: bool = False  # without any it would do nothing
    verb: str = permissions.ACT


ACTIONS = {
    ActionName.EXECUTE: Action("execute"),
    ActionName.STOP: Action("stop", slices=True),
    ActionName.PAUSE: Action("pause", slices=True),
    ActionName.RESUME: Action("resume", slices=True, limits=True),
    ActionName.RELEASE: Action("resume", slices=True, limits=True),
    ActionName.RESUBMIT: Action("resubmit", limits=True),
    ActionName.RERUN: Action("rerun_failed", limits=True),
    ActionName.CHANGE_LIMITS: Action("change_limits", limits=True, only_limits=True),
    ActionName.DELETE: Action("delete", verb=permissions.EDIT),
}


class Limits(Given):
    """New ones, as when a job is created."""

    memory: int | str | None = None
    disk: int | str | None = None
    wall_time: int | str | None = None
    cpus: int | None = None
    gpus: int | None = None


class ActionIn(Given):
    slices: list[int] | None = Field(default=None, max_length=100_000, description="only these")
    limits: Limits | None = None


class ManyIn(ActionIn):
    action: ActionName
    ids: list[Number] = Field(min_length=1, max_length=MOST)


class Outcome(Schema):
    id: int
    status: int = Field(description="200, or what the action alone would have answered: 403, 404, 409, 422")
    detail: str


class Outcomes(Schema):
    done: int
    refused: int
    jobs: list[Outcome]


@router.post("/jobs/actions", response=Outcomes, auth=door("jobs:write"), summary="Act on many jobs")
def act_on_many(request: Request, body: ManyIn) -> Any:
    """Each by itself: what cannot be done to one does not stop the others."""
    outcomes = [_outcome(request, pk, body) for pk in dict.fromkeys(body.ids)]
    done = sum(outcome["status"] == 200 for outcome in outcomes)
    return {"done": done, "refused": len(outcomes) - done, "jobs": outcomes}


def _outcome(request: Request, pk: int, body: ManyIn) -> dict[str, Any]:
    try:
        _act(request, pk, body.action, body)
    except Http404:
        return {"id": pk, "status": 404, "detail": "There is no such job."}
    except Refused as error:
        return {"id": pk, "status": error.status, "detail": error.detail}
    except RoostError as error:
        return {"id": pk, "status": status_of(error), "detail": str(error)}
    return {"id": pk, "status": 200, "detail": ""}


@router.post(
    "/jobs/{pk}/actions/{action}",
    response={200: JobOut, 204: None},
    auth=door("jobs:write"),
    summary="Act on a job",
)
def act(request: Request, pk: JobId, action: ActionName, body: ActionIn | None = None) -> Any:
    """Returns at once with where the job stands; the pool is told by the job's courier. What the job's state
    does not allow is 409 and says what would help."""
    _act(request, pk, action, body or ActionIn())
    if action == ActionName.DELETE:
        return Status(204, None)
    return Status(200, describe.brief(job_for(request, pk), request.auth))


def _act(request: Request, pk: int, name: ActionName, body: ActionIn) -> None:
    action = ACTIONS[name]
    job: Job = job_for(request, pk, action.verb)
    given: dict[str, Any] = body.limits.model_dump(exclude_none=True) if body.limits else {}
    if given and not action.limits:
        raise Invalid(f"{name} takes no limits.")
    if action.only_limits and not given:
        raise Invalid(f'{name} needs limits, as {{"limits": {{"memory": "2 GB"}}}}.')
    if body.slices is not None:
        if not action.slices:
            raise Invalid(f"{name} is for the whole job, not for slices.")
        given["slices"] = body.slices
    getattr(job, action.method)(user=request.auth, **given)
