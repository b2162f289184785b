"""One attempt, while a batch of events is written into it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from jobs_app import states
from jobs_app.models import Attempt, Job, SliceBlock
from jobs_app.pools.base import Event
from jobs_app.states import Counts

from .blocks import COLUMNS, SIZE, Block
from .work import Work

# An attempt with more slices than this has only those blocks read that an event touches.
SMALL = 4 * SIZE

AT_ONCE = 2000  # attempts in one query

Key = tuple[str, int]  # a step, and the first slice of a block


@dataclass
class Sheet:
    attempt_id: int
    number: int
    phase: str
    reason: str
    paused: bool
    work: Work
    started: datetime | None
    failure: tuple[int | None, int | None] | None  # exit code and signal of the first slice that failed
    job_id: int
    status: str
    message: str
    blocks: dict[Key, Block] = field(default_factory=dict)
    unread: list[tuple[str, list[int]]] = field(default_factory=list)  # the other blocks' counts
    hold: Event | None = None
    finished: Event | None = None
    requests: list[Event] = field(default_factory=list)
    tried_again: list[Event] = field(default_factory=list)

    def apply(self, event: Event, table: bytes) -> None:
        first = event.slice - event.slice % SIZE
        if event.count == 1:
            if block := self.blocks.get((event.step, first)):
                block.apply_one(table, event.slice)
            return
        for start in range(first, event.slice + event.count, SIZE):
            if block := self.blocks.get((event.step, start)):
                block.apply(table, event.slice, event.slice + event.count)

    def counts(self) -> dict[str, Counts]:
        """Of each step, in order."""
        found: dict[str, list[Sequence[int]]] = {step.name: [] for step in self.work.steps}
        for (step, _), block in self.blocks.items():
            found[step].append(block.counts())
        for step, numbers in self.unread:
            found[step].append(numbers)
        return {step: add(rows) for step, rows in found.items()}


def add(rows: Sequence[Sequence[int]]) -> Counts:
    return Counts(*map(sum, zip(*rows, strict=True))) if rows else Counts()


def counted(work: Work, counts: dict[str, Counts]) -> Counts:
    """What the user sees as the job's slices."""
    if work.counted:
        return counts[work.counted]
    return sum_of(counts.values())


def sum_of(counts: Iterable[Counts]) -> Counts:
    return add([tuple(getattr(one, name) for name in COLUMNS) for one in counts])


def job_status(sheet: Sheet, counts: dict[str, Counts]) -> str:
    """The job's state while its attempt is on the pool; only `finish` makes it a final one."""
    reached = sum_of(_reached(sheet.work, counts))
    if reached.total == reached.ended:
        return sheet.status if sheet.status == "VAR" else "RUN"
    return states.job_state(reached, independent=sheet.work.independent, hold_is_ours=sheet.paused)


def _reached(work: Work, counts: dict[str, Counts]) -> list[Counts]:
    """The steps that have begun: what waits for an earlier step of its script says nothing of the job."""
    reached = []
    for step in work.steps:
        reached.append(counts[step.name])
        if counts[step.name].ended < counts[step.name].total:
            break
    return reached


def open_sheets(events: Sequence[Event]) -> dict[str, Sheet]:
    """The attempts that the events name and that go on, by token; locked until the transaction ends."""
    touched = _touched(events)
    sheets = {}
    for tokens in batched(sorted(touched), AT_ONCE):
        some = {row[0]: _sheet(row[1:]) for row in _live(tokens)}
        _read_blocks(some, touched)
        sheets.update(some)
    return sheets


def batched(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (items[first : first + size] for first in range(0, len(items), size))


# Plain SQL: with the ORM, building this query would be most of the work of recording one job's events.
_LIVE = f"""
    SELECT a.token, a.id, a.number, a.phase, a.reason, a.paused, a.work, a.started, a.exit_code, a.signal,
           a.job_id, j.status, j.status_message
    FROM {Attempt._meta.db_table} a JOIN {Job._meta.db_table} j ON j.id = a.job_id
    WHERE a.phase NOT IN ('fetching', 'processing', 'final') AND a.token IN
"""  # noqa: S608 - the names of our own tables


def _live(tokens: Sequence[str]) -> list[tuple[Any, ...]]:
    lock = " FOR UPDATE" if connection.features.has_select_for_update else ""
    places = ", ".join(["%s"] * len(tokens))
    with connection.cursor() as cursor:
        cursor.execute(f"{_LIVE} ({places}) ORDER BY a.job_id{lock}", tokens)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _sheet(row: Sequence[Any]) -> Sheet:
    attempt_id, number, phase, reason, paused, work, started, exit_code, signal, *job = row
    failure = None if exit_code is None and signal is None else (exit_code, signal)
    known = Work.from_json(json.loads(work))
    return Sheet(attempt_id, number, phase, reason, bool(paused), known, _time(started), failure, *job)


def _time(found: Any) -> datetime | None:
    """As the database has it: SQLite knows text only, in UTC."""
    when = datetime.fromisoformat(found) if isinstance(found, str) else found
    return when.replace(tzinfo=UTC) if when is not None and when.tzinfo is None else when


def _touched(events: Sequence[Event]) -> dict[str, set[Key]]:
    touched: dict[str, set[Key]] = {}
    for event in events:
        keys = touched.get(event.attempt)
        if keys is None:
            keys = touched[event.attempt] = set()
        if event.step:
            for number in range(event.slice // SIZE, (event.slice + event.count - 1) // SIZE + 1):
                keys.add((event.step, number * SIZE))
    return touched


def _read_blocks(sheets: dict[str, Sheet], touched: dict[str, set[Key]]) -> None:
    small = {}
    for token, sheet in sheets.items():
        if sum(step.slices for step in sheet.work.steps) > SMALL:
            _read_touched(sheet, touched[token])
        else:
            small[sheet.attempt_id] = sheet
    rows = SliceBlock.objects.filter(attempt_id__in=list(small)) if small else SliceBlock.objects.none()
    for attempt_id, pk, step, first, data in rows.values_list("attempt_id", "pk", "step", "first", "states"):
        small[attempt_id].blocks[step, first] = Block(pk, step, first, data)


def _read_touched(sheet: Sheet, keys: set[Key]) -> None:
    wanted = {}
    rows = SliceBlock.objects.filter(attempt_id=sheet.attempt_id)
    for pk, step, first, *numbers in rows.values_list("pk", "step", "first", *COLUMNS):
        if (step, first) in keys:
            wanted[pk] = (step, first)
        else:
            sheet.unread.append((step, numbers))
    for pk, data in SliceBlock.objects.filter(pk__in=list(wanted)).values_list("pk", "states"):
        sheet.blocks[wanted[pk]] = Block(pk, *wanted[pk], data)
