"""What a courier knows of its own work, for `Scheduler.health`: written now and then, lost without harm."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from jobs_app.models import Scheduler
from jobs_app.pools.base import Event

WRITE_EVERY = 5.0  # seconds
KEPT = 500  # readings


class Vitals:
    def __init__(self) -> None:
        self._read = 0.0  # Unix seconds
        self._lags: deque[float] = deque(maxlen=KEPT)
        self._events = 0
        self._written = 0.0

    def read(self, at: float) -> None:
        """The pool was heard then, whether or not it had news."""
        self._read = max(self._read, at)

    def recorded(self, events: Sequence[Event]) -> None:
        """They are in the rows now. What lay there while nobody worked is as late as it is."""
        if events:
            self._events += len(events)
            self._lags.append(max(0.0, time.time() - max(event.at for event in events)))

    def write_now_and_then(self, scheduler: Scheduler, segments: int) -> None:
        if time.monotonic() - self._written > WRITE_EVERY:
            self.write(scheduler, segments)

    def write(self, scheduler: Scheduler, segments: int) -> None:
        self._written = time.monotonic()
        scheduler.health = {**scheduler.health, **self.as_json(segments)}
        if self._read:
            scheduler.last_contact = datetime.fromtimestamp(self._read, UTC)
        known = {"health": scheduler.health, "last_contact": scheduler.last_contact}
        Scheduler.objects.filter(pk=scheduler.pk).update(**known)

    def as_json(self, segments: int) -> dict[str, Any]:
        known: dict[str, Any] = {"at": _iso(time.time()), "segments": segments}
        if self._read:
            known["read"] = _iso(self._read)
        if self._lags:
            lags = sorted(self._lags)
            known["lag"] = {
                "last": round(self._lags[-1], 3),
                "p50": quantile(lags, 0.5),
                "p99": quantile(lags, 0.99),
                "readings": len(lags),
            }
        return known


def quantile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that at least this share does not exceed."""
    place = max(0, min(len(ordered) - 1, -int(-len(ordered) * share // 1) - 1))
    return round(ordered[place], 3)


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
