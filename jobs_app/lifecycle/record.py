"""Writes what a pool says into the rows: events and offset together, or neither.

Few queries whatever the number of events: the attempts that they name, the blocks of slices that they touch,
one statement each for blocks, attempts, jobs and history.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from django.db import OperationalError, transaction

from jobs_app import killpoints, states
from jobs_app.jobdir.text import storable
from jobs_app.models import Attempt, AttemptPhase, History, Job, Segment, SubjobRequest
from jobs_app.pools.base import Event, EventKind, Events

from . import blocks, holds, tries
from .actors import Actor
from .change import LIMITED, RESUMED, UNSENT, message
from .rows import update_each
from .sheet import Sheet, counted, job_status, open_sheets

log = logging.getLogger(__name__)


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
        recorded = _apply_all(found.events, by)
        killpoints.reach("record.before-commit")
    segment.offset = found.offset
    killpoints.reach("record.committed")
    return recorded


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
    each = [_record_one(token, found.events, by) for token in {event.attempt for event in found.events}]
    record(segment, Events((), found.offset), by)
    finished = tuple(over for recorded in each for over in recorded.finished)
    return Recorded(finished, any(recorded.requests for recorded in each))


def _record_one(token: str, events: Sequence[Event], by: Actor) -> Recorded:
    try:
        with transaction.atomic():
            return _apply_all([event for event in events if event.attempt == token], by)
    except OperationalError:
        raise
    except Exception as error:
        log.exception("Events of attempt %s cannot be recorded", token)
        Attempt.objects.filter(token=token).update(last_error=f"{type(error).__name__}: {error}")
        return Recorded()


def _apply_all(events: Sequence[Event], by: Actor) -> Recorded:
    sheets = open_sheets(events)
    for event in events:
        if sheet := sheets.get(event.attempt):
            _apply(sheet, _storable(event))
    return _write(sheets.values(), by)


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
    sheet.reason = event.reason or sheet.reason


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


def _write(sheets: Collection[Sheet], by: Actor) -> Recorded:
    blocks.save(block for sheet in sheets for block in sheet.blocks.values())
    update_each(Attempt, _ATTEMPT_COLUMNS, map(_attempt_row, sheets))
    views = [_view(sheet) for sheet in sheets]
    update_each(Job, _JOB_COLUMNS, map(_job_row, views))
    History.objects.bulk_create(_history(view, by) for view in views if view.status != view.sheet.status)
    for sheet in sheets:
        if sheet.tried_again:
            tries.record(sheet, by)
    _write_requests(sheets)
    finished = tuple((sheet.attempt_id, sheet.finished.attempt) for sheet in sheets if sheet.finished)
    return Recorded(finished, any(sheet.requests for sheet in sheets))


_ATTEMPT_COLUMNS = ("phase", "reason", "started", "ended", "exit_code", "signal")


def _attempt_row(sheet: Sheet) -> tuple[object, ...]:
    exit_code, signal = sheet.failure or (None, None)
    if sheet.finished is None:
        reason = sheet.hold.reason if sheet.hold else sheet.reason
        return (AttemptPhase.SENT, reason, sheet.started, None, exit_code, signal, sheet.attempt_id)
    reason = (
        "" if sheet.finished.data.get("ok") else sheet.reason or str(sheet.finished.data.get("reason", ""))
    )
    ended = _time(sheet.finished)
    return (AttemptPhase.FETCHING, reason, sheet.started, ended, exit_code, signal, sheet.attempt_id)


@dataclass(frozen=True)
class _View:
    """What the user will see of a job."""

    sheet: Sheet
    status: str
    message: str
    slices: states.Counts


def _view(sheet: Sheet) -> _View:
    counts = sheet.counts()
    after = job_status(sheet, counts)
    status = after if states.may_follow(sheet.status, after) else sheet.status
    return _View(sheet, status, _message(sheet, status), counted(sheet.work, counts))


def _message(sheet: Sheet, status: str) -> str:
    if status == "HLD" and sheet.hold:
        parameters = Job.objects.values_list("parameters", flat=True).get(pk=sheet.job_id)
        return message(holds.sentence(sheet.hold.reason, sheet.hold.code, sheet.job_id, parameters))
    if status == sheet.status:
        return "" if sheet.message.startswith((UNSENT, RESUMED, LIMITED)) else sheet.message
    if status == "HLD":
        return message(holds.sentence(sheet.reason, 0, sheet.job_id, {}))
    return "Held back by its user; resume it when it may go on." if status == "PAS" else ""


_JOB_COLUMNS = (
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
    return (view.status, view.message, *numbers, view.sheet.started, view.sheet.job_id)


def _history(view: _View, by: Actor) -> History:
    return History(
        job_id=view.sheet.job_id,
        attempt=view.sheet.number,
        actor=by.name,
        before=view.sheet.status,
        after=view.status,
        why=view.message if view.status == "HLD" else "",
    )


def _write_requests(sheets: Collection[Sheet]) -> None:
    rows = [
        SubjobRequest(attempt_id=sheet.attempt_id, identifier=event.data["id"], wanted=dict(event.data))
        for sheet in sheets
        for event in sheet.requests
    ]
    if rows:
        SubjobRequest.objects.bulk_create(rows, ignore_conflicts=True)
