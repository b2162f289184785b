"""Finds the sheets of the attempts that a batch of events names, in few queries whatever their number."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter, itemgetter
from typing import Any

from django.db import connection

from jobs_app.models import Attempt, Job, SliceBlock
from jobs_app.pools.base import Event, EventKind
from jobs_app.states import SliceState

from .blocks import COLUMNS, SIZE, Block
from .rows import among_values
from .sheet import Key, Member, Sheet
from .work import Work

# An attempt with more slices than this has only those blocks read that an event touches.
SMALL = 4 * SIZE

AT_ONCE = 2000  # attempts in one query

Said = Mapping[str, Sequence[Event]]  # by the attempt's token
Row = tuple[Any, ...]


def open_sheets(events: Sequence[Event], scheduler: int | None = None) -> list[Sheet]:
    """Of the attempts that the events name and that go on, on this scheduler's pool if it is given: a pool
    speaks of no other's jobs. Locked until the transaction ends."""
    said: dict[str, list[Event]] = {}
    for event in events:
        said.setdefault(event.attempt, []).append(event)
    tokens = sorted(said)
    return [
        sheet
        for first in range(0, len(tokens), AT_ONCE)
        for sheet in _sheets(_live(tokens[first : first + AT_ONCE], scheduler), said)
    ]


# Plain SQL: with the ORM, building this query would be most of the work of recording one job's events.
_LIVE = f"""
    SELECT a.token, a.id, a.job_id, a.work,
           a.number, a.phase, a.reason, a.paused, CAST(a.started AS text),
           a.exit_code, a.signal, j.status, j.status_message
    FROM {Attempt._meta.db_table} a JOIN {Job._meta.db_table} j ON j.id = a.job_id
    WHERE a.phase NOT IN ('fetching', 'processing', 'final') AND a.token
"""  # noqa: S608 - the names of our own tables
_WORK = 3  # its place


def _live(tokens: Sequence[str], scheduler: int | None) -> list[Row]:
    here, values = ("", ()) if scheduler is None else (" AND a.scheduler_id = %s", (scheduler,))
    lock = " FOR UPDATE" if connection.features.has_select_for_update else ""
    among, listed = among_values(tokens)
    return _rows(f"{_LIVE} {among}{here} ORDER BY a.job_id{lock}", (listed, *values))


def _rows(statement: str, values: Sequence[Any]) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rows: list[Row] = cursor.fetchall()
    return rows


@lru_cache(1024)
def _work(text: str) -> Work:
    return Work.from_json(json.loads(text))


def _sheets(rows: Sequence[Row], said: Said) -> Iterator[Sheet]:
    small: list[Row] = []
    for row in rows:
        if _work(row[_WORK]).slices_of_all <= SMALL:
            small.append(row)
        else:
            yield _of_a_large_one(row, said[row[0]])
    yield from _of_small_ones(small, said)


def _sheet(row: Row, happened: Sequence[Event]) -> Sheet:
    member, (work, number, phase, reason, paused, started, exit_code, signal, *job) = row[:_WORK], row[_WORK:]
    failure = None if exit_code is None and signal is None else (exit_code, signal)
    known = (number, phase, reason, bool(paused), _work(work), _time(started), failure)
    return Sheet([Member(*member)], happened, *known, *job)


def _time(found: str | None) -> datetime | None:
    """From text, which on SQLite is in UTC without saying so."""
    when = datetime.fromisoformat(found) if found is not None else None
    return when.replace(tzinfo=UTC) if when is not None and when.tzinfo is None else when


# --- small ones: all of their blocks are read, and those that are alike share a sheet ---------------------


def _of_small_ones(rows: Sequence[Row], said: Said) -> list[Sheet]:
    blocks = _blocks_of([row[1] for row in rows])
    alike: dict[object, Sheet] = {}
    alone: list[Sheet] = []
    for row in rows:
        mine, happened = blocks.get(row[1], ()), said[row[0]]
        key = (row[_WORK:], *map(_STANDING, mine), *map(_happening, happened))
        sheet = alike.get(key)
        if sheet is not None:
            sheet.members.append(Member(*row[:_WORK]))
            for block, found in zip(sheet.blocks.values(), mine, strict=True):
                block.pks.append(found[1])
            continue
        sheet = _of_a_small_one(row, mine, happened)
        if _names_the_job(sheet):
            alone.append(sheet)
        else:
            alike[key] = sheet
    return [*alike.values(), *alone]


def _of_a_small_one(row: Row, blocks: Sequence[Row], happened: Sequence[Event]) -> Sheet:
    sheet = _sheet(row, happened)
    sheet.blocks = {(step, first): Block(pk, step, first, data) for _, pk, step, first, data in blocks}
    return sheet


_BLOCKS = f"SELECT attempt_id, id, step, first, states FROM {SliceBlock._meta.db_table} WHERE attempt_id"  # noqa: S608
_STANDING = itemgetter(2, 3, 4)


def _blocks_of(attempts: Sequence[int]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = {}
    if attempts:
        among, listed = among_values(attempts)
        for row in _rows(f"{_BLOCKS} {among} ORDER BY id", [listed]):
            found.setdefault(row[0], []).append(row)
    return found


# All that is recorded of an event; where it ran and what it used are not.
_TOLD = attrgetter(
    "kind", "at", "step", "slice", "count", "exit_code", "signal", "will_retry", "code", "reason"
)


def _happening(event: Event) -> object:
    return (_TOLD(event), repr(event.data)) if event.data else _TOLD(event)


_ORDINARY = (EventKind.ACCEPTED, EventKind.STARTED, EventKind.ENDED, EventKind.EVICTED, EventKind.FINISHED)


def _names_the_job(sheet: Sheet) -> bool:
    """Whether something may be written into its rows that no other job's rows say."""
    return (
        bool(sheet.work.graph)
        or any(event.kind not in _ORDINARY or event.will_retry for event in sheet.events)
        or any(SliceState.HELD in block.states for block in sheet.blocks.values())
    )


# --- large ones: only those blocks are read that an event touches -------------------------------------------


def _of_a_large_one(row: Row, happened: Sequence[Event]) -> Sheet:
    sheet, keys = _sheet(row, happened), _touched(happened)
    wanted = {}
    rows = SliceBlock.objects.filter(attempt_id=sheet.only.attempt_id)
    for pk, step, first, *numbers in rows.values_list("pk", "step", "first", *COLUMNS):
        if (step, first) in keys:
            wanted[pk] = (step, first)
        else:
            sheet.unread.append((step, numbers))
    for pk, data in SliceBlock.objects.filter(pk__in=list(wanted)).values_list("pk", "states"):
        sheet.blocks[wanted[pk]] = Block(pk, *wanted[pk], data)
    return sheet


def _touched(events: Sequence[Event]) -> set[Key]:
    return {
        (event.step, number * SIZE)
        for event in events
        if event.step
        for number in range(event.slice // SIZE, (event.slice + event.count - 1) // SIZE + 1)
    }
