"""The reader's time zone: the browser tells it in a cookie, so that pages are written in it."""

from __future__ import annotations

from datetime import tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from django.http import HttpRequest
from django.utils import timezone

COOKIE = "roost_zone"


def of(request: HttpRequest) -> tzinfo:
    name = request.COOKIES.get(COOKIE, "")
    return ZoneInfo(name) if name in _known() else timezone.get_default_timezone()


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    return frozenset(available_timezones())
