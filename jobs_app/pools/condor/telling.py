"""What a running proc writes into its event log itself: which parts of a script have ended well or run now,
and what they say. It comes from a node, so nothing is believed that is not about the proc's own slices.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jobs_app.jobdir.layout import ANALYSIS, part_name
from jobs_app.jobdir.text import storable
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
_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")


def told(event: LogEvent, plan: ClusterPlan, at: float) -> Iterator[Event]:
    verb, text = eventlog.saying(event)
    share, number = plan.locate(event.proc)
    if verb != "progress" or not (share.whole or share.recorded):
        return
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):  # a node may write what it likes
        return
    if not isinstance(said, dict):
        return
    for run, state in _runs(said.get("runs"), share):
        kind, code = _KINDS[state]
        yield Event(kind, share.attempt, at, run.step, run.first, run.count, exit_code=code)
    for part, lines in _lines(said.get("says"), share, number):
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


def _lines(said: Any, share: Share, number: int) -> Iterator[tuple[str, list[str]]]:
    """Of the proc's own parts: each has a file where that is kept."""
    mine = share.runs if share.whole else (share.place(number),)
    for part, lines in said.items() if isinstance(said, dict) else ():
        if _is_of(part, mine) and isinstance(lines, list) and all(isinstance(line, str) for line in lines):
            yield part, [storable(line[:LONGEST]) for line in lines[:MOST_LINES]]


def _is_of(part: str, runs: Sequence[Run]) -> bool:
    if not _NUMBER.fullmatch(part):
        return any(part == part_name(run.step, run.first) for run in runs)
    return any(run.step == ANALYSIS and run.first <= int(part) < run.first + run.count for run in runs)
