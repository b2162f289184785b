"""A job's progress while somebody watches: a bar and what its slices say, or a line now and then."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from jobs_app import inspection
from jobs_app.lifecycle import live
from jobs_app.models import Job

from .describe import STYLES
from .output import Output

if TYPE_CHECKING:
    from rich.console import Group

LINE_EVERY = 5.0  # seconds, in a pipe
MOST_SAYING = 8
BAR = 40

Wait = Callable[[float], bool]  # waits up to so many seconds; True when it is over


class Progress:
    """Shows one job until it is over. In JSON nothing is shown."""

    def __init__(self, output: Output, job: Job) -> None:
        self.output = output
        self.job = job
        self.began = time.monotonic()
        self._last: tuple[Any, ...] = ()
        self._said = 0.0

    def watch(self, wait: Wait, timeout: float | None = None) -> bool:
        """False when `timeout` seconds passed before the end."""
        with self._display() as display:
            while not wait(self._pause(timeout)):
                live.look(self.job)
                self._show(display)
                if self._time_is_up(timeout):
                    return False
            self._show(display, at_the_end=True)
        return True

    def _pause(self, timeout: float | None) -> float:
        pause = 0.2 if self.output.fancy else 0.5
        if timeout is None:
            return pause
        return max(0.0, min(pause, self.began + timeout - time.monotonic()))

    def _time_is_up(self, timeout: float | None) -> bool:
        return timeout is not None and time.monotonic() - self.began >= timeout

    # --- in a terminal --------------------------------------------------------------------------------------

    def _display(self) -> AbstractContextManager[Any]:
        if not self.output.fancy:
            return nullcontext()
        from rich.live import Live

        return Live(console=self.output.console, auto_refresh=False, transient=False)

    def _show(self, display: Any, *, at_the_end: bool = False) -> None:
        if display is not None:
            display.update(self._picture(), refresh=True)
        elif not self.output.as_json:
            self._line(at_the_end)

    def _picture(self) -> Group:
        from rich.console import Group
        from rich.text import Text

        job = self.job
        head = Text.assemble(
            (job.cached_status.ljust(10), STYLES[job.state.code]),
            *_bar(job),
            f"  {job.slices_done}/{job.slices_total} slices",
            (f"  {job.slices_running} running" if job.slices_running else "", "blue"),
            (f"  {job.slices_failed} failed" if job.slices_failed else "", "bold red"),
            (f"  {job.slices_held} held" if job.slices_held else "", "yellow"),
            (f"  {self._elapsed()}", "dim"),
            no_wrap=True,
            overflow="ellipsis",
        )
        saying = inspection.saying(job, MOST_SAYING) if job.state.active else []
        lines = (f"{part:>10}  {text}" for part, text in saying)
        return Group(head, *(Text(line, "dim", no_wrap=True, overflow="ellipsis") for line in lines))

    def _elapsed(self) -> str:
        """Since somebody watches: it never goes back, as the job's own time does when it begins to run."""
        return inspection.duration(timedelta(seconds=time.monotonic() - self.began))

    # --- in a pipe ------------------------------------------------------------------------------------------

    def _line(self, at_the_end: bool) -> None:
        """When the state changes, at the end, and every few seconds while slices end."""
        job, now = self.job, time.monotonic()
        news = (job.cached_status, job.slices_done, job.slices_failed, job.slices_held)
        due = news[:1] != self._last[:1] or at_the_end or now - self._said >= LINE_EVERY
        if news == self._last or not due:
            return
        self._last, self._said = news, now
        counts = f"{job.slices_done}/{job.slices_total} slices done"
        wrong = f", {job.slices_failed} failed" if job.slices_failed else ""
        self.output.say(f"{self._elapsed():>8}  {job.cached_status}: {counts}{wrong}")


def _bar(job: Job) -> list[tuple[str, str]]:
    pieces = (
        (job.slices_done, "━", "green"),
        (job.slices_failed, "━", "red"),
        (job.slices_held, "━", "yellow"),
        (job.slices_running, "╍", "blue"),
        (job.slices_total, "─", "dim"),
    )
    drawn, left, passed, edge = [], BAR, 0, 0
    for number, letter, style in pieces:
        passed = min(job.slices_total, passed + number)
        end = round(BAR * passed / max(1, job.slices_total))
        width = min(left, end - edge)
        drawn.append((letter * width, style))
        left, edge = left - width, end
    return drawn
