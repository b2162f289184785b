"""Tells a scheduler's courier that there is something to do. A nudge may be lost: it also looks by itself.

Inside this process listeners are called; a courier in another process of this host waits on a socket.
"""

from __future__ import annotations

import hashlib
import os
import socket
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from django.db import transaction

from jobs_app import conf

_listeners: list[Callable[[int], None]] = []
_finishers: list[Callable[[int], None]] = []


def listen(listener: Callable[[int], None]) -> None:
    """Calls `listener(scheduler_id)` at each nudge given in this process."""
    if listener not in _listeners:
        _listeners.append(listener)


def nudge(scheduler_id: int) -> None:
    """Once what was written is there for others to read."""
    transaction.on_commit(partial(_tell, scheduler_id))


def _tell(scheduler_id: int) -> None:
    for listener in _listeners:
        listener(scheduler_id)
    ring(scheduler_id)


def ring(scheduler_id: int) -> None:
    """Wakes the courier, if it works on this host."""
    _send(address(scheduler_id))


def finish_with(finisher: Callable[[int], None]) -> None:
    """`finisher(attempt_id)` finishes attempts that have no pool."""
    _finishers[:] = [finisher]


def finish_here() -> None:
    """Nobody else does it any more."""
    _finishers.clear()


def hand_over(attempt_id: int) -> bool:
    """To whoever finishes attempts; False if there is nobody."""
    for finisher in _finishers:
        transaction.on_commit(partial(finisher, attempt_id))
    return bool(_finishers)


def _send(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        try:
            sender.sendto(b"!", str(path))
        except OSError:  # nobody waits there, or it has nudges enough
            return


def address(scheduler_id: int) -> Path:
    """Where the courier listens: below ROOST_HOME, or elsewhere if that name is too long for a socket."""
    folder = conf.home() / "couriers"
    if len(str(folder)) < 90:
        return folder / str(scheduler_id)
    digest = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"roost-{os.getuid()}-{digest}" / str(scheduler_id)


class Bell:
    """The receiving end: wakes its courier. Usable in one process, by the holder of the lease."""

    def __init__(self, scheduler_id: int) -> None:
        self.path = address(scheduler_id)
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))

    def wait(self, seconds: float) -> bool:
        """True if somebody rang."""
        self._socket.settimeout(max(seconds, 0.0001))
        try:
            self._socket.recv(1)
        except (TimeoutError, BlockingIOError):
            return False
        self._drain()
        return True

    def ring(self) -> None:
        _send(self.path)

    def _drain(self) -> None:
        self._socket.setblocking(False)
        try:
            while self._socket.recv(1):
                pass
        except BlockingIOError:
            return

    def close(self) -> None:
        self._socket.close()
        self.path.unlink(missing_ok=True)


SELDOM = 0.5  # seconds
_nudged: dict[int, float] = {}


def nudge_at_most(scheduler_id: int) -> None:
    """As nudge(), however often it is called: the courier also looks by itself once a second."""
    now = time.monotonic()
    if now - _nudged.get(scheduler_id, -SELDOM) >= SELDOM:
        _nudged[scheduler_id] = now
        nudge(scheduler_id)
