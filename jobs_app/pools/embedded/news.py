"""Tells those who follow a segment that it has grown.

What somebody may wait for (an end, a hold, a request) is told at once. So is the first of many small steps;
those that follow closely upon it are told together, or else reading them would cost more than running them.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ..base import Event, EventKind
from .connection import Connection
from .journal import Journal
from .loop import Loop
from .wire import Note

_URGENT = frozenset({EventKind.FINISHED, EventKind.HELD, EventKind.REMOVED, EventKind.REQUEST})
_SECONDS_BETWEEN = 0.025


def is_urgent(record: Event | Note) -> bool:
    return isinstance(record, Event) and record.kind in _URGENT


class News:
    def __init__(self, journal: Journal, loop: Loop) -> None:
        self._journal, self._loop = journal, loop
        self._readers: set[Connection] = set()
        self._urgent_to: dict[str, int] = {}  # up to where a segment holds what is urgent

    def watch(self, connection: Connection, message: Mapping[str, Any]) -> None:
        """To be told once, when the segment is longer than the offset."""
        connection.watches = (str(message["segment"]), int(message["offset"]))
        self._readers.add(connection)
        self._tell(connection)

    def hung_up(self, connection: Connection) -> None:
        self._readers.discard(connection)

    def grew(self, segment: str, *, urgent: bool) -> None:
        if urgent:
            self._urgent_to[segment] = self._journal.size(segment)
        for connection in list(self._readers):
            if connection.watches and connection.watches[0] == segment:
                self._tell(connection)

    def _tell(self, connection: Connection) -> None:
        if connection.watches is None:
            return
        segment, offset = connection.watches
        size = self._journal.size(segment)
        if size <= offset:
            return
        left = connection.told_at + _SECONDS_BETWEEN - time.monotonic()
        if left > 0 and offset >= self._urgent_to.get(segment, 0):
            self._tell_later(connection, left)
            return
        connection.watches, connection.told_at = None, time.monotonic()
        connection.send({"grown": segment, "size": size})

    def _tell_later(self, connection: Connection, seconds: float) -> None:
        if not connection.will_be_told:
            connection.will_be_told = True
            self._loop.later(seconds, lambda: self._tell_now(connection))

    def _tell_now(self, connection: Connection) -> None:
        connection.will_be_told = False
        self._tell(connection)
