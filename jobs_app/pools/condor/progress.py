"""How far an attempt has come towards its end: which of its procs have ended, and how."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from ..base import Event, EventKind
from .plan import Run, Share


class Progress:
    def __init__(self, share: Share) -> None:
        self.share = share
        self.finished = False
        self._ended = bytearray(share.procs)
        self.left = share.procs
        self.failed = 0
        self.removed = 0

    def end(self, number: int, *, good: bool = False, removed: bool = False) -> bool:
        """Whether that was the last one. A proc that is said to end twice has ended once."""
        if self.finished or self._ended[number]:
            return False
        self._ended[number] = 1
        self.left -= 1
        self.removed += removed
        self.failed += not good and not removed
        return self.left == 0

    def end_all(self, at: float) -> Iterator[Event]:
        """What has not ended will not come any more."""
        for run in list(self._open()):
            self.removed += run.count
            reason = "Removed before it was started."
            yield Event(
                EventKind.REMOVED, self.share.attempt, at, run.step, run.first, run.count, reason=reason
            )

    def finish(self, at: float) -> Event:
        self.finish_silently()
        total, reason = self.share.procs, ""
        if self.failed:
            reason = f"{self.failed} of {total} slices failed."
        elif self.removed:
            reason = f"{self.removed} of {total} slices were removed."
        data = {"ok": not reason, "reason": reason, **({"whole": True} if self._is_told() else {})}
        return Event(EventKind.FINISHED, self.share.attempt, at, data=data)

    def _is_told(self) -> bool:
        """Whether the proc, which ran all of a script, can have said how it went."""
        return self.share.whole and not self.removed

    def finish_silently(self) -> None:
        self.finished = True
        self.left = 0
        self._ended = bytearray()

    def _open(self) -> Iterator[Run]:
        if self.share.whole:
            yield from self.share.runs if self.left else ()
            return
        begin = 0
        for run in self.share.runs:
            ended = self._ended[begin : begin + run.count]
            begin += run.count
            for is_ended, group in groupby(range(run.count), ended.__getitem__):
                if not is_ended:
                    places = list(group)
                    yield Run(run.step, run.first + places[0], len(places))
