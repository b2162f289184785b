"""Answers with a part of something long: one range, as RFC 9110 has it, or all of it. Memory stays flat."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

CHUNK = 1 << 18

_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})")


@dataclass(frozen=True)
class Range:
    first: int
    last: int  # with

    @property
    def length(self) -> int:
        return self.last - self.first + 1


class Unsatisfiable(Exception):
    pass


def wanted(header: str, size: int) -> Range | None:
    """None: all of it, also for what is no range that we know (several of them, other units)."""
    found = _RANGE.fullmatch(header.replace(" ", ""))
    if not found or found[0] == "bytes=-":
        return None
    if not found[1]:
        first, last = max(0, size - int(found[2])), size - 1
    else:
        first, last = int(found[1]), min(int(found[2] or size), size - 1)
        if found[2] and int(found[2]) < first:
            return None
    if first > last:
        raise Unsatisfiable
    return Range(first, last)


class _Whole(FileResponse):
    block_size = CHUNK  # Django's own is a page of memory


def of_file(request: HttpRequest, path: Path, etag: str) -> HttpResponseBase:
    handle = path.open("rb")
    size = path.stat().st_size
    try:
        asked = range_of(request, size, etag)
    except Unsatisfiable:
        handle.close()
        return refused(size)
    if asked is None:
        return _headed(_Whole(handle), size, None, etag)
    answer = StreamingHttpResponse(_pieces(handle, asked))
    answer._resource_closers.append(handle.close)  # type: ignore[attr-defined]  # also if nobody reads it
    return _headed(answer, size, asked, etag)


def of_bytes(
    request: HttpRequest,
    read: Callable[[int, int], bytes],
    size: int,
    etag: str,
    most: int,
    header: str = "",
) -> HttpResponse:
    """`read(offset, length)`; at most so many bytes at once, also where more are asked for. `header`: instead
    of the request's."""
    try:
        asked = wanted(header, size) if header else range_of(request, size, etag)
    except Unsatisfiable:
        return refused(size)
    if asked is None and size > most:
        asked = Range(0, size - 1)
    if asked is not None and asked.length > most:
        asked = Range(asked.first, asked.first + most - 1)
    data = read(asked.first, asked.length) if asked else read(0, size)
    return _headed(HttpResponse(data), size, asked, etag)  # type: ignore[return-value]


def range_of(request: HttpRequest, size: int, etag: str) -> Range | None:
    header = request.headers.get("Range", "")
    if request.headers.get("If-Range", etag) != etag:
        return None
    return wanted(header, size) if header else None


def _headed(response: HttpResponseBase, size: int, asked: Range | None, etag: str) -> HttpResponseBase:
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["ETag"] = etag
    response.headers["Content-Length"] = str(asked.length if asked else size)
    if asked:
        response.status_code = 206
        response.headers["Content-Range"] = f"bytes {asked.first}-{asked.last}/{size}"
    return response


def refused(size: int) -> HttpResponse:
    return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}", "Accept-Ranges": "bytes"})


def _pieces(handle: BinaryIO, asked: Range) -> Iterator[bytes]:
    with handle:
        handle.seek(asked.first)
        left = asked.length
        while left > 0 and (piece := handle.read(min(CHUNK, left))):
            left -= len(piece)
            yield piece
