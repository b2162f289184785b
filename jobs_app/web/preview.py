"""A file of a job, looked at: its text, its table, its tree, its structure. What it shows is ours, never
the file's own page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe

from jobs_app import inspection
from jobs_app.jobdir import files
from jobs_app.previews import apart, markdown, plot, tables, tree
from jobs_app.previews.values import Structure, Table, Unreadable
from jobs_app.terminal.output import one_line

from . import ansi
from .file import PICTURES, Away, on_its_way, path_of
from .parts import number
from .security import Request, job_for

PIECE = 64 << 10
BEGINNING = 1 << 20
LARGEST_MARKDOWN = 256 << 10
LARGEST_PICTURE = 32 << 20


@dataclass(frozen=True)
class Shown:
    """At most one of these, or nothing: then it can only be saved."""

    picture: str = ""
    html: str = ""
    tables: tuple[tuple[str, str, Table | None, str], ...] = ()  # name, about, rows, plot
    about: str = ""
    text: str | None = None
    trouble: str = ""


@require_safe
def view_file(request: Request, pk: int, name: str) -> HttpResponse:
    job = job_for(request.user, pk)
    try:
        path = path_of(job, name)
    except Away as error:
        return on_its_way(request, job, name, str(error))
    address = reverse("job-file", args=[pk, name])
    size, first = path.stat().st_size, number(request.GET.get("from", ""), 0)
    as_text = "text" in request.GET or "from" in request.GET
    shown = Shown() if as_text else _shown(path, name, address)
    if as_text or ((shown == Shown() or shown.trouble) and is_text(path)):
        shown = Shown(text=_text(path, first), trouble=shown.trouble)
    context = {
        "job": job,
        "here": "files",
        "name": one_line(files.safe_name(name)),
        "folder": _folder(job.pk, name),
        "size": inspection.size(size),
        "shown": shown,
        "address": address,
        "before": max(0, first - PIECE) if first and shown.text is not None else None,
        "after": first + PIECE if shown.text is not None and first + PIECE < size else None,
        "from": first,
        "other_form": shown.text is None and not shown.picture and is_text(path),
    }
    return render(request, "jobs/view.html", context)


def _folder(pk: int, name: str) -> tuple[str, str]:
    folder = files.safe_name(name).rpartition("/")[0]
    return folder, reverse("job-files", args=[pk]) + (f"?{urlencode({'under': folder})}" if folder else "")


def _shown(path: Path, name: str, address: str) -> Shown:
    ending = PurePosixPath(name).suffix.lower()
    if ending in PICTURES and path.stat().st_size <= LARGEST_PICTURE:
        return Shown(picture=address)
    reader = READERS.get(ending)
    try:
        return reader(path) if reader else Shown()
    except Unreadable as error:
        return Shown(trouble=str(error))


def _tabled(path: Path) -> Shown:
    data = _beginning(path, BEGINNING)
    separator = "\t" if path.suffix.lower() == ".tsv" else ""
    table = tables.read(data, whole=path.stat().st_size <= len(data), separator=separator)
    return Shown(tables=(("", "", table, _plot(table)),), about=f"{len(table.columns)} columns")


def _json(path: Path) -> Shown:
    if path.stat().st_size > tree.LARGEST:
        raise Unreadable("It is too large to be shown as a tree; here is its text.")
    return Shown(html=mark_safe(tree.html(path.read_bytes())))  # noqa: S308 - escaped where it is made


def _markdown(path: Path) -> Shown:
    text = _beginning(path, LARGEST_MARKDOWN).decode("utf-8", "replace")
    return Shown(html=mark_safe(f'<div class="prose">{markdown.html(text)}</div>'))  # noqa: S308 - cleaned there


def _apart(kind: str) -> Callable[[Path], Shown]:
    def read(path: Path) -> Shown:
        found: Structure = apart.read(kind, path)
        rows = tuple((part.name, part.about, part.table, _plot(part.table)) for part in found.parts)
        return Shown(tables=rows, about=found.about)

    return read


def _plot(table: Table | None) -> str:
    return mark_safe(plot.svg(table.numbers)) if table and table.numbers else ""  # noqa: S308 - escaped there


READERS: dict[str, Callable[[Path], Shown]] = {
    ".csv": _tabled,
    ".tsv": _tabled,
    ".json": _json,
    ".md": _markdown,
    ".parquet": _apart("parquet"),
    **dict.fromkeys((".h5", ".hdf5", ".hdf"), _apart("hdf5")),
}


def is_text(path: Path) -> bool:
    data = _beginning(path, 4096)
    if b"\0" in data:
        return False
    strange = sum(byte < 9 or 13 < byte < 27 or 27 < byte < 32 for byte in data)
    return strange * 20 <= len(data)


def _text(path: Path, first: int) -> str:
    with path.open("rb") as handle:
        handle.seek(first)
        data = handle.read(PIECE)
    return mark_safe(ansi.html(data.decode("utf-8", "replace"))[0])  # noqa: S308 - escaped there


def _beginning(path: Path, length: int) -> bytes:
    with path.open("rb") as handle:
        return handle.read(length)
