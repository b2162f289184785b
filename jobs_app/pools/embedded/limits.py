"""Watches that running parts keep to their time and memory."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from . import live
from .places import Places
from .plan import Plan
from .work import Part, Run, Work

OUT_OF_MEMORY, OUT_OF_TIME = 34, 46  # HTCondor's codes
LOOK_SECONDS = 0.25
_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 2**20


class Limits:
    def __init__(self, places: Places, plan: Plan) -> None:
        self._places, self._plan = places, plan

    @property
    def any(self) -> bool:
        """Is there anything to watch?"""
        return any(
            run.resources.memory_mb or run.resources.wall_seconds for _, _, run in self._plan.running()
        )

    def check(self) -> None:
        usage: dict[int, float] | None = None
        for work, part, run in list(self._plan.running()):
            self._check_time(work, part, run)
            if run.resources.memory_mb:
                usage = memory_of_sessions() if usage is None else usage
                self._check_memory(work, part, run, usage)

    def _check_time(self, work: Work, part: Part, run: Run) -> None:
        allowed = run.resources.wall_seconds
        now = time.time()
        if allowed and not run.parked and now - run.since > allowed:
            reason = f"ran longer than the {allowed} s it may run"
            self._plan.hold_at_limit(work.token, part, OUT_OF_TIME, reason, now)

    def _check_memory(self, work: Work, part: Part, run: Run, usage: dict[int, float]) -> None:
        allowed = run.resources.memory_mb
        used = sum(
            usage.get(place.pid, 0.0)
            for place in live.held(self._places.crew(work.token)).values()
            if place.part == part
        )
        if used > allowed:
            reason = f"used {used:.0f} MB of the {allowed} MB it may use"
            self._plan.hold_at_limit(work.token, part, OUT_OF_MEMORY, reason, time.time())


def memory_of_sessions(read: Callable[[Path], str] = Path.read_text) -> dict[int, float]:
    """MB of all processes of each session; a part is a session of its own, with all that it has started."""
    usage: dict[int, float] = {}
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            session, used = _session_and_memory(path / "stat", read)
            usage[session] = usage.get(session, 0.0) + used
    return usage


def _session_and_memory(path: Path, read: Callable[[Path], str]) -> tuple[int, float]:
    try:
        fields = read(path).rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0, 0.0  # it has just ended
    return int(fields[3]), int(fields[21]) * _PAGE_MB
