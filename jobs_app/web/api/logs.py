"""/jobs/{id}/logs: what its parts printed, by ranges of bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from django.http import Http404, HttpResponseBase
from ninja import Query, Router, Schema
from pydantic import Field

from jobs_app import inspection
from jobs_app.jobdir.layout import PREPARE, SYNTHESIS
from jobs_app.lifecycle import live
from jobs_app.models import Job
from jobs_app.web import ranges
from jobs_app.web.file import etag_matches

from .answers import not_modified
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
    names = live.parts(job) if inspection.has_directory(job) else []
    return paged(names, partial(_size, job, more=False), which)


def paged(names: Iterable[str], size_of: Callable[[str], int], which: WhichParts) -> dict[str, Any]:
    wanted = sorted(names, key=_place)
    if which.after:
        wanted = [name for name in wanted if _place(name) > _place(which.after)]
    rows = [{"part": name, "size": size_of(name)} for name in wanted[: which.limit]]
    return {"parts": rows, "next": rows[-1]["part"] if len(wanted) > which.limit else None}


def _place(part: str) -> tuple[int, str]:
    if part.isascii() and part.isdecimal():
        return (int(part), "")
    return (PLACES.get(part, 2**63), part)


def _size(job: Job, part: str, *, more: bool) -> int:
    return live.size(job, *live.place_of(job, part), more=more)


@router.get(
    "/jobs/{pk}/logs/{part}",
    auth=door("files:read"),
    summary="What a part printed",
    openapi_extra=BYTES,
)
def log(request: Request, pk: JobId, part: Text, which: Query[WhichBytes]) -> HttpResponseBase:
    """`part`: a slice's number, `prepare` or `synthesis`. Takes `Range`: to follow a log, also while the
    slice runs, ask for `bytes=<what you have>-` again. 416 means that there is nothing new, and `X-Ended: 1`
    that nothing more will come. 503: its pool is out of reach; ask again later."""
    job = job_for(request, pk, what="files")
    if not inspection.has_directory(job) or not _is_part(part):
        raise Http404
    size = _size(job, part, more=True)
    etag = f'"{job.number_of_attempts}-{size}"'
    response = sent(request, partial(_read, job, part), size, etag, which)
    if response.status_code != 304:
        response.headers["X-Ended"] = str(int(_is_over(job, part, size)))
    return response


def sent(
    request: Request, read: Callable[[int, int], bytes], size: int, etag: str, which: WhichBytes
) -> HttpResponseBase:
    """`read(offset, length)`"""
    header = f"bytes=-{which.tail}" if which.tail is not None else ""
    if not header and "Range" not in request.headers and etag_matches(request, etag):
        return not_modified(etag)
    response = ranges.of_bytes(request, read, size, etag, MOST_BYTES, header)
    response.headers["Content-Type"] = "text/plain; charset=utf-8"
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _read(job: Job, part: str, offset: int, length: int) -> bytes:
    return live.read(job, *live.place_of(job, part), offset=offset, limit=length).data


def _is_over(job: Job, part: str, size: int) -> bool:
    return live.read(job, *live.place_of(job, part), offset=size, limit=1).ended


def _is_part(part: str) -> bool:
    return part in PLACES or (part.isascii() and part.isdecimal() and len(part) < 12)
