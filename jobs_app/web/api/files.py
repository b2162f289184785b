"""/jobs/{id}/files, .../results, .../archive: what lies in a job's directory. Nothing here opens a pickle;
everything is sent as a download, so that no file of a job runs as a page of ours."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterable, Mapping
from typing import Any

from django.http import HttpResponseBase, StreamingHttpResponse
from ninja import Query, Router, Schema, Status
from pydantic import Field

from jobs_app import inputs, inspection, permissions
from jobs_app.errors import Damaged
from jobs_app.jobdir import files, manifest
from jobs_app.models import Job
from jobs_app.web import file, zipping
from jobs_app.web.security import FILES

from .door import Request, door, job_for, refuse_large
from .problems import Refused
from .types import JobId, Text

router = Router(tags=["files"])

BYTES: dict[str, Any] = {
    "responses": {
        200: {
            "description": "The bytes",
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        },
        206: {"description": "The range of bytes that was asked for"},
        304: {"description": "Not changed"},
        416: {"description": "The range lies behind the end"},
    }
}


class FileOut(Schema):
    name: str
    size: int
    sha256: str | None = Field(description="of a job that ended well")


class FilePage(Schema):
    files: list[FileOut]
    next: str | None = Field(description="give it as `after` for the next page")


class WhichFiles(Schema):
    after: Text = Field(default="", max_length=1100)
    under: Text = Field(default="", max_length=1100, description="a folder")
    limit: int = Field(default=1000, ge=1, le=10_000)


@router.get("/jobs/{pk}/files", response=FilePage, auth=door("files:read"), summary="List the files")
def listed(request: Request, pk: JobId, which: Query[WhichFiles]) -> Any:
    """Of a job that ended well the registered ones, with their checksums; else whatever lies there."""
    return _page(job_for(request, pk, what="files"), which)


@router.get("/jobs/{pk}/results", response=FilePage, auth=door("files:read"), summary="List the results")
def results(request: Request, pk: JobId, which: Query[WhichFiles]) -> Any:
    """The files of a job that has ended well, verified when they came; 409 for any other job."""
    job = job_for(request, pk, what="files")
    if job.state.code not in ("COM", "RES"):
        raise Refused(409, f"Job {pk} is {job.cached_status}: it has no results. Its files are at .../files.")
    return _page(job, which)


def _page(job: Job, which: WhichFiles) -> dict[str, Any]:
    return paged(inspection.files(job), _known(job), which)


def paged(listed: Iterable[inspection.File], known: Mapping[str, str], which: WhichFiles) -> dict[str, Any]:
    """`listed`: sorted by name. `known`: their checksums."""
    folder = which.under.rstrip("/") + "/" if which.under else ""
    names = (file for file in listed if file.name > which.after)
    inside = (file for file in names if file.name.startswith(folder))
    found = list(itertools.islice(inside, which.limit + 1))
    rows, more = found[: which.limit], len(found) > which.limit
    told = [{"name": _plain(row.name), "size": row.size, "sha256": known.get(row.name)} for row in rows]
    return {"files": told, "next": told[-1]["name"] if more else None}


def _known(job: Job) -> dict[str, str]:
    if not inspection.has_directory(job):
        return {}
    try:
        return {name: entry.sha256 for name, entry in manifest.read(job.paths).items()}
    except (FileNotFoundError, Damaged):  # then whatever lies there is listed, without checksums
        return {}


def _plain(name: str) -> str:
    """A name that is no UTF-8 cannot be asked for; it is shown so far as it goes."""
    return name.encode("utf-8", "replace").decode()


@router.get(
    "/jobs/{pk}/files/{path:name}",
    auth=door("files:read"),
    summary="Download a file",
    openapi_extra=BYTES,
)
def download(request: Request, pk: JobId, name: Text) -> HttpResponseBase:
    """Takes `Range`, `If-Range` and `If-None-Match`. `Repr-Digest` is the checksum that the job left."""
    job = job_for(request, pk, what="files")
    try:
        response = safe(file.content(request, job, name))
    except file.Away as error:
        raise Refused(503, str(error)).with_header("Retry-After", "15") from error
    if sha256 := _known(job).get(files.safe_name(name)):
        response.headers["Repr-Digest"] = f"sha-256=:{base64.b64encode(bytes.fromhex(sha256)).decode()}:"
    return response


def safe(response: HttpResponseBase) -> HttpResponseBase:
    response.headers["Content-Type"] = "application/octet-stream"
    response.headers["Content-Disposition"] = "attachment"
    response.headers["Content-Security-Policy"] = FILES
    response.headers["Cache-Control"] = "private, no-cache"
    return response


# --- many -------------------------------------------------------------------------------------------------


class Selection(Schema):
    name: list[Text] = Field(default=[], max_length=1000, description="these files; none: all")
    under: Text = Field(default="", max_length=1100, description="this folder")


@router.get(
    "/jobs/{pk}/archive",
    auth=door("files:read"),
    summary="Download many files as one zip",
    openapi_extra={
        "responses": {
            200: {
                "description": "The zip, as it is made",
                "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
            }
        }
    },
)
def archive(request: Request, pk: JobId, which: Query[Selection]) -> HttpResponseBase:
    """What stayed on a pool is brought meanwhile; what cannot be had is named in `NOT IN THIS ZIP.txt`."""
    job = job_for(request, pk, what="files")
    names = _selected(job, which)
    if not names:
        raise Refused(404, "None of these files is there.")
    response = StreamingHttpResponse(zipping.stream(job, names))
    safe(response)
    response.headers["Content-Type"] = "application/zip"
    response.headers["Content-Disposition"] = f'attachment; filename="job-{pk}.zip"'
    return response


def _selected(job: Job, which: Selection) -> list[str]:
    folder = which.under.rstrip("/") + "/" if which.under else ""
    known = [file.name for file in inspection.files(job) if file.name.startswith(folder)]
    wanted = set(which.name)
    return [name for name in known if name in wanted] if wanted else known


# --- inputs -----------------------------------------------------------------------------------------------


class Uploaded(Schema):
    name: str
    size: int
    sha256: str


@router.put(
    "/jobs/{pk}/inputs/{path:name}",
    response={201: Uploaded},
    auth=door("files:write"),
    summary="Upload an input file",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
def upload(request: Request, pk: JobId, name: Text) -> Any:
    """Of a job that was not executed yet: the file lies beside it when it runs. The body is the file."""
    job = job_for(request, pk, permissions.EDIT, "files")
    refuse_large(request, inputs.largest())
    kept = inputs.keep(job, name, request, request.auth)
    return Status(201, {"name": kept.name, "size": kept.size, "sha256": kept.sha256})
