"""The address that schedulers and jobs call when there is news.

    ?key=<capability>, GET or POST   "look at this job": its courier looks earlier than it would by itself
    signed POST                      the report of an EXTERNAL job is recorded: {"status", "message"}

Whoever proves nothing is refused in the same words, whether the job exists or not.
"""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from jobs_app import callbacks, lifecycle
from jobs_app.errors import RoostError
from jobs_app.lifecycle.nudge import nudge
from jobs_app.models import Attempt, Job

LARGEST_BODY = 64 * 1024


@csrf_exempt
@require_http_methods(["GET", "POST"])
def update_job_status(request: HttpRequest, pk: int) -> JsonResponse:
    if _is_report(request):
        return _report(request, pk)
    if not callbacks.is_capability(pk, request.GET.get("key", "")):
        return _refused()
    scheduler = (
        Attempt.objects.filter(job_id=pk).order_by("-number").values_list("scheduler_id", flat=True).first()
    )
    if scheduler is not None:
        nudge(scheduler)
    return JsonResponse({"success": True})


def _is_report(request: HttpRequest) -> bool:
    return request.method == "POST" and "X-Roost-Signature" in request.headers


def _report(request: HttpRequest, pk: int) -> JsonResponse:
    if int(request.headers.get("Content-Length") or 0) > LARGEST_BODY:
        return _wrong("The report is too long.", 413)
    stamp, signature = request.headers.get("X-Roost-Timestamp", ""), request.headers["X-Roost-Signature"]
    if not callbacks.is_signed_report(pk, stamp, signature, request.body):
        return _refused()
    job = Job.objects.filter(pk=pk, type="EXTERNAL").first()
    if job is None:
        return _wrong("Reports are for jobs of the type EXTERNAL; this one is none.", 409)
    try:
        said = _content(request.body)
        lifecycle.report(job, said["status"], said.get("message", ""))
    except ValueError as error:
        return _wrong(str(error), 400)
    except RoostError as error:
        return _wrong(str(error), 409)
    return JsonResponse({"success": True})


def _content(body: bytes) -> dict[str, Any]:
    said = json.loads(body)
    if not isinstance(said, dict) or not isinstance(said.get("status"), str):
        raise ValueError('The report must be an object with a "status": {"status": "RUN", "message": "..."}.')
    if not isinstance(said.get("message", ""), str):
        raise ValueError("The report's message must be a text.")
    return said


def _refused() -> JsonResponse:
    return _wrong("The signature is missing, wrong, or too old.", 403)


def _wrong(text: str, status: int) -> JsonResponse:
    return JsonResponse({"success": False, "error": text}, status=status)
