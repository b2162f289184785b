"""Reading on in a file that grows, on one channel."""

from __future__ import annotations

import time
from contextlib import ExitStack

from ..base import Garbled, PoolUnreachable
from .base import SECONDS, Running, Shell, script_text

_SIZE_DIGITS = 20
_FOLLOW = script_text(__package__, "follow.sh")
_POLL = script_text(__package__, "poll.sh")

POLL_EVERY = 1.0
POLL_BYTES = 8 << 20
AT_ONCE = 4 << 20  # bytes of one reading, or a little more: a long file is not held in memory as a whole


class Tail:
    """Reads on by the best means that there is: a follower of its own while there is a place for one, else a
    command each time. Garbled, once the file is not the one that it was (removed, replaced, shortened)."""

    def __init__(self, shell: Shell, path: str, offset: int) -> None:
        self.path = path
        self.offset = offset
        self._shell = shell
        self._open = ExitStack()
        self._follower: Follower | None = None

    def read(self, wait: float) -> bytes:
        """What has been added; waits up to `wait` seconds for the first byte. b"" if nothing came."""
        if self._follower is None:
            self._follower = self._begin_to_follow()
        found = self._follower.read(wait) if self._follower else self._poll(wait)
        self.offset += len(found)
        return found

    def close(self) -> None:
        self._follower = None
        self._open.close()

    def _begin_to_follow(self) -> Follower | None:
        with ExitStack() as stack:
            if not stack.enter_context(self._shell.place_for_follower()):
                return None
            follower = Follower(self._shell, self.path, self.offset)
            stack.callback(follower.close)
            self._open = stack.pop_all()
        return follower

    def _poll(self, wait: float) -> bytes:
        done = self._shell.script(_POLL, self.path, str(self.offset), str(POLL_BYTES))
        if done.exit != 0:
            raise Garbled(f"{self.path} is not the file that it was: {done.complaint}")
        if not done.out and wait > 0:
            time.sleep(min(wait, POLL_EVERY))
        return done.out


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
        found = bytearray(self._rest)
        self._rest = b""
        deadline = time.monotonic() + wait
        while len(found) < AT_ONCE and (piece := self._piece(bool(found), deadline)):
            found += piece
            self.offset += len(piece)
        self._complain()
        return bytes(found)

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
