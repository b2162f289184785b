"""A former attempt: how it ended, what went wrong in it, what it printed, and the files that it left."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_safe

from jobs_app import inspection
from jobs_app.errors import BadName, Damaged
from jobs_app.jobdir import files
from jobs_app.jobdir.layout import OUTPUT, RESERVED, AttemptPaths
from jobs_app.jobdir.output import Output
from jobs_app.models import Attempt, Job

from . import ansi, ranges
from .ansi import Pen
from .file import as_file, etag_matches, etag_of
from .output import END, MANY, MOST_PARTS, downloaded, part_of
from .security import Request, job_for

MOST_FILES = 500


@require_safe
def attempt_page(request: Request, pk: int, number: int) -> HttpResponse:
    job = job_for(request.user, pk)
    attempt = attempt_of(job, number)
    if number == job.number_of_attempts:
        return redirect("job", pk)
    left = left_of(job, number)
    errors = inspection.troubles_of(left) if left else []
    part = request.GET.get("part", "")
    context = {
        "job": job,
        "here": "",
        "attempt": attempt,
        "errors": errors,
        "printed": _printed(job, attempt, left, part, [error.part for error in errors]) if left else None,
        "files": _files(job, number, left.kept) if left else [],
        "most_files": MOST_FILES,
        "not_moved": left is not None and not_moved(job, left),
    }
    return render(request, "jobs/attempt.html", context)


@require_safe
def attempt_file(request: Request, pk: int, number: int, name: str) -> HttpResponseBase:
    path = file_of(job_for(request.user, pk), number, name)
    etag = etag_of(path)
    if etag_matches(request, etag):
        return as_file(request, HttpResponse(status=304, headers={"ETag": etag}), name)
    return as_file(request, ranges.of_file(request, path, etag), name)


@require_safe
def attempt_output(request: Request, pk: int, number: int, part: str) -> HttpResponseBase:
    """All that a part printed, as it came."""
    output = output_of(job_for(request.user, pk), number, part)
    return downloaded(output, part, f"job-{pk}-attempt-{number}-{part}.txt")


# --- what is left of it: 404 for what is not ----------------------------------------------------------------


def attempt_of(job: Job, number: int) -> Attempt:
    found = job.attempts.select_related("scheduler").filter(number=number).first()
    if found is None:
        raise Http404
    return found


def left_of(job: Job, number: int) -> AttemptPaths | None:
    """None where nothing is left; a job may have put a link there."""
    if not inspection.has_directory(job):
        return None
    left = job.paths.attempt(number)
    return None if files.leads_out(job.directory, left.kept) else left


def not_moved(job: Job, left: AttemptPaths) -> bool:
    """What the last but one left is put aside when the next attempt is sent."""
    if left.number != job.number_of_attempts - 1 or left.kept.exists():
        return False
    return job.attempts.filter(number=job.number_of_attempts, sent=None).exists()


def kept_of(job: Job, number: int) -> Path:
    attempt_of(job, number)
    left = left_of(job, number)
    if left is None:
        raise Http404
    return left.kept


def output_of(job: Job, number: int, part: str) -> Output:
    """With something that this part printed."""
    output = Output(kept_of(job, number) / OUTPUT)
    part_of(job, part)
    if not output.size(part):
        raise Http404
    return output


def file_of(job: Job, number: int, name: str) -> Path:
    """Not what is none of its plain files, or leads elsewhere."""
    kept = kept_of(job, number)
    try:
        path = kept / files.safe_name(name)
    except BadName as error:
        raise Http404 from error
    if files.leads_out(kept, path) or not files.is_plain_file(path):
        raise Http404
    if Path.resolve(path).relative_to(kept.resolve()).parts[0] in RESERVED:
        raise Http404
    return path


# --- what it printed ----------------------------------------------------------------------------------------


def _printed(
    job: Job, attempt: Attempt, left: AttemptPaths, wanted: str, failed: list[str]
) -> dict[str, Any] | None:
    """The end of one part: if none is asked for, the first that failed, else the last. The parts of very many
    are not listed."""
    output, many = Output(left.kept / OUTPUT), attempt.slices > MANY
    names: list[str] = []
    with suppress(Damaged):
        names = [] if many else [str(name) for name in output.names()]
    part = wanted or next((name for name in failed if name in names), names[-1] if names else "0")
    part_of(job, part)
    size = output.size(part)
    if not names and not size and not wanted and not (many and output.folder.is_dir()):
        return None
    text = output.read(part, max(0, size - END)).decode("utf-8", "replace")
    shown = {"part": part, "parts": names[:MOST_PARTS], "more_parts": max(0, len(names) - MOST_PARTS)}
    html, _ = ansi.html(text, Pen())
    return {**shown, "many": many, "html": html, "cut": inspection.size(size) if size > END else ""}


# --- its files ----------------------------------------------------------------------------------------------


def _files(job: Job, number: int, kept: Path) -> list[dict[str, str]]:
    """Of very many the first that are found."""
    found = list(itertools.islice(inspection.left_behind(kept), MOST_FILES)) if kept.is_dir() else []
    return list(_rows(job, number, sorted(found, key=lambda file: file.name)))


def _rows(job: Job, number: int, found: list[inspection.File]) -> Iterator[dict[str, str]]:
    """Without names that no address can hold: with a newline, or no UTF-8."""
    for file in found:
        with suppress(NoReverseMatch, UnicodeEncodeError):
            url = reverse("job-attempt-file", args=[job.pk, number, file.name])
            yield {"name": file.name, "words": inspection.size(file.size), "url": url}
