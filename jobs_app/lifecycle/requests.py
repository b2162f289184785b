"""Running parts ask for subjobs. What was asked is a row from the moment it was heard until the answer has
surely arrived, so it survives the death of everybody but the part that waits.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from jobs_app import killpoints
from jobs_app.errors import RoostError
from jobs_app.models import AttemptPhase, Job, SubjobRequest
from jobs_app.models.plain import one_row
from jobs_app.pools.base import PoolError, Refused

from .link import Link

log = logging.getLogger(__name__)

DEEPEST = 5

# Finds or creates the job that `wanted` describes, as a subjob of `parent`, and executes it.
Builder = Callable[[Job, Mapping[str, Any]], Job]


def serve(link: Link, build: Builder) -> bool:
    """Builds what was asked for, answers what is done; whether anything is still open."""
    if one_row(SubjobRequest, "id", "NOT answered") is None:
        return False
    open_ones = SubjobRequest.objects.filter(
        answered=False, attempt__scheduler=link.scheduler, attempt__phase=AttemptPhase.SENT
    ).select_related("attempt__job__project", "subjob__project")
    still_open = False
    for request in open_ones.order_by("pk"):
        try:
            still_open |= not _serve(request, link, build)
        except Refused as error:  # what the subjob left cannot be sent: that is no fault of the link
            still_open |= _say_instead(request, error)
        except PoolError as error:
            link.failed(error)
            return True
    return still_open


def _serve(request: SubjobRequest, link: Link, build: Builder) -> bool:
    if request.subjob is None and not request.error:
        _build(request, build)
    answer = _answer(request)
    if answer is None:
        return False
    link.pool.answer(request.attempt.token, request.identifier, answer)
    killpoints.reach("courier.answered")
    SubjobRequest.objects.filter(pk=request.pk).update(answered=True)
    return True


def _say_instead(request: SubjobRequest, error: Refused) -> bool:
    """The part that waits is told why; if not even that can be sent, nobody can help it."""
    log.warning("Attempt %s cannot be answered: %s", request.attempt_id, error)
    helpless = bool(request.error)
    SubjobRequest.objects.filter(pk=request.pk).update(error=str(error), answered=helpless)
    return not helpless


def _build(request: SubjobRequest, build: Builder) -> None:
    parent = request.attempt.job
    try:
        _check_depth(parent)
        request.subjob = build(parent, request.wanted)
        request.wanted["was_built"] = not request.subjob.is_final
        _check_circle(parent, request.subjob)
    except RoostError as error:
        request.error = str(error)
    except Exception as error:
        log.exception("Job %s asked for a subjob that could not be built", parent.pk)
        request.error = f"{type(error).__name__}: {error}"
    killpoints.reach("courier.subjob-built")
    SubjobRequest.objects.filter(pk=request.pk).update(
        subjob=request.subjob, error=request.error, wanted=request.wanted
    )


def _check_depth(parent: Job) -> None:
    depth, job = 1, parent
    while job.parent is not None:
        depth, job = depth + 1, job.parent
    if depth >= DEEPEST:
        raise RoostError(f"Subjobs may lie {DEEPEST} deep, and {parent.jobid} is {depth} deep already.")


def _check_circle(parent: Job, subjob: Job) -> None:
    """Jobs that wait for each other would do so for ever."""
    found = [] if subjob.is_final else _way(subjob.pk, parent.pk)
    if found:
        raise RoostError(
            f"{parent.jobid} asked for {subjob.jobid}, which waits for {parent.jobid}: neither would ever "
            f"end. {_chain([parent.pk, *found])}."
        )


def _way(start: int, end: int) -> list[int]:
    """From a job to one for which it waits, over all that wait for a subjob; [] if it does not."""
    ways = {start: [start]}
    waiting = {start}
    while waiting and end not in ways:
        open_ones = SubjobRequest.objects.filter(answered=False, error="", subjob__isnull=False)
        asked = open_ones.filter(attempt__job_id__in=waiting, attempt__phase=AttemptPhase.SENT)
        steps = asked.exclude(subjob__in=list(ways)).values_list("attempt__job_id", "subjob_id")
        new = {subjob: [*ways[job], subjob] for job, subjob in steps}
        ways |= new
        waiting = set(new)
    return ways.get(end, [])


def _chain(ids: list[int]) -> str:
    """ "hen (shop-1) builds egg (shop-2) builds hen (shop-1)" """
    rows = Job.objects.select_related("project").in_bulk(ids)
    return " builds ".join(f"{rows[pk].name} ({rows[pk].jobid})" for pk in ids)


def _answer(request: SubjobRequest) -> dict[str, Any] | None:
    """None while the subjob is not over."""
    if request.error:
        return {"error": request.error}
    subjob = request.subjob
    if subjob is None or not subjob.is_final:
        return None
    if subjob._status == "COM":
        was_built = request.wanted.get("was_built", True)
        return {"job": subjob.jobid, "path": str(subjob.directory), "ok": True, "was_built": was_built}
    return {"error": f"The subjob {subjob.jobid} ended: {subjob.cached_status}. {subjob.status_message}"}
