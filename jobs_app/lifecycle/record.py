"""Writes what a pool says into the rows: events and offset together, or neither.

Few queries whatever the number of events: the attempts that they name, the blocks of slices that they touch,
then blocks, attempts, jobs and history. Attempts that stand alike and to which the same happens are worked
out once and written together; a row that stays as it is is not written.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from django.db import OperationalError, transaction
from django.utils import timezone

from jobs_app import killpoints, states
from jobs_app.jobdir.text import storable
from jobs_app.models import Attempt, AttemptPhase, History, Job, Segment, SubjobRequest
from jobs_app.pools.base import Event, EventKind, Events
from jobs_app.situation import hold_code, most_used

from . import blocks, holds, nodes, saying, tries
from .actors import Actor
from .change import LIMITED, RESUMED, UNSENT, message
from .reading import open_sheets
from .rows import insert_each, update_each
from .sheet import Sheet, counted, job_status

log = logging.getLogger(__name__)

HELD_LOOKED_AT = 4  # slices


@dataclass(frozen=True)
class Recorded:
    """What the courier has to do next."""

    finished: tuple[tuple[int, str], ...] = ()  # id and token of attempts of which all was heard
    requests: bool = False


class Overtaken(Exception):
    """Somebody else has recorded this segment meanwhile; the lease was lost."""


def record(segment: Segment, found: Events, by: Actor) -> Recorded:
    if found.offset == segment.offset:
        return Recorded()
    with transaction.atomic():
        _advance(segment, found.offset)
        recorded = _apply_all(found.events, by, segment.scheduler_id)
        killpoints.reach("record.before-commit")
    segment.offset = found.offset
    killpoints.reach("record.committed")
    return recorded


def apply(events: Sequence[Event], by: Actor) -> Recorded:
    """What follows from an act of ours, and stands in no segment."""
    with transaction.atomic():
        return _apply_all(events, by)


def record_patiently(segment: Segment, found: Events, by: Actor) -> Recorded:
    """As record(); where one attempt's events cannot be recorded, the others' are."""
    try:
        return record(segment, found, by)
    except (Overtaken, OperationalError):
        raise
    except Exception:
        log.exception(
            "Events of segment %s cannot be recorded together; trying one attempt at a time", segment
        )
    each = [
        _record_one(token, found.events, by, segment.scheduler_id)
        for token in {event.attempt for event in found.events}
    ]
    record(segment, Events((), found.offset), by)
    finished = tuple(over for recorded in each for over in recorded.finished)
    return Recorded(finished, any(recorded.requests for recorded in each))


def _record_one(token: str, events: Sequence[Event], by: Actor, scheduler: int) -> Recorded:
    try:
        with transaction.atomic():
            return _apply_all([event for event in events if event.attempt == token], by, scheduler)
    except OperationalError:
        raise
    except Exception as error:
        log.exception("Events of attempt %s cannot be recorded", token)
        Attempt.objects.filter(token=token).update(last_error=f"{type(error).__name__}: {error}")
        return Recorded()


def _apply_all(events: Sequence[Event], by: Actor, scheduler: int | None = None) -> Recorded:
    sheets = open_sheets(events, scheduler)
    for sheet in sheets:
        for event in sheet.events:
            _apply(sheet, _storable(event))
    saying.keep(events, scheduler)
    return _write(sheets, by)


def _advance(segment: Segment, offset: int) -> None:
    if not Segment.objects.filter(pk=segment.pk, offset=segment.offset).update(offset=offset):
        raise Overtaken(f"Segment {segment} was read by another courier; this one has lost its lease.")


def _storable(event: Event) -> Event:
    """What a pool or a script said may hold what no database takes; the event must not be lost for it."""
    said = event.data.get("reason")
    reason, data = storable(event.reason), event.data
    if isinstance(said, str) and storable(said) != said:
        data = {**event.data, "reason": storable(said)}
    if reason == event.reason and data is event.data:
        return event
    return replace(event, reason=reason, data=data)


def _apply(sheet: Sheet, event: Event) -> None:
    if sheet.finished is not None:
        return
    table = blocks.table_of(event)
    if table is not None:
        sheet.apply(event, table)
    if remark := _REMARKS.get(event.kind):
        remark(sheet, event)


def _started(sheet: Sheet, event: Event) -> None:
    if sheet.started is None:
        sheet.started = _time(event)


def _ended(sheet: Sheet, event: Event) -> None:
    if blocks.ended_well(event):
        return
    if event.will_retry:
        sheet.tried_again.append(event)
    elif sheet.failure is None:
        sheet.failure = (event.exit_code, event.signal)


def _held(sheet: Sheet, event: Event) -> None:
    sheet.hold = event


def _removed(sheet: Sheet, event: Event) -> None:
    sheet.removal = event.reason or sheet.removal


def _asked(sheet: Sheet, event: Event) -> None:
    sheet.requests.append(event)


def _finished(sheet: Sheet, event: Event) -> None:
    sheet.finished = event


_REMARKS: dict[EventKind, Callable[[Sheet, Event], None]] = {
    EventKind.STARTED: _started,
    EventKind.ENDED: _ended,
    EventKind.HELD: _held,
    EventKind.REMOVED: _removed,
    EventKind.REQUEST: _asked,
    EventKind.FINISHED: _finished,
}


def _time(event: Event) -> datetime:
    return datetime.fromtimestamp(event.at, UTC)


def _write(sheets: Sequence[Sheet], by: Actor) -> Recorded:
    blocks.save(block for sheet in sheets for block in sheet.blocks.values())
    attempts = [(_attempt_row(sheet), sheet) for sheet in sheets]
    update_each(
        Attempt, _ATTEMPT, [(row, sheet.attempt_ids) for row, sheet in attempts if row != sheet.began]
    )
    views = [_view(sheet) for sheet in sheets]
    update_each(Job, _JOB, [(_job_row(view), view.sheet.job_ids) for view in views if view.is_new])
    now = timezone.now()
    moved = [view for view in views if view.status != view.sheet.status]
    insert_each(History, _HISTORY, "job", [(_history(view, by, now), view.sheet.job_ids) for view in moved])
    for sheet in sheets:
        if sheet.tried_again:
            tries.record(sheet, by)
        if sheet.work.graph:
            nodes.record(sheet)
    _write_requests(sheets)
    finished = [member for sheet in sheets if sheet.finished for member in sheet.members]
    return Recorded(
        tuple((member.attempt_id, member.token) for member in finished),
        any(sheet.requests for sheet in sheets),
    )


_ATTEMPT = ("phase", "reason", "started", "ended", "exit_code", "signal")


def _attempt_row(sheet: Sheet) -> tuple[object, ...]:
    failure = sheet.failure or (None, None)
    if sheet.finished is None:
        return (AttemptPhase.SENT, _reason(sheet), sheet.started, None, *failure)
    said = sheet.removal or sheet.reason or str(sheet.finished.data.get("reason", ""))
    reason = "" if sheet.finished.data.get("ok") else said
    return (AttemptPhase.FETCHING, reason, sheet.started, _time(sheet.finished), *failure)


def _reason(sheet: Sheet) -> str:
    """Why a slice is held is not forgotten for the others that are removed meanwhile."""
    if sheet.hold:
        return sheet.hold.reason
    if sheet.removal and not (sheet.reason and any(step.held for step in sheet.counts().values())):
        return sheet.removal
    return sheet.reason


@dataclass(frozen=True)
class _View:
    """What the user will see of a job."""

    sheet: Sheet
    status: str
    message: str
    slices: states.Counts

    @property
    def is_new(self) -> bool:
        sheet = self.sheet
        told = (sheet.status, sheet.message, sheet.began[2]) != (self.status, self.message, sheet.started)
        return told or any(block.changed for block in sheet.blocks.values())


def _view(sheet: Sheet) -> _View:
    counts = sheet.counts()
    after = job_status(sheet, counts)
    status = after if states.may_follow(sheet.status, after) else sheet.status
    return _View(sheet, status, _message(sheet, status), counted(sheet.work, counts))


def _message(sheet: Sheet, status: str) -> str:
    if status == "HLD" and sheet.hold:
        return message(_why_held(sheet.only.job_id, sheet.hold.reason, sheet.hold.code))
    if status == sheet.status:
        return "" if sheet.message.startswith((UNSENT, RESUMED, LIMITED)) else sheet.message
    if status == "HLD":
        return message(_why_held(sheet.only.job_id, _reason(sheet), hold_code(_reason(sheet))))
    return "Held back by its user; resume it when it may go on." if status == "PAS" else ""


def _why_held(job_id: int, reason: str, code: int) -> str:
    """With as much more of what it had too little of as the first ones took, where that is known."""
    job = Job.objects.select_related("project").get(pk=job_id)
    try:
        used = most_used(job, holds.limit(code, reason), HELD_LOOKED_AT)
    except OSError as error:  # no event is lost for that
        log.warning("What job %s used cannot be read: %s", job_id, error)
        used = 0
    return holds.sentence(reason, code, job_id, job.parameters, used)


_JOB = (
    "_status",
    "status_message",
    "slices_running",
    "slices_done",
    "slices_failed",
    "slices_held",
    "start_time",
)


def _job_row(view: _View) -> tuple[object, ...]:
    slices = view.slices
    numbers = (slices.running, slices.done, slices.failed, slices.held)
    return (view.status, view.message, *numbers, view.sheet.started)


_HISTORY = ("attempt", "at", "actor", "before", "after", "why")


def _history(view: _View, by: Actor, now: datetime) -> tuple[object, ...]:
    why = view.message if view.status == "HLD" else ""
    return (view.sheet.number, now, by.name, view.sheet.status, view.status, why)


def _write_requests(sheets: Sequence[Sheet]) -> None:
    rows = [
        SubjobRequest(attempt_id=sheet.only.attempt_id, identifier=event.data["id"], wanted=dict(event.data))
        for sheet in sheets
        for event in sheet.requests
    ]
    if rows:
        SubjobRequest.objects.bulk_create(rows, ignore_conflicts=True)
