"""The name of every file of the embedded pool, in one place.

<folder>/
    lock                 held by the one daemon
    idle                 there while the daemon ended by itself, with nothing to do
    log                  what the daemon says
    socket               where it listens
    batches/<token>.json what was sent, kept until all its attempts are forgotten
    events/<segment>     what happened: one JSON line an event, only ever appended to
    checkpoint           what the last daemon knew, so that the next one need not read all segments
    live/<attempt>       which processes work for an attempt now (see live.py)
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable
from pathlib import Path

from ..base import Refused

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")


class Places:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lock = folder / "lock"
        self.idle = folder / "idle"
        self.log = folder / "log"
        self.socket = folder / "socket"
        self.batches = folder / "batches"
        self.events = folder / "events"
        self.checkpoint = folder / "checkpoint"
        self.live = folder / "live"

    def make(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        for part in (self.batches, self.events, self.live):
            part.mkdir(exist_ok=True)

    def batch(self, token: str) -> Path:
        return self.batches / (checked(token, "batch") + ".json")

    def segment(self, name: str) -> Path:
        return self.events / checked(name, "segment")

    def crew(self, attempt: str) -> Path:
        return self.live / checked(attempt, "attempt")

    def connect(self) -> socket.socket:
        """A connection to the daemon; OSError when nobody listens."""
        return self._at_socket(socket.socket.connect)

    def listen(self) -> socket.socket:
        self.socket.unlink(missing_ok=True)
        listener = self._at_socket(socket.socket.bind)
        listener.listen(512)
        return listener

    def _at_socket(self, act: Callable[[socket.socket, str], None]) -> socket.socket:
        # A socket's path may have some hundred characters at most; through the folder's descriptor it
        # is short wherever the folder lies.
        handle = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            act(connection, f"/proc/self/fd/{handle}/{self.socket.name}")
        except BaseException:
            connection.close()
            raise
        finally:
            os.close(handle)
        return connection


def checked(name: str, what: str) -> str:
    """`name`, if it can be a file's name and nothing else."""
    if not _NAME.fullmatch(name):
        raise Refused(f"{name!r} cannot name a {what}. Use letters, digits, '-', '_' and '.'.")
    return name
