"""Reading on in a file that grows, on one channel."""

from __future__ import annotations

import time

from ..base import Garbled, PoolUnreachable
from .base import SECONDS, Running, Shell, script_text

_SIZE_DIGITS = 20
_FOLLOW = script_text(__package__, "follow.sh")


class Follower:
    """Garbled, once the file is not the one that it was (removed, replaced, shortened)."""

    def __init__(self, shell: Shell, path: str, offset: int) -> None:
        """A file that is not there is made if `offset` is 0."""
        self.path = path
        self.offset = offset
        self._rest = b""
        self._running: Running = shell.start(["sh", "-c", _FOLLOW, "roost", path, str(offset)])
        try:
            self._there = self._size()
        except BaseException:
            self.close()
            raise

    def read(self, wait: float) -> bytes:
        """What has been added; waits up to `wait` seconds for the first byte. b"" if nothing came."""
        found = [self._rest] if self._rest else []
        self._rest = b""
        deadline = time.monotonic() + wait
        while piece := self._piece(bool(found), deadline):
            found.append(piece)
            self.offset += len(piece)
        self._complain()
        return b"".join(found)

    def close(self) -> None:
        self._running.close()

    def _piece(self, found: bool, deadline: float) -> bytes | None:
        due = self.offset < self._there  # it is known to be there, and only has to come here
        seconds = 0.0 if found else max(0.0, deadline - time.monotonic())
        piece = self._running.receive(SECONDS if due else seconds)
        if piece == b"" or (piece is None and due):
            self._complain()
            raise PoolUnreachable(f"the follower of {self.path} has ended")
        return piece

    def _size(self) -> int:
        head = b""
        while len(head) < _SIZE_DIGITS:
            piece = self._running.receive(SECONDS)
            if not piece:
                self._complain()
                raise PoolUnreachable(f"{self.path} cannot be followed: no answer")
            head += piece
        self._rest = head[_SIZE_DIGITS:]
        self.offset += len(self._rest)
        return int(head[:_SIZE_DIGITS])

    def _complain(self) -> None:
        said = self._running.errors().decode("utf-8", "replace").strip()
        if said:
            raise Garbled(f"{self.path} is not the file that it was: {said[-500:]}")
