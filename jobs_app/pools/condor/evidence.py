"""Attempts that HTCondor has forgotten: neither its queue nor its history names them, and their log is lost.

What their slices left on the access point proves that they have ended, and how: each leaves its record as its
last act. An attempt of which a record is missing stays unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from jobs_app.states import SliceState

from ..base import Event, EventKind, Snapshot
from .parts import Key, read_records, with_parts
from .plan import Share
from .plans import Plans
from .point import AccessPoint

MOST = 5_000  # slices of an attempt whose records are read


def recorded(attempts: Sequence[str], point: AccessPoint, plans: Plans) -> dict[str, Snapshot]:
    shares = _shares(attempts, point, plans)
    keys = [(share.attempt, str(number)) for share in shares for number in _numbers(share)]
    records = read_records(keys, point) if keys else {}
    whole = {key for key in keys if "exit_code" in records.get(key, {})}
    told = [share for share in shares if all((share.attempt, str(n)) in whole for n in _numbers(share))]
    return {share.attempt: _snapshot(share, records, point) for share in told}


def _shares(attempts: Sequence[str], point: AccessPoint, plans: Plans) -> list[Share]:
    """Of those that DAGMan led nothing is concluded: what it had still to start left no trace."""
    lines = point.ask("traces.sh", point.names.root, *attempts).text.splitlines()
    sent_by = dict(line.split(" ", 1) for line in lines)
    plans.load(sent_by.values())
    found = (_share(attempt, name, plans) for attempt, name in sent_by.items())
    return [share for share in found if share is not None and share.procs <= MOST]


def _share(attempt: str, name: str, plans: Plans) -> Share | None:
    for plan in plans.of(name):
        if not plan.lead and plan.unit is None:
            for share in plan.shares:
                if share.attempt == attempt:
                    return share
    return None


def _numbers(share: Share) -> list[int]:
    if share.whole:
        return [0]
    return [run.first + place for run in share.runs for place in range(run.count)]


def _snapshot(share: Share, records: Mapping[Key, Mapping[str, object]], point: AccessPoint) -> Snapshot:
    if share.whole:
        parts = of_parts(share, _exit_code(records[share.attempt, "0"]), point)
        return replace(parts, traced=True)
    states = bytearray([SliceState.DONE]) * share.slices
    for number in _numbers(share):
        good = _exit_code(records[share.attempt, str(number)]) == 0
        states[number] = SliceState.DONE if good else SliceState.FAILED
    return Snapshot(share.attempt, {share.runs[0].step: bytes(states)}, finished=True, traced=True)


def _exit_code(record: Mapping[str, object]) -> int:
    """A signal is no good end either."""
    code, signal = record.get("exit_code"), record.get("signal")
    return code if isinstance(code, int) and not signal else 1


def of_parts(share: Share, exit_code: int | None, point: AccessPoint) -> Snapshot:
    """The record of a script's one proc tells of all parts."""
    steps = [(run.step, run.count) for run in share.runs]
    ended = Event(
        EventKind.ENDED, share.attempt, 0.0, share.runs[0].step, exit_code=exit_code, data={"steps": steps}
    )
    parts = {run.step: bytearray([SliceState.FAILED]) * run.count for run in share.runs}
    for event in with_parts([ended], point):
        parts[event.step][event.slice : event.slice + event.count] = bytes([_state(event)]) * event.count
    return Snapshot(share.attempt, {step: bytes(each) for step, each in parts.items()}, finished=True)


def _state(event: Event) -> SliceState:
    if event.kind == EventKind.SKIPPED:
        return SliceState.SKIPPED
    return SliceState.DONE if event.exit_code == 0 and not event.signal else SliceState.FAILED
