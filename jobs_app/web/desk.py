"""Where callbacks are written down, by one thread a process, with a connection that stays.

All that come while one transaction is under way go into the next; each is answered when its own is committed.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence

from django.db import DatabaseError, close_old_connections, connection

from jobs_app.lifecycle.heard import Call, Heard, hear
from jobs_app.lifecycle.nudge import nudge_at_most

log = logging.getLogger(__name__)

AT_ONCE = 200
PATIENCE = 30.0

Work = Callable[[Sequence[Call], int], list[Heard]]


class Busy(Exception):
    """The database did not take it. Whoever called has to call again."""


class _Slip:
    def __init__(self, call: Call) -> None:
        self.call = call
        self.heard: Heard | None = None
        self._lock = threading.Lock()
        self._lock.acquire()

    def answer(self, heard: Heard | None) -> None:
        self.heard = heard
        self._lock.release()

    def wait(self) -> Heard:
        if not self._lock.acquire(timeout=PATIENCE) or self.heard is None:
            raise Busy
        return self.heard


class Desk:
    def __init__(self, work: Work = hear) -> None:
        self._work = work
        self._pid = 0
        self._begin()

    def _begin(self) -> None:
        self._slips: list[_Slip] = []
        self._bell = threading.Condition()
        self._thread: threading.Thread | None = None

    def hear(self, call: Call) -> Heard:
        if connection.in_atomic_block:  # it belongs to the caller's transaction
            return self._work([call], 0)[0]
        slip = _Slip(call)
        self._put(slip)
        return slip.wait()

    def _put(self, slip: _Slip) -> None:
        if self._pid != os.getpid():  # forked: threads and locks are the parent's
            self._begin()
            self._pid = os.getpid()
        with self._bell:
            self._slips.append(slip)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._serve, name="callbacks", daemon=True)
                self._thread.start()
            self._bell.notify()

    def _serve(self) -> None:
        while True:
            slips = self._next()
            try:
                heard: Sequence[Heard | None] = self._work([slip.call for slip in slips], self._pid)
            except DatabaseError:
                log.exception("%d callbacks could not be written down", len(slips))
                heard = [None] * len(slips)
                close_old_connections()
            except Exception:
                log.exception("%d callbacks could not be written down", len(slips))
                heard = [None] * len(slips)
            for slip, each in zip(slips, heard, strict=True):
                slip.answer(each)
            _tell({each.scheduler_id for each in heard if each is not None and each.scheduler_id})

    def _next(self) -> list[_Slip]:
        with self._bell:
            while not self._slips:
                self._bell.wait()
            taken, self._slips = self._slips[:AT_ONCE], self._slips[AT_ONCE:]
        return taken


def _tell(schedulers: set[int | None]) -> None:
    """A courier that is told often looks no more often: it is told now and then."""
    for scheduler_id in schedulers:
        if scheduler_id is not None:
            nudge_at_most(scheduler_id)


desk = Desk()
