"""What running procs print, as it comes: all of them on one channel (see live.sh), by `condor_tail`.

A proc that runs a script prints what its parts print in frames (see told.py and roost_node.py).
"""

from __future__ import annotations

import shlex
import threading
from collections.abc import Iterator

from ..base import Garbled
from ..shell.base import SECONDS, Running, script_text
from ..told import Begin, Data, End, News
from .names import checked
from .point import AccessPoint


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
        while (end := self._rest.find(b"\n")) >= 0:
            words = self._rest[:end].decode("ascii", "replace").split()
            if words[1:2] == ["data"]:
                size = int(words[2])
                if len(self._rest) < end + 1 + size:
                    return
                yield Data(int(words[0]), self._rest[end + 1 : end + 1 + size])
                self._rest = self._rest[end + 1 + size :]
                continue
            self._rest = self._rest[end + 1 :]
            yield _other(words)


def _other(words: list[str]) -> News:
    if words[1:2] == ["begin"] and len(words) == 4:
        return Begin(int(words[0]), words[2], int(words[3]))
    if words[1:2] == ["end"]:
        return End(int(words[0]))
    raise Garbled(f"The reader of running slices said {' '.join(words)!r}.")
