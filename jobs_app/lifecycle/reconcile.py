"""Out of step? What the pool knows is compared with what was recorded, for jobs that it has had for a while.

An answer that lacks a job makes it *unknown*, which is said beside its state; it never makes it finished.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from jobs_app import states
from jobs_app.models import Attempt, AttemptPhase, Job, SliceBlock
from jobs_app.pools.base import PoolError, Snapshot

from . import blocks
from .change import message
from .link import Link

EVERY = 60.0  # seconds
AT_ONCE = 500
UNKNOWN = "The pool does not know this job"


def reconcile(link: Link, seen_finished: set[str]) -> set[str]:
    """`seen_finished`: attempts that were finished on the pool at the last look, of which nothing was heard.

    Returns those of this look. What was seen twice is recorded: the news of it are lost.
    """
    old = timezone.now() - timedelta(seconds=EVERY)
    sent = Attempt.objects.filter(scheduler=link.scheduler, phase=AttemptPhase.SENT, sent__lt=old)
    tokens = list(sent.order_by("pk").values_list("token", flat=True)[:AT_ONCE])
    try:
        known = link.pool.query(tokens) if tokens else {}
    except PoolError as error:
        link.failed(error)
        return seen_finished
    _mark_unknown(set(tokens) - known.keys())
    _unmark(known)
    finished = {token for token, snapshot in known.items() if snapshot.finished}
    for token in finished & seen_finished:
        _take_over(token, known[token])
    return finished - seen_finished


def _mark_unknown(tokens: set[str]) -> None:
    said = f"{UNKNOWN} (asked {timezone.now():%Y-%m-%d %H:%M} UTC). Its last state is shown."
    jobs = Job.objects.filter(attempts__token__in=tokens, _status__in=states.ACTIVE)
    _say(jobs.exclude(status_message__startswith=UNKNOWN), message(said))


def _unmark(known: Mapping[str, Snapshot]) -> None:
    _say(Job.objects.filter(attempts__token__in=list(known), status_message__startswith=UNKNOWN), "")


def _say(jobs: QuerySet[Job], text: str) -> None:
    Job.objects.filter(pk__in=list(jobs.values_list("pk", flat=True))).update(status_message=text)


def _take_over(token: str, snapshot: Snapshot) -> None:
    """The states as the pool has them; what has ended here stays as it is."""
    with transaction.atomic():
        rows = Attempt.objects.select_for_update().filter(token=token, phase=AttemptPhase.SENT)
        attempt_id = rows.values_list("pk", flat=True).first()
        if attempt_id is None:
            return
        changed = []
        found = SliceBlock.objects.filter(attempt_id=attempt_id)
        for pk, step, first, data in found.values_list("pk", "step", "first", "states"):
            block = blocks.Block(pk, step, first, data)
            block.take_over(snapshot.slices.get(step, b""))
            changed.append(block)
        blocks.save(changed)
        rows.update(phase=AttemptPhase.FETCHING, ended=timezone.now())
