"""What a running proc writes into its event log itself: which parts of a script have ended well or run now,
and what they say. It comes from a node, so nothing is believed that is not about the proc's own slices.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from jobs_app.states import SliceState

from ..base import Event, EventKind
from . import eventlog
from .eventlog import LogEvent
from .plan import ClusterPlan, Run, Share

_KINDS: Mapping[int, tuple[EventKind, int | None]] = {
    SliceState.RUNNING: (EventKind.STARTED, None),
    SliceState.DONE: (EventKind.ENDED, 0),
}
MOST_LINES, LONGEST = 20, 500


def told(event: LogEvent, plan: ClusterPlan, at: float) -> Iterator[Event]:
    verb, text = eventlog.saying(event)
    share, number = plan.locate(event.proc)
    if verb != "progress" or not (share.whole or share.recorded):
        return
    try:
        said = json.loads(text)
    except ValueError:  # a node may write what it likes
        return
    if not isinstance(said, dict):
        return
    for run, state in _runs(said.get("runs"), share):
        kind, code = _KINDS[state]
        yield Event(kind, share.attempt, at, run.step, run.first, run.count, exit_code=code)
    for part, lines in _lines(said.get("says")):
        place = share.place(number)
        data = {"says": part, "lines": lines}
        yield Event(EventKind.SAYING, share.attempt, at, place.step, place.first, data=data)


def _runs(said: Any, share: Share) -> Iterator[tuple[Run, int]]:
    """Only a proc that runs all of a script stands for several parts."""
    for each in said if isinstance(said, list) and share.whole else ():
        match each:
            case [str(step), int(first), int(count), int(state)] if state in _KINDS:
                if any(run.step == step and 0 <= first < first + count <= run.count for run in share.runs):
                    yield Run(step, first, count), state


def _lines(said: Any) -> Iterator[tuple[str, list[str]]]:
    for part, lines in said.items() if isinstance(said, dict) else ():
        known = part.isdecimal() or part in ("prepare", "synthesis")
        if known and isinstance(lines, list) and all(isinstance(line, str) for line in lines):
            yield part, [line[:LONGEST] for line in lines[:MOST_LINES]]
