"""A proc that runs a whole script is one event to HTCondor; its record tells what became of each part."""

from __future__ import annotations

import base64
import binascii
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from jobs_app.jobdir import facts
from jobs_app.states import SliceState

from ..base import Event, EventKind, Garbled, Step
from .point import AccessPoint

Fact = facts.Fact | None


class _Outcome(NamedTuple):
    """Slices next to each other that ended alike become one event."""

    kind: EventKind
    exit_code: int | None = None
    signal: int | None = None
    tries: int = 1


def with_parts(events: Sequence[Event], point: AccessPoint) -> list[Event]:
    ended = [event.attempt for event in events if "steps" in event.data]
    records = _records(ended, point) if ended else {}
    found: list[Event] = []
    for event in events:
        found += _expanded(event, records.get(event.attempt)) if event.attempt in records else [event]
    return found


def _records(attempts: Sequence[str], point: AccessPoint) -> dict[str, dict[str, Any]]:
    records = {}
    for line in point.ask("records.sh", point.names.root, *attempts).out.splitlines():
        attempt, _, text = line.partition(b" ")
        try:
            records[attempt.decode()] = json.loads(text or b"{}")
        except ValueError as error:
            raise Garbled(f"The record of attempt {attempt.decode()} cannot be read: {error}") from error
    return records


def _expanded(event: Event, record: dict[str, Any] | None) -> Iterator[Event]:
    record = record or {}
    if event.kind == EventKind.FINISHED:
        yield _finished(event, record)
    elif "steps" not in event.data or "facts" not in record:
        yield event
    else:
        yield from _of_all_steps(replace(event, host=record.get("host", "")), record)


def _of_all_steps(event: Event, record: dict[str, Any]) -> Iterator[Event]:
    steps = [Step(name, slices) for name, slices in event.data["steps"]]
    found = {step: _facts(record, step) for step in steps}
    failed = any(
        fact is not None and fact.state == SliceState.FAILED for each in found.values() for fact in each
    )
    missing = _skipped_or_lost(event, explained=failed or bool(record.get("well")))
    for step in steps:
        yield from _step(event, step, found[step], missing)


def _skipped_or_lost(event: Event, explained: bool) -> _Outcome:
    """A part without a record was left out for a reason that is on record; or it is lost."""
    if explained:
        return _Outcome(EventKind.SKIPPED)
    return _Outcome(EventKind.ENDED, event.exit_code or 1, event.signal)


def _step(event: Event, step: Step, found: Sequence[Fact], missing: _Outcome) -> Iterator[Event]:
    first = 0
    for outcome, group in groupby(_outcome(fact, missing) for fact in found):
        count = len(list(group))
        known = outcome._asdict()
        yield replace(event, step=step.name, slice=first, count=count, data={}, **known)
        first += count


def _outcome(fact: Fact, missing: _Outcome) -> _Outcome:
    if fact is None:
        return missing
    if fact.state == SliceState.DONE:
        return _Outcome(EventKind.ENDED, 0, None, fact.tries)
    return _Outcome(EventKind.ENDED, fact.exit_code or 1, fact.signal or None, fact.tries)


def _facts(record: dict[str, Any], step: Step) -> list[Fact]:
    try:
        data = base64.b64decode(record["facts"], validate=True)
    except (binascii.Error, TypeError, ValueError) as error:
        raise Garbled(f"The facts of a script's parts cannot be read: {error}") from error
    with tempfile.NamedTemporaryFile() as handle:
        handle.write(data)
        handle.flush()
        return list(facts.read_range(Path(handle.name), step.name, 0, step.slices))


def _finished(event: Event, record: dict[str, Any]) -> Event:
    """HTCondor knows how the runner ended; the runner knows how the script did."""
    if "exit_code" not in record:
        return replace(
            event, data={"ok": False, "reason": "It was ended before it could write down how it went."}
        )
    return replace(event, data={"ok": bool(record.get("well")), "reason": ""})
