"""What was tried again: one line in the history of an attempt, however often it happens.

"Tried again (3 times): slice 2 (exit code 1), slice 2 (signal 9), slice 5 (exit code 1)."
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from jobs_app.jobdir.layout import ANALYSIS, RUN
from jobs_app.models import History
from jobs_app.pools.base import Event

from .actors import Actor
from .sheet import Sheet

NAMED = 10  # the first ones; the others are counted
_BEGINNING = "Tried again ("
_LINE = re.compile(r"Tried again \((\d+) times?\): (.*?)(?:, \.\.\.|\.)", re.DOTALL)


def record(sheet: Sheet, by: Actor) -> None:
    job_id = sheet.only.job_id
    rows = History.objects.filter(job_id=job_id, attempt=sheet.number, why__startswith=_BEGINNING)
    former = rows.first()
    why = told(former.why if former else "", sheet.tried_again)
    if former is None:
        History.objects.create(job_id=job_id, attempt=sheet.number, actor=by.name, why=why)
    else:
        rows.update(why=why)


def told(before: str, events: Sequence[Event]) -> str:
    """The line, with what it said before."""
    known = _LINE.fullmatch(before)
    count = len(events) + (int(known[1]) if known else 0)
    named = [*(known[2].split(", ") if known else ()), *map(_said, events)][:NAMED]
    rest = ", ..." if count > len(named) else "."
    return f"{_BEGINNING}{count} time{'s' * (count > 1)}): {', '.join(named)}{rest}"


def _said(event: Event) -> str:
    part = f"slice {event.slice}" if event.step in (ANALYSIS, RUN) else event.step
    return f"{part} (signal {event.signal})" if event.signal else f"{part} (exit code {event.exit_code})"
