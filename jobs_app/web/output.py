"""What a part printed: its end first, then what comes, by conditional polling; also of a slice that runs
elsewhere. Escaped always."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from django.http import Http404, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from jobs_app import inspection
from jobs_app.errors import NoAnswer
from jobs_app.jobdir.layout import PREPARE, SYNTHESIS
from jobs_app.jobdir.output import Output
from jobs_app.lifecycle import live
from jobs_app.models import Job
from jobs_app.pools.base import PoolError
from jobs_app.states import SliceState

from . import ansi, current
from .ansi import Pen
from .parts import number_of
from .security import FILES, Request, job_for

END = 64 << 10  # bytes that are shown first
PIECE = 256 << 10
LONGEST_LINE = 32 << 10
LONGEST_FOUND = 1 << 20  # bytes of one line, among which something is looked for
MOST_FOUND = 200
MOST_PARTS = 200
LARGEST_NUMBER = 2**31
MANY = 2_000  # slices, from which on they are not listed


@dataclass(frozen=True)
class Piece:
    lines: str  # HTML of whole lines
    rest: str  # of the line that has not ended
    start: int
    offset: int  # of that line: where to go on
    pen: str
    ended: bool
    more: bool = False
    trouble: str = ""


def part_of(job: Job, name: str) -> tuple[str, int]:
    """404 for what cannot be a part."""
    if name in (PREPARE, SYNTHESIS):
        return name, 0
    number = number_of(name)
    if number is None or number >= LARGEST_NUMBER:
        raise Http404
    return job.main_step, number


def size_of(job: Job, part: str) -> int:
    """Of what is here by now; of a slice that runs elsewhere what its courier has brought."""
    step, number = part_of(job, part)
    return live.size(job, step, number, more=False) if inspection.has_directory(job) else 0


def piece(job: Job, part: str, offset: int, pen: Pen) -> Piece:
    step, number = part_of(job, part)
    try:
        data, after, ended = live.read(job, step, number, offset=offset, limit=PIECE)
    except (PoolError, NoAnswer) as error:
        return Piece("", "", offset, offset, str(pen), ended=False, trouble=str(error))
    whole = data.rfind(b"\n") + 1
    if len(data) - whole > LONGEST_LINE:
        whole = len(data)
    lines, then = ansi.html(data[:whole].decode("utf-8", "replace"), pen)
    rest, _ = ansi.html(data[whole:].decode("utf-8", "replace"), then)
    start = after - len(data)
    return Piece(lines, rest, start, start + whole, str(then), ended, more=len(data) == PIECE)


@require_safe
def output_news(request: Request, pk: int) -> HttpResponseBase:
    """What came after `offset`; 304 without a body where nothing did."""
    job = job_for(request.user, pk)
    part, offset = request.GET.get("part", ""), _offset(request)
    found = piece(job, part, offset, Pen.read(request.GET.get("pen", "")))
    seen = f"{found.offset} {found.rest} {found.ended} {found.trouble}"
    etag = f'"{hashlib.sha256(seen.encode()).hexdigest()[:24]}"'
    if etag == request.headers.get("If-None-Match") and found.offset == offset:
        return HttpResponse(status=304, headers={"ETag": etag})
    return JsonResponse(vars(found) | {"anew": found.start != offset}, headers={"ETag": etag})


@require_safe
def output_page(request: Request, pk: int) -> HttpResponse:
    job = job_for(request.user, pk)
    etag = current.version(job, request)
    if same := current.unchanged(request, etag):
        return same
    chosen = request.GET.get("part") or (parts(job)[-1:] or ["0"])[0]
    wanted = request.GET.get("find", "")[:200]
    context = {
        "job": job,
        "here": "output",
        "wanted": wanted,
        "part": chosen,
        "view": shown(job, chosen, _offset(request) if "from" in request.GET else None),
        "found": found_lines(job, chosen, wanted) if wanted else [],
    }
    return current.page(request, "jobs/output.html", etag, context)


def shown(job: Job, part: str, begin: int | None = None) -> dict[str, object]:
    """What the pages say of a part's output."""
    part_of(job, part)
    size = size_of(job, part)
    start = max(0, size - END) if begin is None else min(begin, size)
    known = piece(job, part, start, Pen())
    names = parts(job)
    return {
        "part": part,
        "parts": names[:MOST_PARTS],
        "more_parts": max(0, len(names) - MOST_PARTS),
        "many": job.slices_total > MANY,
        "last_slice": max(0, job.slices_total - 1),
        "piece": known,
        "size": inspection.size(size),
        "start": start,
        "before": max(0, start - PIECE) if start else None,
        "after": known.offset if known.more else None,
        "follows": not known.ended,
    }


