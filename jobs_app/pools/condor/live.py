"""What running procs print, as it comes: all of them on one channel (see live.sh), by `condor_tail`.

A proc that runs a script prints what its parts print in frames (see told.py and roost_node.py).
"""

from __future__ import annotations

import re
import shlex
import threading
from collections.abc import Iterator

from ..base import Garbled
from ..shell.base import SECONDS, Running, script_text
from ..told import Begin, Data, End, News
from .names import checked
from .point import AccessPoint

LONGEST_LINE = 1 << 10
_SAID = re.compile(  # what live.sh says; its pieces have 65536 bytes at most
    rb"(?P<key>\d{1,6}) (?:data (?P<size>\d{1,5})|begin (?P<starts>[\w.-]{1,64}) (?P<offset>\d{1,15})|end)"
)


class LiveTails:
    def __init__(self, point: AccessPoint) -> None:
        root = f"{point.names.root}/incoming"
        self._running: Running = point.shell.start(
            ["sh", "-c", script_text(__package__, "live.sh"), "roost", root]
        )
        self._sending = threading.Lock()
        self._rest = b""

    def watch(self, key: int, attempt: str, sliceno: int, step: str, starts: str, offset: int) -> None:
        words = (checked(attempt, "attempt"), str(sliceno), checked(step, "step"), starts or "none")
        self._order("watch", str(key), *words, str(offset))

    def drop(self, key: int) -> None:
        self._order("drop", str(key))

    def _order(self, *words: str) -> None:
        with self._sending:
            self._running.send((" ".join(shlex.quote(word) for word in words) + "\n").encode(), SECONDS)

    def read(self, wait: float) -> list[News]:
        """What has come; waits up to `wait` seconds for the first of it."""
        piece = self._running.receive(wait)
        if piece == b"":
            said = self._running.errors().decode("utf-8", "replace")[-500:]
            raise Garbled(f"Nothing more can be read of running slices: {said or 'the reader has ended'}")
        self._rest += piece or b""
        return list(self._complete())

    def close(self) -> None:
        self._running.close()

    def _complete(self) -> Iterator[News]:
        while (end := self._rest.find(b"\n", 0, LONGEST_LINE)) >= 0:
            said = _SAID.fullmatch(self._rest, 0, end)
            if said is None:
                raise _no_word(self._rest[:end])
            if said["size"] and len(self._rest) < end + 1 + int(said["size"]):
                return
            self._rest = self._rest[end + 1 :]
            yield self._news(said)
        if len(self._rest) > LONGEST_LINE:
            raise _no_word(self._rest[:LONGEST_LINE])

    def _news(self, said: re.Match[bytes]) -> News:
        key = int(said["key"])
        if said["starts"]:
            return Begin(key, said["starts"].decode(), int(said["offset"]))
        if not said["size"]:
            return End(key)
        size = int(said["size"])
        data, self._rest = self._rest[:size], self._rest[size:]
        return Data(key, data)


def _no_word(said: bytes) -> Garbled:
    return Garbled(f"The reader of running slices said {said[:200]!r}.")
