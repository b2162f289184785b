"""A job's pages ask whether they are still current by their ETag, which costs a few short queries."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from jobs_app import inspection
from jobs_app.models import Attempt, History, Job

from .security import Request


def version(job: Job, request: Request, *besides: object) -> str:
    """Changes with whatever the job's pages show; `besides`: what a page shows of others."""
    row = Job.objects.filter(pk=job.pk).values_list(*_SEEN).first()
    last = History.objects.filter(job=job).order_by("-id").values_list("id", flat=True).first()
    attempt = Attempt.objects.filter(job_id=job.pk, number=job.number_of_attempts)
    known = attempt.values_list(*_OF_ATTEMPT, "scheduler__failures", "scheduler__last_error").first()
    who = (request.user.pk, request.get_full_path(), request.COOKIES.get("roost_zone"))
    text = repr((row, last, known, _touched(job), who, besides))
    return f'"{hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]}"'


_SEEN = (
    *("_status", "other_status", "status_message", "number_of_attempts", "name", "description"),
    *("slices_total", "slices_running", "slices_done", "slices_failed", "slices_held"),
    *("progress", "start_time", "completion_time", "user_id"),
)
_OF_ATTEMPT = ("phase", "reason", "wish", "wishes", "unknown_since", "idle", "last_error", "form", "on_pool")


def _touched(job: Job) -> list[int]:
    if not inspection.has_directory(job):
        return []
    attempt = job.paths.attempt(job.number_of_attempts).root
    return [
        _changed(path) for path in (job.directory, job.paths.output, attempt / "status", attempt / "errors")
    ]


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def unchanged(request: Request, etag: str) -> HttpResponse | None:
    """The answer to who has it already."""
    if request.headers.get("If-None-Match") != etag:
        return None
    return HttpResponse(status=304, headers={"ETag": etag})


def page(request: Request, template: str, etag: str, context: dict[str, Any]) -> HttpResponse:
    """`context` has the job, and "active" where other jobs too decide whether the page is asked for again."""
    known = {"etag": etag, "active": context["job"].state.active, **context}
    response = render(request, template, known)
    response.headers["ETag"] = etag
    return response