def parts(job: Job) -> list[str]:
    """Those that have printed; of very many slices those that are worth a look."""
    if job.slices_total <= MANY:
        return live.parts(job)
    ends = [part for part in (PREPARE, SYNTHESIS) if size_of(job, part)]
    telling = [job.slices_in(state, limit=20) for state in (SliceState.FAILED, SliceState.RUNNING)]
    return [*ends, *(str(number) for numbers in telling for number in numbers)] or ["0"]


def found_lines(job: Job, part: str, wanted: str) -> list[dict[str, object]]:
    """The first lines that hold it, with the offset of each."""
    needle, at, waiting = wanted.lower().encode(), 0, b""
    lines: list[dict[str, object]] = []
    for data in itertools.chain(pieces(job, part), [b""]):
        text = waiting + data
        whole = text.rfind(b"\n") + 1 if data and len(text) < LONGEST_FOUND else len(text)
        for line in text[:whole].splitlines(keepends=True):
            if _holds(line, needle):
                shown_ = line[:500].decode("utf-8", "replace").rstrip("\r\n")
                lines.append({"offset": at, "html": ansi.html(shown_)[0]})
            at += len(line)
        waiting = text[whole:]
        if len(lines) >= MOST_FOUND:
            break
    return lines[:MOST_FOUND]


def _holds(line: bytes, needle: bytes) -> bool:
    """As a person sees it: colours may stand between the letters."""
    if b"\x1b" in line:
        line = ansi.plain(line.decode("utf-8", "replace")).encode("utf-8", "replace")
    return needle in line.lower()


def pieces(job: Job, part: str) -> Iterator[bytes]:
    """All that is here of what it printed; what comes meanwhile is left for the next look."""
    (step, number), size, offset = part_of(job, part), size_of(job, part), 0
    while offset < size:
        data = live.read(job, step, number, offset=offset, limit=min(PIECE, size - offset), more=False).data
        if not data:
            return
        yield data
        offset += len(data)


@require_safe
def output_file(request: Request, pk: int) -> HttpResponseBase:
    """All that a part printed, as it came."""
    job = job_for(request.user, pk)
    part = request.GET.get("part", "")
    step, number = part_of(job, part)
    if not inspection.has_directory(job):
        raise Http404
    with suppress(PoolError, NoAnswer):  # then what was brought before
        live.size(job, step, number)
    return _streamed(pieces(job, part), f"job-{pk}-{part}.txt")


def downloaded(output: Output, part: str, name: str) -> HttpResponseBase:
    return _streamed(_all_of(output, part), name)


def _streamed(data: Iterator[bytes], name: str) -> HttpResponseBase:
    response = StreamingHttpResponse(data)
    response.headers["Content-Type"] = "text/plain; charset=utf-8"
    response.headers["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response.headers["Content-Security-Policy"] = FILES
    return response


def _all_of(output: Output, part: str) -> Iterator[bytes]:
    offset = 0
    while data := output.read(part, offset, PIECE):
        yield data
        offset += len(data)


def _offset(request: Request) -> int:
    return number_of(request.GET.get("offset") or request.GET.get("from", "")) or 0
