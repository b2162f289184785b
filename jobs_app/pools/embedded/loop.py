"""One thread, many descriptors: who can be read is called, and who wanted to be woken is woken."""

from __future__ import annotations

import heapq
import itertools
import selectors
import time
from collections.abc import Callable

Call = Callable[[], None]


class Loop:
    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._timers: list[tuple[float, int, Call]] = []
        self._numbers = itertools.count()

    def watch(self, fd: int, readable: Call, writable: Call | None = None) -> None:
        """Again for the same descriptor: in place of the former."""
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if writable else 0)
        if fd in self._selector.get_map():
            self._selector.modify(fd, events, (readable, writable))
        else:
            self._selector.register(fd, events, (readable, writable))

    def unwatch(self, fd: int) -> None:
        if fd in self._selector.get_map():
            self._selector.unregister(fd)

    def later(self, seconds: float, call: Call) -> None:
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._numbers), call))

    def turn(self) -> None:
        """Waits until something happens, and lets everybody know whom it concerns."""
        for key, events in self._selector.select(self._patience()):
            readable, writable = key.data
            if events & selectors.EVENT_WRITE and writable:
                writable()
            if events & selectors.EVENT_READ and self._still(key.fd, key.data):
                readable()
        self._ring()

    def _still(self, fd: int, data: object) -> bool:
        """Not closed, and perhaps opened anew, by somebody called before in this turn."""
        key = self._selector.get_map().get(fd)
        return key is not None and key.data[0] == data[0]  # type: ignore[index]

    def _patience(self) -> float | None:
        return max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else None

    def _ring(self) -> None:
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            heapq.heappop(self._timers)[2]()

    def close(self) -> None:
        self._selector.close()
