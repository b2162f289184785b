"""What is told of running procs' output, and the frames in which a script tells it of its parts.

Whatever is in a frame comes from a node, so nothing is believed that is not about the proc's own parts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jobs_app.jobdir.layout import ANALYSIS, part_name
from jobs_app.jobdir.text import storable
from jobs_app.states import SliceState

from .base import Event, EventKind, Step

PROGRESS = "-progress"  # a frame that tells how far the parts are, and what they say

_FRAME = re.compile(rb"\x1eroost ([A-Za-z0-9_-]{1,64}) (\d{1,15}) (\d{1,6})\n")
_LONGEST_HEAD = 128
_KINDS: Mapping[int, tuple[EventKind, int | None]] = {
    SliceState.RUNNING: (EventKind.STARTED, None),
    SliceState.DONE: (EventKind.ENDED, 0),
}
_MOST_LINES, _LONGEST = 20, 500
_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")


@dataclass(frozen=True)
class Begin:
    """The tail of `key` begins at `offset` of what the proc prints, which started at `starts`."""

    key: int
    starts: str
    offset: int


@dataclass(frozen=True)
class Data:
    key: int
    data: bytes


@dataclass(frozen=True)
class End:
    """The proc does not run (any more), or nothing can be had of it now."""

    key: int


News = Begin | Data | End


class Frames:
    """Takes apart what the parts of a script print; bytes that belong to no frame are left out."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[tuple[str, int, bytes]]:
        """(part, offset within what it prints, bytes)"""
        self._rest += data
        while (match := _FRAME.search(self._rest)) is not None:
            end = match.end() + int(match[3])
            if len(self._rest) < end:
                return
            yield match[1].decode(), int(match[2]), self._rest[match.end() : end]
            self._rest = self._rest[end:]
        self._rest = self._rest[-_LONGEST_HEAD:]  # where a head may have begun


@dataclass(frozen=True)
class Parts:
    """Those of an attempt that one proc stands for: all of a script's, or one."""

    attempt: str
    steps: tuple[Step, ...] = ()  # of all of a script
    one: tuple[str, int] = ("", 0)  # or its step and slice

    def has(self, part: str) -> bool:
        if not self.steps:
            return part == part_name(*self.one)
        if _NUMBER.fullmatch(part):
            return any(step.name == ANALYSIS and int(part) < step.slices for step in self.steps)
        return any(part == step.name != ANALYSIS for step in self.steps)

    def said(self, frame: bytes, at: float) -> Iterator[Event]:
        """What a frame of progress says."""
        try:
            said = json.loads(frame)
        except (ValueError, RecursionError):
            return
        if isinstance(said, dict):
            yield from self._runs(said.get("runs"), at)
            yield from self._lines(said.get("says"), at)

    def _runs(self, said: Any, at: float) -> Iterator[Event]:
        slices = {step.name: step.slices for step in self.steps}
        for each in said if isinstance(said, list) else ():
            match each:
                case [str(step), int(first), int(count), int(state)] if state in _KINDS:
                    if 0 <= first < first + count <= slices.get(step, 0):
                        kind, code = _KINDS[state]
                        yield Event(kind, self.attempt, at, step, first, count, exit_code=code)

    def _lines(self, said: Any, at: float) -> Iterator[Event]:
        for part, lines in said.items() if isinstance(said, dict) else ():
            if self.has(part) and isinstance(lines, list) and all(isinstance(line, str) for line in lines):
                kept = [storable(line[:_LONGEST]) for line in lines[:_MOST_LINES]]
                step = self.steps[0].name if self.steps else self.one[0]
                yield Event(EventKind.SAYING, self.attempt, at, step, data={"says": part, "lines": kept})
