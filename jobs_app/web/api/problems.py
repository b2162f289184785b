"""Whatever goes wrong below /api/ is told as application/problem+json (RFC 9457), Django's refusals too."""

from __future__ import annotations

import http
import json
import logging
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from jobs_app import errors
from jobs_app.pools.base import PoolError

TYPE = "application/problem+json"
BELOW = "/api/"
KEPT = ("Allow", "Retry-After", "WWW-Authenticate", "Content-Range", "Accept-Ranges", "X-Ended")
AGAIN = "5"  # seconds after which a pool may answer

log = logging.getLogger(__name__)

# The first kind that fits an error says the status.
_STATUS: tuple[tuple[type[Exception], int], ...] = (
    (errors.Unknown, 404),
    (errors.Invalid, 422),
    (errors.NotAllowed, 403),
    (errors.WrongState, 409),
    (errors.Damaged, 409),
    (errors.NoAnswer, 503),
    (errors.RoostError, 409),
)

_SAID = {
    400: "The request cannot be understood.",
    401: "Sign in, or send a token: Authorization: Bearer roost_...",
    403: "This may not be done.",
    404: "There is no such thing here.",
    405: "This cannot be done here.",
    413: "The body is too large.",
    416: "Nothing lies in this range: it begins behind the end.",
    500: "Something broke in the server. It is in the server's log.",
}


class Refused(Exception):
    """An answer that is none: raised anywhere in the API."""

    def __init__(self, status: int, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.status, self.detail, self.more = status, detail, more
        self.headers: dict[str, str] = {}

    def with_header(self, name: str, value: str) -> Refused:
        self.headers[name] = value
        return self


def problem(status: int, detail: str = "", **more: Any) -> HttpResponse:
    told = {
        "type": "about:blank",
        "title": http.HTTPStatus(status).phrase,
        "status": status,
        "detail": detail or _SAID.get(status, ""),
        **more,
    }
    response = HttpResponse(json.dumps(told), status=status, content_type=TYPE)
    response.headers["Cache-Control"] = "no-store"
    return response


def of_refused(error: Refused) -> HttpResponse:
    response = problem(error.status, error.detail, **error.more)
    for name, value in error.headers.items():
        response.headers[name] = value
    return response


def of_roost(error: errors.RoostError | PoolError) -> HttpResponse:
    status = 503 if isinstance(error, PoolError) else status_of(error)
    response = problem(status, str(error), error=type(error).__name__)
    if status == 503:
        response.headers["Retry-After"] = AGAIN
    return response


def status_of(error: errors.RoostError) -> int:
    return next(status for kind, status in _STATUS if isinstance(error, kind))


def _as_get(request: HttpRequest) -> HttpRequest:
    request.method = "GET"
    return request


def _without_body(response: HttpResponseBase) -> HttpResponse:
    """What GET would have answered, without its body."""
    if not response.streaming and "Content-Length" not in response.headers:
        response.headers["Content-Length"] = str(len(response.content))  # type: ignore[attr-defined]
    bare = HttpResponse(status=response.status_code)
    for name, value in response.headers.items():
        bare.headers[name] = value
    bare._resource_closers.extend(response._resource_closers)  # type: ignore[attr-defined]
    return bare


class Problems:
    """Middleware: for errors that were made elsewhere (no route, wrong method, wrong host, a crash)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(BELOW):
            return self.get_response(request)
        if request.method == "HEAD":
            return _without_body(self._answer(_as_get(request)))
        return self._answer(request)

    def _answer(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if response.status_code < 400:
            return response
        if response.headers.get("Content-Type") == TYPE:
            return response
        told = problem(response.status_code)
        for name in KEPT:
            if name in response.headers:
                told.headers[name] = response.headers[name]
        return told
