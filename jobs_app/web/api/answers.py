"""Answers that several resources give."""

from __future__ import annotations

from django.http import HttpResponse


def not_modified(etag: str) -> HttpResponse:
    return HttpResponse(status=304, headers={"ETag": etag, "Cache-Control": "private, no-cache"})
