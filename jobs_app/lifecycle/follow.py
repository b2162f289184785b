"""Listens to segments in threads, so that one courier hears nudges and news at the same time."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence

from jobs_app.models import Segment
from jobs_app.pools.base import Event, EventKind, Events, Pool, PoolError, PoolUnreachable

log = logging.getLogger(__name__)

BLOCK = 1.0  # seconds that one call waits for news
MOMENT = 0.03  # seconds
AHEAD = 4  # readings that may wait to be recorded


def gather(pool: Pool, segment: str, offset: int, wait: float) -> Events:
    """As pool.follow(), and a moment more if nothing in it is urgent: much ends soon after it has begun."""
    found = pool.follow(segment, offset, wait)
    until = time.monotonic() + min(MOMENT, wait)
    while found.events and not _is_urgent(found.events) and (left := until - time.monotonic()) > 0:
        more = pool.follow(segment, found.offset, left)
        found = Events(found.events + more.events, more.offset)
    return found


def _is_urgent(events: Sequence[Event]) -> bool:
    """Somebody waits for what follows from the last of them."""
    return events[-1].kind in (EventKind.FINISHED, EventKind.REQUEST)


def answered(pool: Pool) -> float:
    """When it last said anything (Unix seconds). That nothing new came tells nothing of a pool elsewhere."""
    return float(getattr(pool, "answered", time.time()))


class Follower:
    """Reads one segment from an offset on, over a connection of its own, and rings when there is news."""

    def __init__(self, open_pool: Callable[[], Pool], segment: Segment, ring: Callable[[], None]) -> None:
        self.segment = segment
        self._open_pool = open_pool
        self._ring = ring
        self.heard = 0.0  # when the pool last answered (Unix seconds), with or without news
        self._found: queue.Queue[Events | PoolError] = queue.Queue(AHEAD)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"follow {segment.name}", daemon=True)
        self._thread.start()

    def take(self) -> Events | PoolError | None:
        try:
            return self._found.get_nowait()
        except queue.Empty:
            return None

    def stop(self) -> None:
        """Returns when it says nothing to the pool any more."""
        self._stop.set()
        self._thread.join(2 * BLOCK)

    def _run(self) -> None:
        offset = self.segment.offset
        try:
            pool = self._open_pool()
            try:
                self._follow(pool, offset)
            finally:
                pool.close()
        except PoolError as error:
            self._put(error)
        except Exception as error:  # a thread that is gone would be silence without end
            log.exception("Segment %s cannot be followed", self.segment)
            self._put(PoolUnreachable(f"{type(error).__name__}: {error}"))

    def _follow(self, pool: Pool, offset: int) -> None:
        while not self._stop.is_set():
            found = gather(pool, self.segment.name, offset, BLOCK)
            self.heard = answered(pool)
            if found.offset != offset:
                offset = found.offset
                self._put(found)

    def _put(self, found: Events | PoolError) -> None:
        while not self._stop.is_set():
            try:
                self._found.put(found, timeout=BLOCK)
            except queue.Full:
                continue
            self._ring()
            return
