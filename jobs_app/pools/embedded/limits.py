"""Watches that running parts keep to their time and memory."""

from __future__ import annotations

import time

from . import live, sessions
from .places import Places
from .plan import Plan
from .work import Part, Run, Work

OUT_OF_MEMORY, OUT_OF_TIME = 34, 46  # HTCondor's codes
LOOK_SECONDS = 0.25


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
                usage = sessions.memory() if usage is None else usage
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
