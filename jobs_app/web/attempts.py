"""A former attempt: how it ended, what went wrong in it, what it printed, and the files that it left."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from jobs_app import inspection, states
from jobs_app.errors import BadName
from jobs_app.jobdir import files
from jobs_app.jobdir.layout import OUTPUT, RESERVED, AttemptPaths
from jobs_app.jobdir.output import Output
from jobs_app.models import Attempt, Job

from . import ansi, ranges
from .ansi import Pen
from .file import as_file, etag_matches, etag_of
from .output import END, MOST_PARTS, downloaded
from .security import Request, job_for

MOST_FILES = 500


@require_safe
def attempt_page(request: Request, pk: int, number: int) -> HttpResponse:
    job = job_for(request.user, pk)
    attempt = _attempt(job, number)
    if number == job.number_of_attempts:
        return redirect("job", pk)
    left = _left(job, number)
    context = {
        "job": job,
        "here": "",
        "attempt": attempt,
        "word": word_of(attempt),
        "errors": inspection.troubles_of(left) if left else [],
        "printed": _printed(left, request.GET.get("part", "")) if left else None,
        **(_files(job, number, left) if left else {"files": [], "more": False}),
    }
    return render(request, "jobs/attempt.html", context)


@require_safe
def attempt_file(request: Request, pk: int, number: int, name: str) -> HttpResponseBase:
    path = _path(_kept(request, pk, number), name)
    etag = etag_of(path)
    if etag_matches(request, etag):
        return as_file(request, HttpResponse(status=304, headers={"ETag": etag}), name)
    return as_file(request, ranges.of_file(request, path, etag), name)


@require_safe
def attempt_output(request: Request, pk: int, number: int, part: str) -> HttpResponseBase:
    """All that a part printed, as it came."""
    output = Output(_kept(request, pk, number) / OUTPUT)
    if part not in _names(output):
        raise Http404
    return downloaded(output, part, f"job-{pk}-attempt-{number}-{part}.txt")


def word_of(attempt: Attempt) -> str:
    return states.JOB_STATES[attempt.status].word if attempt.status else attempt.get_phase_display()


def _attempt(job: Job, number: int) -> Attempt:
    found = job.attempts.select_related("scheduler").filter(number=number).first()
    if found is None:
        raise Http404
    return found


def _left(job: Job, number: int) -> AttemptPaths | None:
    return job.paths.attempt(number) if inspection.has_directory(job) else None


def _kept(request: Request, pk: int, number: int) -> Path:
    job = job_for(request.user, pk)
    _attempt(job, number)
    left = _left(job, number)
    if left is None:
        raise Http404
    return left.kept


# --- what it printed ----------------------------------------------------------------------------------------


def _names(output: Output) -> list[str]:
    return [str(name) for name in output.names()]


def _printed(left: AttemptPaths, wanted: str) -> dict[str, Any] | None:
    """The end of one part, the last if none is asked for."""
    output = Output(left.kept / OUTPUT)
    names = _names(output)
    if not names:
        return None
    part = wanted if wanted in names else names[-1]
    size = output.size(part)
    text = output.read(part, max(0, size - END)).decode("utf-8", "replace")
    shown = {"part": part, "parts": names[:MOST_PARTS], "more_parts": max(0, len(names) - MOST_PARTS)}
    return {**shown, "html": ansi.html(text, Pen())[0], "cut": inspection.size(size) if size > END else ""}


# --- its files ----------------------------------------------------------------------------------------------


def _files(job: Job, number: int, left: AttemptPaths) -> dict[str, Any]:
    """In the order of the directory: of very many the first that are found are shown."""
    if not left.kept.is_dir():
        return {"files": [], "more": False}
    found = list(itertools.islice(inspection.left_behind(left.kept), MOST_FILES + 1))
    rows = [
        {
            "name": file.name,
            "words": inspection.size(file.size),
            "url": reverse("job-attempt-file", args=[job.pk, number, file.name]),
        }
        for file in sorted(found[:MOST_FILES], key=lambda file: file.name)
    ]
    return {"files": rows, "more": len(found) > MOST_FILES}


def _path(kept: Path, name: str) -> Path:
    """404 for what is none of its plain files, or leads elsewhere."""
    try:
        safe = files.safe_name(name)
    except BadName as error:
        raise Http404 from error
    path = kept / safe
    if safe.split("/")[0] in RESERVED or files.leads_out(kept, path) or not files.is_plain_file(path):
        raise Http404
    if Path.resolve(path).relative_to(kept.resolve()).parts[0] in RESERVED:
        raise Http404
    return path
