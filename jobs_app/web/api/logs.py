"""/jobs/{id}/logs: what its parts printed, by ranges of bytes."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.http import Http404, HttpResponseBase
from ninja import Query, Router, Schema
from pydantic import Field

from jobs_app import inspection
from jobs_app.jobdir.layout import PREPARE, SYNTHESIS
from jobs_app.jobdir.output import Output
from jobs_app.models import Job
from jobs_app.web import ranges

from .door import Request, door, job_for
from .files import BYTES
from .types import JobId, Text

router = Router(tags=["logs"])

MOST_BYTES = 4 << 20  # at once; more by further ranges
PLACES = {PREPARE: -1, SYNTHESIS: 2**62}


class PartOut(Schema):
    part: str
    size: int


class Parts(Schema):
    parts: list[PartOut]
    next: str | None


class WhichParts(Schema):
    after: Text = Field(default="", max_length=100, description="the last part of the page before")
    limit: int = Field(default=200, ge=1, le=5000)


class WhichBytes(Schema):
    tail: int | None = Field(default=None, ge=1, le=MOST_BYTES, description="only so many bytes of the end")


@router.get(
    "/jobs/{pk}/logs", response=Parts, auth=door("files:read"), summary="Which parts printed anything"
)
def parts(request: Request, pk: JobId, which: Query[WhichParts]) -> Any:
    job = job_for(request, pk, what="files")
    names = [str(part) for part in inspection.parts(job)]
    if which.after:
        names = [name for name in names if _place(name) > _place(which.after)]
    rows = [{"part": name, "size": _output(job).size(name)} for name in names[: which.limit]]
    return {"parts": rows, "next": rows[-1]["part"] if len(names) > which.limit else None}


def _place(part: str) -> tuple[int, str]:
    if part.isascii() and part.isdecimal():
        return (int(part), "")
    return (PLACES.get(part, 2**63), part)


def _output(job: Job) -> Output:
    return Output(job.paths.output)


@router.get(
    "/jobs/{pk}/logs/{part}",
    auth=door("files:read"),
    summary="What a part printed",
    openapi_extra=BYTES,
)
def log(request: Request, pk: JobId, part: Text, which: Query[WhichBytes]) -> HttpResponseBase:
    """`part`: a slice's number, `prepare` or `synthesis`. Takes `Range`: to follow a log, ask for
    `bytes=<what you have>-` again; 416 means that there is nothing new."""
    job = job_for(request, pk, what="files")
    if not inspection.has_directory(job) or not _is_part(part):
        raise Http404
    output = _output(job)
    size = output.size(part)
    header = f"bytes=-{which.tail}" if which.tail is not None else ""
    response = ranges.of_bytes(request, partial(output.read, part), size, f'"{size}"', MOST_BYTES, header)
    response.headers["Content-Type"] = "text/plain; charset=utf-8"
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _is_part(part: str) -> bool:
    return part in PLACES or (part.isascii() and part.isdecimal() and len(part) < 12)
