"""HTCondor says that a proc ended; of a script's procs, records tell how, and what became of each part."""

from __future__ import annotations

import base64
import binascii
import json
import logging
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from jobs_app.jobdir import facts
from jobs_app.jobdir.layout import PREPARE, SYNTHESIS
from jobs_app.jobdir.text import storable
from jobs_app.states import SliceState

from ..base import Event, EventKind, Garbled, Step
from .point import AccessPoint

log = logging.getLogger(__name__)

MOST_REQUESTS = 100  # of one part at once
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

Fact = facts.Fact | None
Found = TypeVar("Found")


class _Outcome(NamedTuple):
    """Slices next to each other that ended alike become one event."""

    kind: EventKind
    exit_code: int | None = None
    signal: int | None = None
    tries: int = 1


def with_parts(events: Sequence[Event], point: AccessPoint) -> list[Event]:
    asked = dict.fromkeys(key for event in events for key in _keys(event))
    records = read_records(list(asked), point) if asked else {}
    return [each for event in events for each in _expanded(event, records)]


Key = tuple[str, str]  # an attempt, and what is told of: "0" for all of a script, else a part


def _keys(event: Event) -> tuple[Key, ...]:
    """The records that tell more than HTCondor does."""
    if "steps" in event.data:
        return ((event.attempt, "0"),)
    if "part" in event.data:
        return ((event.attempt, event.data["part"]),)
    if "asks" in event.data:
        return ((event.attempt, event.data["asks"]),)
    if "recorded" in event.data:
        return ((event.attempt, PREPARE), (event.attempt, SYNTHESIS))
    return ((event.attempt, "0"),) if "whole" in event.data else ()


def read_records(keys: Sequence[Key], point: AccessPoint) -> dict[Key, dict[str, Any]]:
    """They come from nodes. One that cannot be read, also when it is asked for again, is as if it were not
    there: the others in this answer are other jobs'."""
    records, bad = _read(keys, point)
    if bad:
        again, bad = _read(bad, point)
        records.update(again)
    for attempt, part in bad:
        log.warning("The record %s/out/%s.json cannot be read, so it is left out", attempt, part)
    return records


def _read(keys: Sequence[Key], point: AccessPoint) -> tuple[dict[Key, dict[str, Any]], list[Key]]:
    """Records, and the keys of those that cannot be read."""
    names = {f"{attempt}/out/{part}.json".encode(): (attempt, part) for attempt, part in keys}
    asked = b"".join(name + b"\n" for name in names)
    texts: dict[Key, list[bytes]] = {}
    for line in point.ask("records.sh", point.names.root, stdin=asked).out.split(b"\n")[:-1]:
        name, _, text = line.partition(b":")
        if name not in names:
            raise Garbled(f"Records were asked for, and the answer has {line[:200]!r}")
        texts.setdefault(names[name], []).append(text)
    records = {key: _record(b"\n".join(lines)) for key, lines in texts.items()}
    good = {key: record for key, record in records.items() if record is not None}
    return good, [key for key in records if key not in good]


def _record(text: bytes) -> dict[str, Any] | None:
    """None if it is not what a node's wrapper writes."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or not _is_shaped(said):
        return None
    return {**said, "host": storable(said.get("host", ""))[:255]}


def _is_shaped(said: dict[str, Any]) -> bool:
    parts, requests = said.get("parts", {}), said.get("requests", [])
    if not isinstance(parts, dict) or not isinstance(requests, list):
        return False
    packed = (said.get("facts", ""), *parts.values())
    asked = all(isinstance(each, dict) for each in requests)
    return asked and isinstance(said.get("host", ""), str) and all(_is_packed(each) for each in packed)


def _is_packed(text: object) -> bool:
    try:
        return isinstance(text, str) and bool(text == "" or base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        return False


Records = Mapping[Key, dict[str, Any]]


def _expanded(event: Event, records: Records) -> Iterator[Event]:
    record = next((records[key] for key in _keys(event) if records.get(key)), {})
    if event.kind == EventKind.FINISHED:
        yield _finished(event, records)
    elif "part" in event.data:
        yield from _of_part(event, record)
    elif "asks" in event.data:
        yield from _asked(event, record)
    elif "steps" not in event.data or "facts" not in record:
        yield event
    else:
        yield from _of_all_steps(replace(event, host=record.get("host", "")), record)


def _asked(event: Event, record: dict[str, Any]) -> Iterator[Event]:
    """A part that waits for a subjob is held by ourselves; to the user it runs."""
    asked = [
        each
        for each in record.get("requests", ())
        if isinstance(each.get("id"), str) and _ID.fullmatch(each["id"])
    ]
    for request in asked[:MOST_REQUESTS]:
        step = str(request.get("step", event.step))
        yield replace(event, kind=EventKind.REQUEST, step=step, code=0, reason="", data=request)
    if not asked:
        yield replace(event, data={})


def _of_part(event: Event, record: dict[str, Any]) -> Iterator[Event]:
    """The proc of one part; prepare stands for synthesis too where it ended the job early."""
    name = event.data["part"]
    if record.get("removed"):
        yield replace(event, kind=EventKind.REMOVED, exit_code=None, data={}, reason="Removed.")
        return
    known = replace(event, host=record.get("host", ""), data={})
    for part, text in (record.get("parts") or {name: ""}).items():
        if part not in (name, SYNTHESIS):
            continue
        step = event.step if part == name else part
        outcome = _outcome(_fact(text), _Outcome(EventKind.ENDED, event.exit_code or 1, event.signal))
        yield replace(known, step=step, **outcome._asdict())


def _fact(text: str) -> Fact:
    return _unpacked(text, lambda path: facts.read(path, PREPARE))  # the first place of its file


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
    return _unpacked(record["facts"], lambda path: list(facts.read_range(path, step.name, 0, step.slices)))


def _unpacked(text: str, read: Callable[[Path], Found]) -> Found:
    with tempfile.NamedTemporaryFile() as handle:
        handle.write(base64.b64decode(text))
        handle.flush()
        return read(Path(handle.name))


def _finished(event: Event, records: Records) -> Event:
    """HTCondor knows how procs ended; the runner knows how the script did."""
    told = [records[key] for key in _keys(event) if records.get(key)]
    if "recorded" in event.data:
        ok = any(record.get("well") and _is_last(record) for record in told)
        return replace(event, data={"ok": ok, "reason": event.data["reason"]})
    if "whole" not in event.data:
        return event
    if not told or "exit_code" not in told[0]:
        return replace(
            event, data={"ok": False, "reason": "It was ended before it could write down how it went."}
        )
    return replace(event, data={"ok": bool(told[0].get("well")), "reason": ""})


def _is_last(record: Mapping[str, Any]) -> bool:
    return bool(record.get("early")) or SYNTHESIS in record.get("parts", {})
