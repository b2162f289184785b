"""Everything about one job."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.urls import NoReverseMatch, reverse

from jobs_app import inspection, permissions, situation, states
from jobs_app.models import History, Job
from jobs_app.script.options import decode
from jobs_app.terminal.output import one_line

from . import cells, cures, current, output, relations, shares, slices, timeline
from .actions import offered
from .file import PICTURES
from .security import Request, job_for

MOST_FILES, MOST_STEPS, ALL_STEPS = 12, 100, 5_000
LARGEST_MANIFEST = 1 << 20  # bytes; larger ones take long to read
LARGEST_PICTURE = 8_000_000
MOST_PICTURES = 6
MOST_DOING = 20


def job(request: Request, pk: int) -> HttpResponse:
    found = job_for(request.user, pk)
    may_act = permissions.may_act(request.user, found)
    parent = found.parent if permissions.seen(request.user, [found.parent_id]) else None
    shared = shares.of(found, request.user)
    etag = current.version(found, request, parent, shared)
    if same := current.unchanged(request, etag):
        return same
    rows, history = _history(found, whole="history" in request.GET)
    context = {
        "job": found,
        "here": "job",
        "actions": offered(found) if may_act else [],
        "badges": situation.badges(found),
        "why": cures.why(found, may_act=may_act),
        "bar": cells.bar(found),
        "line": timeline.line(found, rows[::-1]),
        "time": inspection.duration(found.run_time),
        "since": found.grows_since,
        "facts": _facts(found, parent),
        "options": _options(found),
        "steps": _steps(found),
        "grid": slices.grid(found),
        "nodes": relations.graph_of_nodes(found),
        "doing": _doing(found),
        "errors": _troubles(found),
        "shared": shared,
        **history,
        **_files(found),
        **_output(found, request.GET.get("part", "")),
    }
    return current.page(request, "jobs/detail.html", etag, context)


def _facts(job: Job, parent: Job | None) -> list[tuple[str, Any]]:
    rows = [
        ("owner", job.user),
        ("app", job.app),
        ("type", job.type),
        ("template", job.template and f"{job.template.name} v{job.template.version}"),
        ("method", job.method),
        ("scheduler", inspection.scheduler(job)),
        ("attempt", job.number_of_attempts),
        ("form", inspection.form(job)),
        ("built by", parent and parent.jobid),
        ("description", job.description),
        ("address", job.address),
    ]
    return [(name, value) for name, value in rows if value]


def _options(job: Job) -> list[tuple[str, Any]]:
    given = (job.statepoint or {}).get("options") if job.method else job.parameters
    rows = sorted((given or {}).items())[:40] if isinstance(given, dict) else []
    return [(name, _plain(value)) for name, value in rows]


def _plain(value: object) -> object:
    """A date or a path is kept with the word for its type."""
    if isinstance(value, list) and len(value) == 2 and value[0] in _WORDS_OF_TYPES:
        return decode(value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else value


_WORDS_OF_TYPES = ("date", "datetime", "time", "timedelta", "path")


@dataclass(frozen=True)
class StepRow:
    name: str
    counts: states.Counts

    @property
    def words(self) -> str:
        counts = vars(self.counts).items()
        return ", ".join(f"{cells.spaced(number)} {name}" for name, number in counts if number)


def _steps(job: Job) -> list[StepRow]:
    return [StepRow(name, counts) for name, counts in inspection.steps(job)]


def _doing(job: Job) -> list[tuple[str, str]]:
    return inspection.saying(job, MOST_DOING) if job.slices_total <= output.MANY else []


def _troubles(job: Job) -> list[inspection.Trouble]:
    """Where there are very many slices, nobody looks through all their errors."""
    return inspection.troubles(job) if job.slices_total <= output.MANY else []


@dataclass(frozen=True)
class FileRow:
    name: str
    size: int
    url: str
    view: str = ""

    @property
    def words(self) -> str:
        return inspection.size(self.size)


def _files(job: Job) -> dict[str, Any]:
    """The first; a page of their own has all."""
    if job.slices_total > output.MANY or not _is_short(job):
        return {"files": [], "all_files": inspection.has_directory(job)}
    found = inspection.files(job)
    rows = [FileRow(one_line(file.name), file.size, *_urls(job, file)) for file in found]
    pictures = [
        row
        for row in rows
        if row.url and row.size <= LARGEST_PICTURE and row.name.lower().endswith(tuple(PICTURES))
    ]
    return {
        "files": rows[:MOST_FILES],
        "more_files": max(0, len(rows) - MOST_FILES),
        "pictures": pictures[:MOST_PICTURES],
        "directory": job.directory if found else "",
    }


def _is_short(job: Job) -> bool:
    try:
        return not job.address or job.paths.manifest.stat().st_size <= LARGEST_MANIFEST
    except FileNotFoundError:
        return True


def _urls(job: Job, file: inspection.File) -> tuple[str, str]:
    """Empty for a name that no address can hold: one with a newline, or one that is no UTF-8."""
    try:
        view = reverse("job-view", args=[job.pk, file.name])
        return ("" if file.remote else reverse("job-file", args=[job.pk, file.name])), view
    except (NoReverseMatch, UnicodeEncodeError):
        return "", ""


def _output(job: Job, wanted: str) -> dict[str, Any]:
    names = output.parts(job) if job.address else []
    if not names:
        return {}
    failed = [trouble.part for trouble in _troubles(job)[:1]]
    part = next((name for name in [wanted, *failed] if name in names), names[-1])
    return {"output": output.shown(job, part)}


def _history(job: Job, *, whole: bool) -> tuple[list[History], dict[str, Any]]:
    """Newest first."""
    most = ALL_STEPS if whole else MOST_STEPS
    found = list(History.objects.filter(job=job).order_by("-id")[: most + 1])
    rows, is_cut = found[:most], len(found) > most
    steps = [_step(row) for row in rows]
    return rows, {"history": steps, "history_is_cut": is_cut, "steps_shown": most, "whole_history": whole}


def _step(row: History) -> dict[str, Any]:
    return {"at": row.at, "attempt": row.attempt, "actor": row.actor, "why": row.why, "words": _words(row)}


def _words(row: History) -> str:
    before, after = (states.JOB_STATES[code].word if code else "" for code in (row.before, row.after))
    return f"{before} → {after}" if before and after and before != after else after or before
