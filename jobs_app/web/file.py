"""One file of a job. Pictures of known kinds and plain text may be looked at; anything else is saved.
Ranges are answered; what stayed on a pool is brought when it is read."""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePosixPath

from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from jobs_app import inspection
from jobs_app.errors import BadName, Damaged, NoAnswer
from jobs_app.jobdir import files, remote
from jobs_app.jobdir.layout import PRIVATE
from jobs_app.lifecycle import errands
from jobs_app.models import Attempt, Job
from jobs_app.pools.base import PoolError

from . import ranges
from .security import FILES, Request, job_for

PICTURES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}
TEXTS = (".txt", ".csv", ".tsv", ".json", ".log", ".md")
PATIENCE = 20.0  # seconds that a page waits for a file from a pool; it comes also when nobody waits


class Away(Exception):
    """It is on its way from its pool."""


@require_safe
def job_file(request: Request, pk: int, name: str) -> HttpResponseBase:
    job = job_for(request.user, pk)
    try:
        path = path_of(job, name)
    except Away as error:
        return on_its_way(request, job, name, str(error))
    etag = etag_of(path)
    if etag in request.headers.get("If-None-Match", ""):
        return HttpResponse(status=304, headers={"ETag": etag})
    response = ranges.of_file(request, path, etag)
    kind = content_type(name)
    if response.status_code != 416:
        inline = kind != "application/octet-stream" and "save" not in request.GET
        response.headers["Content-Type"] = kind
        response.headers["Content-Disposition"] = (
            content_disposition_header(not inline, path.name) or "attachment"
        )
    response.headers["Content-Security-Policy"] = FILES
    return response


def path_of(job: Job, name: str) -> Path:
    """404 for what is none of the job's plain files, or leads elsewhere."""
    if not inspection.has_directory(job):
        raise Http404
    try:
        safe = files.safe_name(name)
        if safe.split("/")[0] == PRIVATE:
            raise Http404
        _bring(job, safe)
        path = files.locate(job.directory, safe)
    except BadName as error:
        raise Http404 from error
    if path.relative_to(job.directory).parts[0] == PRIVATE or not files.is_plain_file(path):
        raise Http404
    if Path.resolve(path).is_relative_to(job.paths.private.resolve()):
        raise Http404
    return path


def _bring(job: Job, name: str) -> None:
    away = remote.read(job.paths).get(name)
    if away is None or (job.directory / name).exists():
        return
    attempt = Attempt.objects.filter(token=away.attempt).select_related("scheduler").first()
    if attempt is None or attempt.scheduler is None:
        raise Away("It stayed on a pool that nobody knows any more. Run the job again.")
    try:
        errands.ask(attempt.scheduler, "bring", {"name": name}, attempt, wait=PATIENCE)
    except (PoolError, NoAnswer, Damaged) as error:
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
