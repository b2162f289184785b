"""One file of a job. Pictures of known kinds and plain text may be looked at; anything else is saved.
Ranges are answered; what stayed on a pool is brought when it is read."""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePosixPath

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from jobs_app import inspection
from jobs_app.errors import BadName
from jobs_app.jobdir import files
from jobs_app.jobdir.layout import PRIVATE
from jobs_app.models import Job

from . import away, ranges
from .security import FILES, Request, job_for

PICTURES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}
TEXTS = (".txt", ".csv", ".tsv", ".json", ".log", ".md")


class Away(Exception):
    """It is on its way from its pool."""


@require_safe
def job_file(request: Request, pk: int, name: str) -> HttpResponseBase:
    job = job_for(request.user, pk)
    try:
        response = content(request, job, name)
    except Away as error:
        return on_its_way(request, job, name, str(error))
    return as_file(request, response, name)


def as_file(request: HttpRequest, response: HttpResponseBase, name: str) -> HttpResponseBase:
    """With the headers that say what it is, and that nothing in it runs."""
    kind = content_type(name)
    if response.status_code not in (304, 416):
        inline = kind != "application/octet-stream" and "save" not in request.GET
        said = content_disposition_header(not inline, PurePosixPath(name).name)
        response.headers["Content-Type"] = kind
        response.headers["Content-Disposition"] = said or "attachment"
    response.headers["Content-Security-Policy"] = FILES
    return response


def content(request: HttpRequest, job: Job, name: str) -> HttpResponseBase:
    """All of it, a range, or that it is the same as before (304). Away if it does not come in time."""
    safe = checked(job, name)
    there = away.known(job, safe)
    if there is not None and not away.is_here(job, safe):
        if etag_matches(request, etag := away.etag(there)):
            return HttpResponse(status=304, headers={"ETag": etag})
        try:
            if (answer := away.piece(request, job, safe, there)) is not None:
                return answer
        except away.TROUBLES as error:
            raise Away(str(error)) from error
    path = path_of(job, name)
    etag = away.etag(there) if there is not None else etag_of(path)
    if etag_matches(request, etag):
        return HttpResponse(status=304, headers={"ETag": etag})
    return ranges.of_file(request, path, etag)


def etag_matches(request: HttpRequest, etag: str) -> bool:
    """`If-None-Match: *`: whatever is there."""
    given = [each.strip().removeprefix("W/") for each in request.headers.get("If-None-Match", "").split(",")]
    return etag in given or given == ["*"]


def checked(job: Job, name: str) -> str:
    """Its safe name; 404 for one that cannot be a file that is shown."""
    if not inspection.has_directory(job):
        raise Http404
    try:
        safe = files.safe_name(name)
    except BadName as error:
        raise Http404 from error
    if safe.split("/")[0] == PRIVATE:
        raise Http404
    return safe


def path_of(job: Job, name: str) -> Path:
    """404 for what is none of the job's plain files, or leads elsewhere."""
    safe = checked(job, name)
    _bring(job, safe)
    try:
        path = files.locate(job.directory, safe)
    except BadName as error:
        raise Http404 from error
    if path.relative_to(job.directory).parts[0] == PRIVATE or not files.is_plain_file(path):
        raise Http404
    if Path.resolve(path).is_relative_to(job.paths.private.resolve()):
        raise Http404
    return path


def _bring(job: Job, name: str) -> None:
    if away.is_here(job, name) or away.known(job, name) is None:
        return
    try:
        away.bring(job, name)
    except away.TROUBLES as error:
        raise Away(str(error)) from error


def on_its_way(request: Request, job: Job, name: str, why: str) -> HttpResponse:
    context = {"job": job, "name": name, "why": why, "here": "files"}
    response = render(request, "jobs/away.html", context, status=503)
    response.headers["Retry-After"] = "15"
    return response


def etag_of(path: Path) -> str:
    status = path.stat()
    text = f"{status.st_ino}-{status.st_size}-{status.st_mtime_ns}"
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def content_type(name: str) -> str:
    ending = PurePosixPath(name).suffix.lower()
    if ending in TEXTS:
        return "text/plain; charset=utf-8"
    return PICTURES.get(ending, "application/octet-stream")
