"""/jobs/{id}/attempts: the tries at a job, and what the former ones printed and left. What the last one did
is the job's own: .../logs and .../files."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Annotated, Any

from django.http import HttpResponseBase
from ninja import Path as InPath
from ninja import Query, Router

from jobs_app import inspection
from jobs_app.jobdir.layout import OUTPUT
from jobs_app.jobdir.output import Output
from jobs_app.models import Job
from jobs_app.web import attempts, ranges
from jobs_app.web.file import etag_matches, etag_of

from . import describe, logs
from . import files as present
from .answers import not_modified
from .door import Request, door, job_for
from .files import BYTES, FilePage, WhichFiles
from .logs import Parts, WhichBytes, WhichParts
from .problems import Refused
from .types import AttemptOut, JobId, Text

router = Router(tags=["attempts"])

Number = Annotated[int, InPath(..., ge=1, le=2**31 - 1, description="the attempt's number")]


@router.get(
    "/jobs/{pk}/attempts", response=list[AttemptOut], auth=door("jobs:read"), summary="The attempts at a job"
)
def listed(request: Request, pk: JobId) -> Any:
    return describe.attempts(job_for(request, pk))


@router.get(
    "/jobs/{pk}/attempts/{number}/logs",
    response=Parts,
    auth=door("files:read"),
    summary="Which parts of a former attempt printed anything",
)
def parts(request: Request, pk: JobId, number: Number, which: Query[WhichParts]) -> Any:
    output = Output(_kept(_job(request, pk, number), number) / OUTPUT)
    return logs.paged(map(str, output.names()), output.size, which)


@router.get(
    "/jobs/{pk}/attempts/{number}/logs/{part}",
    auth=door("files:read"),
    summary="What a part of a former attempt printed",
    openapi_extra=BYTES,
)
def log(
    request: Request, pk: JobId, number: Number, part: Text, which: Query[WhichBytes]
) -> HttpResponseBase:
    """Takes `Range`, as the logs of the job itself; nothing more will come."""
    output = attempts.output_of(_job(request, pk, number), number, part)
    size = output.size(part)

    def read(offset: int, length: int) -> bytes:
        return output.read(part, offset, length)

    response = logs.sent(request, read, size, f'"{number}-{size}"', which)
    response.headers["X-Ended"] = "1"
    return response


@router.get(
    "/jobs/{pk}/attempts/{number}/files",
    response=FilePage,
    auth=door("files:read"),
    summary="List what a former attempt left",
)
def files(request: Request, pk: JobId, number: Number, which: Query[WhichFiles]) -> Any:
    kept = _kept(_job(request, pk, number), number)
    found = itertools.islice(inspection.left_behind(kept), inspection.MOST_LEFT) if kept.is_dir() else ()
    return present.paged(sorted(found, key=lambda file: file.name), {}, which)


@router.get(
    "/jobs/{pk}/attempts/{number}/files/{path:name}",
    auth=door("files:read"),
    summary="Download what a former attempt left",
    openapi_extra=BYTES,
)
def download(request: Request, pk: JobId, number: Number, name: Text) -> HttpResponseBase:
    path = attempts.file_of(_job(request, pk, number), number, name)
    etag = etag_of(path)
    if etag_matches(request, etag):
        return not_modified(etag)
    return present.safe(ranges.of_file(request, path, etag))


def _job(request: Request, pk: int, number: int) -> Job:
    """Refuses an attempt whose files lie elsewhere, and says where."""
    job = job_for(request, pk, what="files")
    attempts.attempt_of(job, number)
    if number == job.number_of_attempts:
        raise Refused(
            404, f"Attempt {number} is the last one: what it did is at /jobs/{pk}/logs and .../files."
        )
    left = attempts.left_of(job, number)
    if left is not None and attempts.not_moved(job, left):
        said = f"Attempt {number} still lies where it was, at /jobs/{pk}/logs and .../files"
        raise Refused(409, f"{said}; it comes here when attempt {job.number_of_attempts} is sent.")
    return job


def _kept(job: Job, number: int) -> Path:
    return attempts.kept_of(job, number)
