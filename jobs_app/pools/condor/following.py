"""Reads segments on, and remembers of each what has ended in it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from ..base import Event, Events, Garbled, PoolError
from ..shell import Tail
from . import eventlog
from .parts import with_parts
from .plans import Plans
from .point import AccessPoint
from .segment import Segment

# Who has not asked for so long does not follow that segment any more.
IDLE_SECONDS = 20.0


class Readers:
    def __init__(self, point: AccessPoint, plans: Plans) -> None:
        self._point = point
        self._plans = plans
        self._open: dict[str, _Reader] = {}

    def follow(self, name: str, offset: int, wait: float) -> Events:
        """A reader that stands elsewhere (the events that it gave were not recorded) is opened again."""
        self._drop_idle()
        reader = self._open.get(name)
        if reader is None or reader.offset != offset:
            self._drop(name)
            reader = self._open[name] = self._reader(name, offset)
        try:
            events = with_parts(reader.read(wait), self._point)
        except PoolError:
            self._drop(name)
            raise
        except Exception as error:  # nodes and others write there what they like
            self._drop(name)
            raise Garbled(f"Segment {name} cannot be read: {type(error).__name__}: {error}") from error
        return Events(tuple(events), reader.offset)

    def close(self) -> None:
        for name in list(self._open):
            self._drop(name)

    def _drop_idle(self) -> None:
        now = time.monotonic()
        for name, reader in list(self._open.items()):
            if now - reader.asked > IDLE_SECONDS:
                self._drop(name)

    def _drop(self, name: str) -> None:
        if reader := self._open.pop(name, None):
            reader.tail.close()

    def _reader(self, name: str, offset: int) -> _Reader:
        path = self._point.names.segment(name)
        segment = Segment(self._point.hello.zone, self._plans.find, self._point.ahead)
        if offset:
            self._learn(segment, self._point.ask("prefix.sh", path, str(offset)).text)
        return _Reader(Tail(self._point.shell, path, offset), segment, offset)

    def _learn(self, segment: Segment, prefix: str) -> None:
        """What stands in the segment before this reader begins; see prefix.sh for its form."""
        lines = [line.split(" ", 2) for line in prefix.splitlines()]
        ours = {int(words[1]): eventlog.identity(words[2].encode()) for words in lines if words[0] == "P"}
        self._plans.load(identity.plan for identity in ours.values() if identity)
        for kind, subject, *rest in lines:
            its_cluster, _, proc = subject.partition(".")
            cluster = int(its_cluster)
            if kind == "P" and (identity := ours[cluster]) is not None:
                segment.know(cluster, identity.plan, identity.group)
            elif kind == "E":
                segment.ended_before(cluster, int(proc), *rest)
            elif kind == "X":
                segment.finished_before(cluster)
            elif kind == "O":
                segment.said_before(cluster, *rest)


@dataclass
class _Reader:
    tail: Tail
    segment: Segment
    offset: int
    rest: bytes = b""
    asked: float = field(default_factory=time.monotonic)

    def read(self, wait: float) -> list[Event]:
        self.asked = time.monotonic() + wait
        self.rest += self.tail.read(wait)
        found, used = eventlog.scan(self.rest)
        events = [event for each in found for event in self.segment.translate(each)]
        self.rest = self.rest[used:]
        self.offset += used
        return events
