"""Out of step? What the pool knows is compared with what was recorded, for jobs that it has had for a while.

An answer that lacks a job makes it *unknown*, which is said beside its state; it never makes it finished.
What differs from what was recorded is believed when it was seen twice: the news of it are lost. Where the
log is known to be damaged, once is enough.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import groupby

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from jobs_app import states
from jobs_app.models import Attempt, AttemptPhase, Job, Scheduler, SliceBlock
from jobs_app.parameters import MOST_SLICES
from jobs_app.pools.base import Event, EventKind, PoolError, Snapshot
from jobs_app.states import SliceState

from . import blocks
from .change import message
from .link import Link
from .record import apply
from .wish import remove_again

log = logging.getLogger(__name__)

EVERY = 60.0  # seconds
AT_ONCE = 500
SMALL = 4 * SliceBlock.SIZE  # slices of an attempt that is compared while it goes on
UNKNOWN = "The pool does not know this job"
GONE = "It was stopped, and the pool does not know it any more."

Seen = Mapping[str, object]  # by attempt, what was there at the last look and nobody has heard of


def is_due(link: Link) -> bool:
    """Whoever was courier then: one that dies within the minute must not keep it from ever being done."""
    last, now = link.scheduler.reconciled, timezone.now()
    return last is None or not timedelta() <= now - last < timedelta(seconds=EVERY)


def want(link: Link) -> None:
    _keep(link, None)


def _keep(link: Link, at: datetime | None) -> None:
    link.scheduler.reconciled = at
    Scheduler.objects.filter(pk=link.scheduler.pk).update(reconciled=at)


def reconcile(link: Link, seen: Seen, only: Collection[str] = ()) -> Seen:
    """`seen`: what this returned at the last look. `only`: at these alone somebody wants a look."""
    tokens = list(only)[:AT_ONCE] or _whose_turn(link, seen)
    unheard = set(_unheard(link).filter(token__in=tokens).values_list("token", flat=True))
    try:
        known = link.pool.query(tokens) if tokens else {}
    except PoolError as error:
        link.failed(error)
        return seen
    Attempt.objects.filter(token__in=tokens).update(asked=timezone.now())
    if not only:
        _keep(link, timezone.now())
    link.answered()
    unknown = set(tokens) - known.keys()
    _mark_unknown(unknown)
    _end_removed(link, unknown)
    _unmark(known)
    _tell_again(known)
    now = dict(_differing(known))
    again = {token for token, what in now.items() if _sure(known[token], unheard) or seen.get(token) == what}
    for token in again:
        _believe(link, known[token])
    for_later = {token: what for token, what in seen.items() if token not in tokens}
    return {**for_later, **{token: what for token, what in now.items() if token not in again}}


def _whose_turn(link: Link, seen: Seen) -> list[str]:
    """So many as one question can name: those that are to be seen twice; then those of which no log tells, in
    half of the places at most; then all others. Each comes to its turn, however many there are."""
    unheard = _in_turn(_unheard(link), AT_ONCE // 2)
    others = _in_turn(_sent(link).filter(sent__lt=timezone.now() - timedelta(seconds=EVERY)), AT_ONCE)
    return list(dict.fromkeys([*seen, *unheard, *others]))[:AT_ONCE]


def _in_turn(attempts: QuerySet[Attempt], most: int) -> Iterable[str]:
    """Those that were asked about longest ago."""
    longest_ago = F("asked").asc(nulls_first=True)
    return attempts.order_by(longest_ago, "pk").values_list("token", flat=True)[:most]


def _sent(link: Link) -> QuerySet[Attempt]:
    return Attempt.objects.filter(scheduler=link.scheduler, phase=AttemptPhase.SENT)


def _unheard(link: Link) -> QuerySet[Attempt]:
    """What logs into a segment that is not read any more."""
    return _sent(link).filter(batch__segment__damaged__gt="")


def _sure(snapshot: Snapshot, unheard: Collection[str]) -> bool:
    return snapshot.attempt in unheard and not snapshot.traced


# --- unknown ----------------------------------------------------------------------------------------------


def _mark_unknown(tokens: set[str]) -> None:
    now = timezone.now()
    Attempt.objects.filter(token__in=tokens, unknown_since=None).update(unknown_since=now)
    said = (
        f"{UNKNOWN} (asked {now:%Y-%m-%d %H:%M} UTC). Its last state is shown. If it stays so, stop it: then"
        " it ends with what it left."
    )
    jobs = Job.objects.filter(attempts__token__in=tokens, stage=states.AT_WORK)
    _say(jobs.exclude(status_message__startswith=UNKNOWN), message(said))


def _end_removed(link: Link, tokens: set[str]) -> None:
    """Of what its user has stopped, and the pool does not know at two looks, nothing will come any more."""
    earlier = timezone.now() - timedelta(seconds=EVERY / 2)
    rows = Attempt.objects.filter(token__in=tokens, removal_told__lt=earlier, unknown_since__lt=earlier)
    for token, step in rows.values_list("token", "blocks__step").distinct():
        gone = Event(EventKind.REMOVED, token, time.time(), step or "", 0, MOST_SLICES, reason=GONE)
        apply([gone], link.actor)
    for token in rows.values_list("token", flat=True):
        over = Event(EventKind.FINISHED, token, time.time(), data={"ok": False, "reason": GONE})
        apply([over], link.actor)


def _tell_again(known: Mapping[str, Snapshot]) -> None:
    """The pool took it that these are to go, and still has them."""
    open_ones = [token for token, snapshot in known.items() if not snapshot.finished]
    earlier = timezone.now() - timedelta(seconds=EVERY)
    rows = Attempt.objects.filter(token__in=open_ones, removal_told__lt=earlier, wish="")
    for attempt in rows.filter(phase=AttemptPhase.SENT):
        log.warning("Job %s was to be removed, and is still on its pool: told again", attempt.job_id)
        remove_again(attempt)


def _unmark(known: Mapping[str, Snapshot]) -> None:
    Attempt.objects.filter(token__in=list(known), unknown_since__isnull=False).update(unknown_since=None)
    _say(Job.objects.filter(attempts__token__in=list(known), status_message__startswith=UNKNOWN), "")


def _say(jobs: QuerySet[Job], text: str) -> None:
    Job.objects.filter(pk__in=list(jobs.values_list("pk", flat=True))).update(status_message=text)


# --- what nobody has heard of -------------------------------------------------------------------------------


def _differing(known: Mapping[str, Snapshot]) -> Iterator[tuple[str, object]]:
    going_on = [token for token, snapshot in known.items() if snapshot.slices and not snapshot.finished]
    mine = _recorded(going_on)
    for token, snapshot in known.items():
        if snapshot.finished:
            yield token, True
        elif token in mine and (events := _corrections(snapshot, mine[token])):
            yield token, tuple((event.kind, event.step, event.slice, event.count) for event in events)


def _recorded(tokens: Collection[str]) -> dict[str, dict[str, bytes]]:
    rows = Attempt.objects.filter(token__in=tokens, phase=AttemptPhase.SENT, slices__lte=SMALL)
    found: dict[str, dict[str, bytes]] = {}
    states_of = SliceBlock.objects.filter(attempt__in=rows).order_by("attempt", "step", "first")
    for token, step, data in states_of.values_list("attempt__token", "step", "states"):
        each = found.setdefault(token, {})
        each[step] = each.get(step, b"") + bytes(data)
    return found


_BECAME: Mapping[SliceState, EventKind] = {
    SliceState.WAITING: EventKind.EVICTED,
    SliceState.RUNNING: EventKind.STARTED,
    SliceState.HELD: EventKind.HELD,
    SliceState.SUSPENDED: EventKind.SUSPENDED,
    SliceState.REMOVED: EventKind.REMOVED,
    SliceState.DONE: EventKind.ENDED,
    SliceState.FAILED: EventKind.ENDED,
}


def _corrections(snapshot: Snapshot, mine: Mapping[str, bytes]) -> list[Event]:
    """As if the pool had said what became of the slices that stand otherwise here."""
    return [
        event
        for step, told in snapshot.slices.items()
        for event in _of_step(snapshot, step, mine.get(step, b""), told)
    ]


def _of_step(snapshot: Snapshot, step: str, mine: bytes, told: bytes) -> Iterator[Event]:
    """What has ended here stays as it is."""
    first = 0
    for (here, there), group in groupby(zip(mine, told, strict=False)):
        count = len(list(group))
        if here != there and not SliceState(here).ended and SliceState(there) in _BECAME:
            yield _event(snapshot, step, first, count, SliceState(there))
        first += count


def _event(snapshot: Snapshot, step: str, first: int, count: int, state: SliceState) -> Event:
    code, reason = snapshot.hold or (0, "")
    held = {"code": code, "reason": reason} if state == SliceState.HELD else {}
    ended = {SliceState.DONE: {"exit_code": 0}, SliceState.FAILED: {"exit_code": 1}}.get(state, {})
    now = timezone.now().timestamp()
    return Event(_BECAME[state], snapshot.attempt, now, step, first, count, **held, **ended)  # type: ignore[arg-type]


def _believe(link: Link, snapshot: Snapshot) -> None:
    if snapshot.finished:
        _take_over(snapshot.attempt, snapshot)
    elif events := _corrections(snapshot, _recorded([snapshot.attempt]).get(snapshot.attempt, {})):
        apply(events, link.actor)


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
