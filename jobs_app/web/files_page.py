"""A job's folders, what is in them, a selection as one zip, and the inputs that are given to it before it
runs."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_POST, require_safe

from jobs_app import inputs, inspection, permissions
from jobs_app.errors import BadName, RoostError
from jobs_app.jobdir import files, remote
from jobs_app.jobdir.layout import RESERVED
from jobs_app.models import CondorJob, Job
from jobs_app.terminal.output import one_line

from . import current, zipping
from .parts import number
from .security import FILES, ONLY_OWNER, Request, job_for

PAGE = 200
MOST_LOOKED_AT = 50_000  # names of one folder
MOST_ZIPPED = 100_000


@dataclass(frozen=True)
class Entry:
    name: str  # as it is shown
    path: str  # below the job's directory
    folder: bool = False
    size: int = 0
    remote: bool = False
    view: str = ""
    save: str = ""

    @property
    def words(self) -> str:
        return "" if self.folder else inspection.size(self.size)


@require_safe
def files_page(request: Request, pk: int) -> HttpResponse:
    job = job_for(request.user, pk)
    under = _folder(job, request.GET.get("under", ""))
    etag = current.version(job, request)
    if same := current.unchanged(request, etag):
        return same
    first = number(request.GET.get("first", ""), 0)
    found = entries(job, under)
    shown = [_addressed(job, entry) for entry in found[first : first + PAGE]]
    more = first + PAGE if len(found) > first + PAGE else None
    context = {
        "job": job,
        "here": "files",
        "under": one_line(under),
        "ways": _ways(job, under),
        "entries": shown,
        "number": len(found),
        "cut": len(found) >= MOST_LOOKED_AT,
        "more": f"{_address(job, under)}{'&' if under else '?'}first={more}" if more else "",
        "zip": reverse("job-zip", args=[pk]),
        "away": _away(job, under),
        "under_raw": under,
        "takes_inputs": takes_inputs(request, job),
        "largest": inspection.size(inputs.largest()),
        "largest_bytes": inputs.largest(),
        "directory": job.directory if inspection.has_directory(job) else "",
    }
    return current.page(request, "jobs/files.html", etag, context)


def takes_inputs(request: Request, job: Job) -> bool:
    mine = permissions.allowed(request.user, permissions.EDIT, job, "files")
    return mine and isinstance(job, CondorJob) and not job.frozen


def _away(job: Job, under: str) -> str:
    """What a zip of all that is here would have to bring from the pool."""
    absent = remote.absent(job.paths) if inspection.has_directory(job) else {}
    sizes = [absent[name].size for name in _away_below(job, under)] if absent else []
    return f"{len(sizes)} file{'s' * (len(sizes) != 1)}, {inspection.size(sum(sizes))}" if sizes else ""


def _folder(job: Job, under: str) -> str:
    """404 for what is no folder of the job's."""
    if not under:
        return ""
    if not inspection.has_directory(job):
        raise Http404
    try:
        safe = files.safe_name(under, what="folder")
        path = job.directory / safe
        if safe.split("/")[0] in RESERVED or files.leads_out(job.directory, path) or _through_link(job, safe):
            raise Http404
    except BadName as error:
        raise Http404 from error
    inside = safe + "/"
    if path.is_dir() or any(name.startswith(inside) for name in remote.absent(job.paths)):
        return safe
    raise Http404


def _through_link(job: Job, safe: str) -> bool:
    parts = safe.split("/")
    return any(job.directory.joinpath(*parts[:length]).is_symlink() for length in range(1, len(parts) + 1))


def entries(job: Job, under: str = "") -> list[Entry]:
    """Folders first, then files, by name."""
    if not inspection.has_directory(job):
        return []
    found = {entry.path: entry for entry in itertools.islice(_here(job.directory, under), MOST_LOOKED_AT)}
    for entry in _elsewhere(job, under):
        found.setdefault(entry.path, entry)
    return sorted(found.values(), key=lambda entry: (not entry.folder, entry.name))


def _here(root: Path, under: str) -> Iterator[Entry]:
    folder = root / under
    try:
        scanned = os.scandir(folder)
    except OSError:  # it went meanwhile, or is on the pool only
        return
    with scanned:
        for each in scanned:
            if not under and (each.name in RESERVED or each.name.startswith("signac_")):
                continue
            yield from _entry(root, under, each)


