"""Everything about one job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse

from jobs_app import inspection, permissions, states
from jobs_app.models import History, Job
from jobs_app.terminal.output import one_line

from . import cells
from .actions import offered
from .file import PICTURES
from .security import Request, job_for

MOST_FILES, MOST_PARTS, MOST_STEPS = 200, 200, 100
LARGEST_PICTURE = 8_000_000
MOST_PICTURES = 6


def job(request: Request, pk: int) -> HttpResponse:
    found = job_for(request.user, pk)
    actions = offered(found) if permissions.may_act(request.user, found) else []
    context = {
        "job": found,
        "active": found.state.active,
        "actions": actions,
        "bar": cells.bar(found),
        "time": inspection.duration(found.run_time),
        "facts": _facts(found),
        "options": _options(found),
        "steps": _steps(found),
        "doing": inspection.saying(found),
        "errors": inspection.troubles(found),
        "history": _history(found),
        **_files(found),
        **_output(found, request.GET.get("part") or _first_to_fail(found)),
    }
    return render(request, "jobs/detail.html", context)


def _facts(job: Job) -> list[tuple[str, Any]]:
    rows = [
        ("owner", job.user),
        ("app", job.app),
        ("type", job.type),
        ("template", job.template and f"{job.template.name} v{job.template.version}"),
        ("method", job.method),
        ("scheduler", job.scheduler),
        ("attempt", job.number_of_attempts),
        ("form", inspection.form(job)),
        ("created", _moment(job.creation_time)),
        ("started", _moment(job.start_time)),
        ("ended", _moment(job.completion_time)),
        ("built by", job.parent and job.parent.jobid),
        ("description", job.description),
        ("address", job.address),
    ]
    return [(name, value) for name, value in rows if value]


def _moment(time: Any) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC") if time else ""


def _options(job: Job) -> list[tuple[str, Any]]:
    given = (job.statepoint or {}).get("options") if job.method else job.parameters
    return sorted((given or {}).items()) if isinstance(given, dict) else []


@dataclass(frozen=True)
class StepRow:
    name: str
    counts: states.Counts

    @property
    def words(self) -> str:
        return ", ".join(f"{number} {name}" for name, number in vars(self.counts).items() if number)


def _steps(job: Job) -> list[StepRow]:
    return [StepRow(name, counts) for name, counts in inspection.steps(job)]


@dataclass(frozen=True)
class FileRow:
    name: str
    size: int
    url: str

    @property
    def words(self) -> str:
        return inspection.size(self.size)


def _files(job: Job) -> dict[str, Any]:
    found = inspection.files(job)
    rows = [FileRow(one_line(file.name), file.size, _url(job, file.name)) for file in found[:MOST_FILES]]
    pictures = [
        row
        for row in rows
        if row.url and row.size <= LARGEST_PICTURE and row.name.lower().endswith(tuple(PICTURES))
    ]
    return {
        "files": rows,
        "more_files": max(0, len(found) - MOST_FILES),
        "pictures": pictures[:MOST_PICTURES],
        "directory": job.directory if found else "",
    }


def _url(job: Job, name: str) -> str:
    """Empty for a name that no address can hold: one with a newline, or one that is no UTF-8."""
    try:
        return reverse("job-file", args=[job.pk, name])
    except (NoReverseMatch, UnicodeEncodeError):
        return ""


def _first_to_fail(job: Job) -> str:
    return next((trouble.part for trouble in inspection.troubles(job, 1)), "")


def _output(job: Job, wanted: str) -> dict[str, Any]:
    names = [str(part) for part in inspection.parts(job)]
    if not names:
        return {}
    part = wanted if wanted in names else names[-1]
    found = inspection.output(job, part)
    return {
        "outputs": [{"name": name} for name in names[:MOST_PARTS]],
        "more_outputs": max(0, len(names) - MOST_PARTS),
        "output": {"part": part, "text": found.text, "size": inspection.size(found.size), "cut": found.cut},
    }


def _history(job: Job) -> list[dict[str, Any]]:
    rows = History.objects.filter(job=job).order_by("-id")[:MOST_STEPS]
    return [
        {"at": row.at, "attempt": row.attempt, "actor": row.actor, "why": row.why, "words": _words(row)}
        for row in rows
    ]


def _words(row: History) -> str:
    before, after = (states.JOB_STATES[code].word if code else "" for code in (row.before, row.after))
    return f"{before} → {after}" if before and after and before != after else after or before
