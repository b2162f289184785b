"""The address that schedulers and jobs call when there is news.

    ?key=<capability>, GET or POST   "look at this job": its courier looks earlier than it would by itself
    signed POST                      what it says is recorded; of an EXTERNAL job it is how the job is

Whoever proves nothing is refused in the same words after the same work, whether the job exists or not:
nothing is looked up for them. What is answered {"success": true} is written down.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from jobs_app import callbacks, conf, origin, throttling
from jobs_app.callbacks import Signed
from jobs_app.jobdir.text import storable
from jobs_app.lifecycle import said as saying
from jobs_app.lifecycle.heard import WINDOW, Call, Heard, Verdict

from .desk import Busy, desk

LARGEST_BODY = 16 * 1024
LONGEST_DELAY = 24 * 3600
LONGEST_MESSAGE = 4000
LARGEST_ID = 2**63 - 1

_PATH = re.compile(r"/update-job-status/([0-9]{1,18})/")


class CallbackDoor:
    """Answers callbacks before any other middleware: sessions, messages and forms are not for programs."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        asked = _PATH.fullmatch(request.path_info)
        if asked is None or (settings.SECURE_SSL_REDIRECT and not request.is_secure()):
            return self._get_response(request)
        return update_job_status(request, int(asked[1]))


@csrf_exempt
@require_http_methods(["GET", "POST"])
def update_job_status(request: HttpRequest, pk: int) -> HttpResponse:
    answer = _report(request, pk) if _is_report(request) else _hint(request, pk)
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer._has_been_logged = True  # type: ignore[attr-defined]  # refusals cost nobody a line of log
    return answer


def _is_report(request: HttpRequest) -> bool:
    return request.method == "POST" and "HTTP_X_ROOST_SIGNATURE" in request.META


def _hint(request: HttpRequest, pk: int) -> HttpResponse:
    is_open = conf.open_callbacks() and "key" not in request.GET
    if not is_open and not callbacks.is_capability(pk, request.GET.get("key", "")):
        return _refused()
    try:
        delay = _delay(request.GET.get("delay", "0"))
    except ValueError as error:
        return _wrong(str(error), 400)
    answer = _heard(Call(min(pk, LARGEST_ID), throttling.address(request), delay))
    return _taken() if is_open and answer.status_code == 403 else answer


def _delay(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 9 and int(text) <= LONGEST_DELAY):
        raise ValueError(f"delay={text[:20]!r} is no whole number of seconds from 0 to {LONGEST_DELAY}.")
    return int(text)


def _report(request: HttpRequest, pk: int) -> HttpResponse:
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > LARGEST_BODY:
        return _wrong(f"A report has {LARGEST_BODY} bytes at most.", 413)
    signed = _signed(request.META)
    if not callbacks.is_signed_report(pk, signed, request.body):
        return _refused()
    try:
        said = content(request.body)
    except ValueError as error:
        return _wrong(str(error), 400)
    call = Call(pk, throttling.address(request), 0, signed.version, signed.nonce, said)
    return _heard(call)


def _signed(headers: Mapping[str, Any]) -> Signed:
    names = ("KEY", "ID", "TIMESTAMP", "SIGNATURE")
    return Signed(*(str(headers.get(f"HTTP_X_ROOST_{name}", "")) for name in names))


def _heard(call: Call) -> HttpResponse:
    try:
        heard = desk.hear(call)
    except Busy:
        return _later(_wrong("Try again: this could not be written down now.", 503), 2)
    if heard.verdict is Verdict.VOID:
        return _refused()
    if heard.verdict is Verdict.TOO_MANY:
        return _later(_wrong("Too many calls.", 429), int(WINDOW.total_seconds()))
    return _acted_upon(call, heard)


def _acted_upon(call: Call, heard: Heard) -> HttpResponse:
    if heard.verdict is Verdict.REPEATED:
        return _wrong("A report of this id was taken before.", 409)
    if not heard.is_authority:
        return _taken()
    with origin.of(origin.Origin(origin.CALLBACK, call.address, call.nonce)):
        why_not = saying.act_upon(call.job_id, call.nonce)
    return _wrong(why_not, 409) if why_not else _taken()


# --- what a report says -------------------------------------------------------------------------------------


def content(body: bytes) -> dict[str, Any]:
    """Known names only, each of its kind; ValueError says what is wrong."""
    try:
        said = json.loads(body)
    except RecursionError:
        raise ValueError("The report must be an object without others in it.") from None
    if not isinstance(said, dict) or not said:
        raise ValueError('The report must be an object: {"status": "RUN", "message": "...", "progress": 40}.')
    for name, value in said.items():
        if name not in _KINDS or not _KINDS[name][0](value):
            raise ValueError(f"{name[:40]!r} of the report {_must(name)}")
    return {name: storable(value) if isinstance(value, str) else value for name, value in said.items()}


def _must(name: str) -> str:
    known = name in _KINDS
    return f"must be {_KINDS[name][1]}." if known else f"is not known. Known are {', '.join(_KINDS)}."


def _is_text(most: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and len(value) <= most


def _is_whole(least: int, most: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and least <= value <= most


_KINDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "status": (_is_text(255), "a text"),
    "message": (_is_text(LONGEST_MESSAGE), f"a text of {LONGEST_MESSAGE} letters at most"),
    "progress": (lambda value: type(value) in (int, float) and 0 <= value <= 100, "a number from 0 to 100"),
    "slice": (_is_whole(0, 2**31 - 1), "a slice's number"),
    "slices_done": (_is_whole(0, 2**31 - 1), "a number of slices"),
    "exit_code": (_is_whole(-(2**31), 2**31 - 1), "an exit code"),
    "run": (_is_text(100), "a text of 100 letters at most"),
    "at": (lambda value: type(value) in (int, float) and 0 <= value < 1e11, "Unix seconds"),
}


# --- answers ------------------------------------------------------------------------------------------------


def _taken() -> HttpResponse:
    return HttpResponse(b'{"success": true}', content_type="application/json")


def _refused() -> JsonResponse:
    return _wrong("The signature is missing, wrong, or too old.", 403)


def _wrong(text: str, status: int) -> JsonResponse:
    return JsonResponse({"success": False, "error": text}, status=status)


def _later(answer: JsonResponse, seconds: int) -> JsonResponse:
    answer.headers["Retry-After"] = str(seconds)
    return answer