def _entry(root: Path, under: str, each: os.DirEntry[str]) -> Iterator[Entry]:
    path = f"{under}/{each.name}" if under else each.name
    if each.is_dir(follow_symlinks=False):
        yield Entry(one_line(each.name), path, folder=True)
    elif files.is_plain_file(Path(each.path)) and not files.leads_out(root, Path(each.path)):
        yield Entry(one_line(each.name), path, size=each.stat().st_size)


def _elsewhere(job: Job, under: str) -> Iterator[Entry]:
    inside = under + "/" if under else ""
    for name, away in remote.absent(job.paths).items():
        if not name.startswith(inside):
            continue
        first, _, deeper = name[len(inside) :].partition("/")
        if deeper:
            yield Entry(one_line(first), inside + first, folder=True)
        else:
            yield Entry(one_line(first), name, size=away.size, remote=True)


def _addressed(job: Job, entry: Entry) -> Entry:
    """Without addresses for a name that none can hold: one with a newline, or one that is no UTF-8."""
    try:
        if entry.folder:
            return Entry(entry.name, entry.path, True, view=_address(job, entry.path))
        view, save = (reverse(name, args=[job.pk, entry.path]) for name in ("job-view", "job-file"))
    except (NoReverseMatch, UnicodeEncodeError):
        return entry
    return Entry(entry.name, entry.path, False, entry.size, entry.remote, view, f"{save}?save")


def _address(job: Job, under: str) -> str:
    return reverse("job-files", args=[job.pk]) + (f"?{urlencode({'under': under})}" if under else "")


def _ways(job: Job, under: str) -> list[tuple[str, str]]:
    parts = under.split("/") if under else []
    ways = [("/".join(parts[:length]), parts[length - 1]) for length in range(1, len(parts) + 1)]
    return [(one_line(word), _address(job, path)) for path, word in ways]


# --- a selection, as one zip --------------------------------------------------------------------------------


@require_POST
def job_zip(request: Request, pk: int) -> HttpResponseBase:
    """`name`: files and folders; none of them: all below `under`. What stayed on a pool is brought."""
    job = job_for(request.user, pk)
    under = _folder(job, request.POST.get("under", ""))
    names = request.POST.getlist("name")[:1000] or [under]
    chosen = list(dict.fromkeys(itertools.islice(_chosen(job, names), MOST_ZIPPED)))
    if not chosen:
        messages.error(request, "None of that is here to be downloaded.")
        return redirect(_address(job, under))
    response = StreamingHttpResponse(zipping.stream(job, chosen), content_type="application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="job-{pk}.zip"'
    response.headers["Content-Security-Policy"] = FILES
    return response


def _chosen(job: Job, names: list[str]) -> Iterator[str]:
    for name in names:
        try:
            safe = files.safe_name(name) if name else ""
        except BadName:
            continue
        if safe.split("/")[0] in RESERVED or (safe and _through_link(job, safe)):
            continue
        if safe and files.is_plain_file(job.directory / safe):
            yield safe
        else:
            yield from _below(job.directory, safe)
            yield from _away_below(job, safe)


def _below(root: Path, under: str) -> Iterator[str]:
    """However deep."""
    folders = [under]
    while folders:
        for entry in _here(root, folders.pop()):
            if entry.folder:
                folders.append(entry.path)
            else:
                yield entry.path


def _away_below(job: Job, under: str) -> Iterator[str]:
    """What stayed on its pool."""
    for name in remote.absent(job.paths):
        if not under or name == under or name.startswith(f"{under}/"):
            yield name


# --- inputs -------------------------------------------------------------------------------------------------


@require_POST
def upload(request: Request, pk: int) -> HttpResponse:
    job = job_for(request.user, pk)
    if not permissions.allowed(request.user, permissions.EDIT, job, "files"):
        raise PermissionDenied(ONLY_OWNER)
    given: Any = request.FILES.getlist("file")
    if not given:
        messages.error(request, "No file was chosen.")
    for file in given:
        try:
            kept = inputs.keep(job, file.name, file, request.user)
        except (RoostError, BadName) as error:
            messages.error(request, str(error))
        else:
            messages.success(request, f"{kept.name} is there ({inspection.size(kept.size)}).")
    return redirect("job-files", pk)
