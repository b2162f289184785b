"""What a new daemon learns from what its predecessors have written: batches, a checkpoint, segments."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from ..base import Refused, Sending
from .journal import Journal
from .log import log
from .plan import Plan
from .wire import read_sending

_DAMAGED = (KeyError, TypeError, ValueError, zlib.error)


def learn(plan: Plan, journal: Journal) -> None:
    """With the checkpoint, if it is of any use; it may be damaged, or of another version."""
    journal.mend()
    known_to, works = journal.checkpoint()
    try:
        _learn(plan, journal, known_to, works)
    except _DAMAGED as error:
        if not works:
            raise
        log(f"the checkpoint cannot be used ({type(error).__name__}: {error}); reading everything")
        plan.works.clear()
        plan.busy.clear()
        _learn(plan, journal, {}, {})


def _learn(plan: Plan, journal: Journal, known_to: Mapping[str, int], works: Mapping[str, Any]) -> None:
    offsets: dict[str, int] = {}
    for token, offset, sending in _sendings(journal):
        known = all(task.attempt in works for task in sending.tasks)
        begin = known_to[sending.segment] if known else offset
        offsets[sending.segment] = min(begin, offsets.get(sending.segment, begin))
        _add(plan, token, sending, works)
    for segment, offset in offsets.items():
        for place, record in journal.records(segment, offset):
            if record.attempt not in works or place >= known_to[segment]:
                plan.replay(record)


def _sendings(journal: Journal) -> Iterator[tuple[str, int, Sending]]:
    for token, batch in journal.batches():
        try:
            found = int(batch["offset"]), read_sending(batch["sending"])
        except (Refused, *_DAMAGED) as error:
            log(f"the batch {token} is damaged ({error}); put aside, its jobs are unknown")
            journal.put_aside(token)
        else:
            yield token, *found


def _add(plan: Plan, token: str, sending: Sending, works: Mapping[str, Any]) -> None:
    for task in sending.tasks:
        plan.add(token, sending.segment, task)
        if task.attempt in works:
            plan.restore(task.attempt, works[task.attempt])
