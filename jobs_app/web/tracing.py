"""Each request has an id: in its log lines, in its answer, in the audit trail. One line of log for each."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from jobs_app import conf, logs, origin, throttling

from .security import PAGES

log = logging.getLogger("roost.requests")

_ID = re.compile(r"[A-Za-z0-9_.-]{8,64}")
_OWN = ("/apps/", "/static/")  # an app's pages say themselves what they load; errors there are ours
_QUIET = ("/healthz", "/readyz", "/metrics", "/static/")  # asked by machines, all the time


class Tracing:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        name, begun = _id(request), time.perf_counter()
        came = origin.Origin(_via(request.path_info), throttling.address(request), name)
        with origin.of(came), logs.about(request=name):
            response = self._get_response(request)
            if response.status_code >= 400 or not request.path_info.startswith(_OWN):
                response.headers.setdefault("Content-Security-Policy", PAGES)
            if not request.path_info.startswith(_QUIET):
                _log(request, response, time.perf_counter() - begun)
        response.headers["X-Request-Id"] = name
        return response


def _id(request: HttpRequest) -> str:
    """A proxy's own, where one stands before us; nobody else chooses what stands in our log."""
    said = request.headers.get("X-Request-Id", "")
    return said if conf.proxies() and _ID.fullmatch(said) else uuid.uuid4().hex


def _via(path: str) -> str:
    if path.startswith("/api/"):
        return origin.API
    return origin.ADMIN if path.startswith("/admin/") else origin.PAGE


def _log(request: HttpRequest, response: HttpResponseBase, seconds: float) -> None:
    """Without the query: addresses may hold what opens something."""
    took = f"{seconds * 1e3:.0f} ms"
    with logs.about(**_job(request), **_user(request)):
        log.info("%s %s %d in %s", request.method, _shown(request.path_info), response.status_code, took)


def _shown(path: str) -> str:
    return "/sign-in/..." if path.startswith("/sign-in/") and path != "/sign-in/" else repr(path)[1:-1]


def _job(request: HttpRequest) -> dict[str, int]:
    match = request.resolver_match
    pk = match.kwargs.get("pk") if match is not None else None
    return {"job": int(pk)} if pk is not None and str(pk).isdecimal() else {}


def _user(request: HttpRequest) -> dict[str, str]:
    """Only if somebody has asked who it is: looking it up costs a query."""
    user = request.__dict__.get("_cached_user")
    return {"user": user.get_username()} if user is not None and user.is_authenticated else {}
