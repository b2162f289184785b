"""/jobs: make, list, look at, change, delete."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from django.db import transaction
from django.http import HttpResponse
from ninja import Header, Query, Router, Schema, Status
from pydantic import Field

from jobs_app import audit, lifecycle, listing, orders, permissions, sharing
from jobs_app.errors import Invalid
from jobs_app.models import Job
from jobs_app.parameters import job_name, json_mapping

from . import describe, why
from .answers import not_modified
from .door import Request, door, job_for
from .types import Given, JobDetail, JobId, JobOut, Moment, Name, Number, Text

router = Router(tags=["jobs"])

CHECKED_TOGETHER = {"method", "options", "datasets", "jobs"}


class NewShare(Given):
    group: Name
    may: Literal["read", "act"] = "read"


class NewJob(Given):
    name: Text = Field(description="{id} in it becomes the job's number")
    parameters: dict[str, Any] = Field(
        default={}, description="this job's own; they win over the common ones"
    )


class NewJobs(Given):
    """One job: give `name`. Many: give `jobs`."""

    app: Text
    template: Text | None = None
    type: Text | None = Field(default=None, description="instead of a template; needs a permission")
    name: Text | None = None
    jobs: list[NewJob] | None = None
    parameters: dict[str, Any] = Field(
        default={}, description="of all these jobs; they win over the template's"
    )
    shares: list[NewShare] = Field(default=[], max_length=100)
    execute: bool = Field(default=False, description="hand them over at once")


class Created(Schema):
    jobs: list[JobOut]
    replayed: bool = Field(description="these jobs were there already: the same call was made before")


class JobPage(Schema):
    jobs: list[JobOut]
    next: str | None = Field(description="the cursor of the next page; null at the end")
    complete: bool = Field(
        description="false: time was up before the page was full; `next` goes on searching"
    )
    count: int | None = Field(default=None, description="with count=true: how many there are")
    count_exact: bool | None = Field(default=None, description="false: at least so many")


class Filters(Schema):
    """What is left out does not matter; all that is given must hold."""

    status: list[Text] = Field(default=[], description="codes or words, `active`, `final`", max_length=50)
    app: Text = ""
    template: Text = ""
    type: Text = ""
    method: Text = ""
    user: Text = Field(default="", description="a user's name; `me`: your own jobs")
    scheduler: Text = ""
    parent: Number | None = None
    id: list[Number] = Field(default=[], description="these jobs", max_length=500)
    created_after: Moment | None = None
    created_before: Moment | None = None
    ended_after: Moment | None = None
    ended_before: Moment | None = None
    statepoint: Text = Field(default="", description='JSON: {"a": 1, "b.c": {"$lt": 5}}', max_length=4000)
    text: Text = Field(default="", description="in name or description, or the job's number", max_length=200)
    sort: Literal["created", "-created", "ended", "-ended", "name", "-name"] = "-created"
    cursor: Text = Field(default="", max_length=2000)
    limit: int = Field(default=listing.PAGE, ge=1, le=listing.LARGEST_PAGE)
    count: bool = False


Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="The same call under the same key makes no second jobs.",
    ),
]


@router.post(
    "/jobs", response={201: Created, 200: Created}, auth=door("jobs:write"), summary="Make one job or many"
)
def create(request: Request, body: NewJobs, idempotency_key: Key = None) -> Any:
    """All or none. Under an `Idempotency-Key` the same call makes them once: repeated, it answers 200 with
    the same jobs; with another body it is refused (422)."""
    order = _order(body)
    if idempotency_key:
        jobs, replayed = orders.create_once(request.auth, idempotency_key, order)
    else:
        jobs, replayed = orders.create(request.auth, order), False
    if body.execute:
        _execute(jobs, request.auth)
    told = {"jobs": describe.briefs(jobs, request.auth), "replayed": replayed}
    return Status(200 if replayed else 201, told)


def _order(body: NewJobs) -> orders.Order:
    if (body.name is None) == (body.jobs is None):
        raise Invalid("Give `name` for one job, or `jobs` for many; one of the two.")
    many = [NewJob(name=body.name)] if body.name is not None else body.jobs or []
    return orders.Order(
        app=body.app,
        jobs=[(job.name, job.parameters) for job in many],
        template=body.template,
        type=body.type,
        parameters=body.parameters,
        shares=[orders.Share(share.group, share.may) for share in body.shares],
    )


def _execute(jobs: list[Job], person: Any) -> None:
    """Those that an earlier call has not handed over yet."""
    pending = [job for job in jobs if job.state.code == "PEN" and not job.frozen]
    lifecycle.execute_jobs(pending, person)


# --- look -----------------------------------------------------------------------------------------------


@router.get("/jobs", response=JobPage, auth=door("jobs:read"), summary="List, search, sort")
def jobs(request: Request, filters: Query[Filters], response: HttpResponse) -> Any:
    """With an `id` for each row that is shown one call refreshes them all; without news it costs least."""
    wanted = _wanted(filters, request.auth)
    if filters.id and not filters.cursor and not filters.count:
        response.headers["ETag"] = f'"{listing.stamp(request.auth, wanted)}"'
        if response.headers["ETag"] in request.headers.get("If-None-Match", ""):
            return not_modified(response.headers["ETag"])
    page = listing.fetch(request.auth, wanted, filters.limit, filters.cursor)
    counted = listing.count(request.auth, wanted) if filters.count else None
    return {
        "jobs": describe.briefs(page.jobs, request.auth),
        "next": page.next or None,
        "complete": page.complete,
        "count": counted.number if counted else None,
        "count_exact": counted.exact if counted else None,
    }


def _wanted(filters: Filters, person: Any) -> listing.Wanted:
    same = ("app", "template", "type", "method", "scheduler", "parent", "text", "sort")
    times = ("created_after", "created_before", "ended_after", "ended_before")
    return listing.Wanted(
        ids=tuple(filters.id),
        status=tuple(filters.status),
        user=_user(filters.user, person),
        statepoint=_statepoint(filters.statepoint),
        **{name: getattr(filters, name) for name in (*same, *times)},
    )


def _user(name: str, person: Any) -> str:
    user = person.user if isinstance(person, permissions.Caller) else person
    return str(user.get_username()) if name == "me" and user is not None else name


def _statepoint(text: str) -> dict[str, Any]:
    if not text:
        return {}
    try:
        found = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Invalid('statepoint: this is no JSON. Write it like {"a": 1, "b.c": {"$lt": 5}}.') from None
    if not isinstance(found, dict):
        raise Invalid('statepoint: an object is wanted, like {"a": 1}.')
    return json_mapping(found)


def _no_constant(name: str) -> None:
    raise ValueError(name)


@router.get("/jobs/{pk}", response=JobDetail, auth=door("jobs:read"), summary="One job")
def job(request: Request, pk: JobId) -> Any:
    return _detail(request, pk)


def _detail(request: Request, pk: int) -> dict[str, Any]:
    found = job_for(request, pk)
    return {**describe.full(found, request.auth), **why.of(found, request.auth)}


# --- change ---------------------------------------------------------------------------------------------


class Changes(Given):
    """What is left out stays. `parameters` are merged, until the job is executed; null removes one."""

    name: Text | None = None
    description: Text | None = Field(default=None, max_length=2048)
    extended_properties: dict[str, Any] | None = None
    parameters: dict[str, Any] | None = None
    shares: list[NewShare] | None = Field(default=None, max_length=100)


@router.patch("/jobs/{pk}", response=JobDetail, auth=door("jobs:write"), summary="Change a job")
def change(request: Request, pk: JobId, body: Changes) -> Any:
    found = job_for(request, pk, permissions.EDIT)
    with transaction.atomic():
        _change(request, found, body)
        if changed := sorted(body.model_dump(exclude_none=True)):
            audit.tell(request.auth, f"Changed {', '.join(changed)}.{_shared(body)}", found)
    return _detail(request, pk)


def _shared(body: Changes) -> str:
    if body.shares is None:
        return ""
    return " " + sharing.told((share.group, share.may) for share in body.shares)


def _change(request: Request, found: Job, body: Changes) -> None:
    groups = _groups(request.auth, body.shares)
    if body.parameters:
        _change_parameters(found, body.parameters, request.auth)
    if body.name is not None:
        found.name = job_name(body.name)
    if body.description is not None:
        found.description = body.description
    if body.extended_properties is not None:
        found.extended_properties = json_mapping(body.extended_properties)
    found.save()
    if groups is not None:
        sharing.replace(found, groups)


def _groups(person: Any, shares: list[NewShare] | None) -> list[tuple[Any, str]] | None:
    if shares is None:
        return None
    return [(sharing.group_of(person, share.group), share.may) for share in shares]


def _change_parameters(job: Job, given: dict[str, Any], person: Any) -> None:
    orders.refuse_closed(person, given)
    if wrong := sorted(CHECKED_TOGETHER & given.keys()):
        raise Invalid(f"{', '.join(wrong)}: these are checked with the whole job. Create another job.")
    for name, value in given.items():
        job.set_attribute(name, value)


@router.delete("/jobs/{pk}", response={204: None}, auth=door("jobs:write"), summary="Delete a job")
def delete(request: Request, pk: JobId) -> Any:
    """With its directory. A job that is not over is refused (409)."""
    job_for(request, pk, permissions.EDIT).delete(user=request.auth)  # type: ignore[arg-type]
    return Status(204, None)
