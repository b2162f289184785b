"""One end of the daemon's socket: a client, a leader or an asking part."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from typing import Any

from .loop import Loop
from .wire import Lines, encode


class Connection:
    def __init__(
        self,
        loop: Loop,
        end: socket.socket,
        hear: Callable[[Connection, bytes], None],
        gone: Callable[[Connection], None],
    ) -> None:
        end.setblocking(False)
        self._loop, self._end, self._hear, self._gone = loop, end, hear, gone
        self._lines = Lines()
        self._unsent = bytearray()
        self.open = True
        self.leads = ""  # the attempt whose leader this is
        self.watches: tuple[str, int] | None = None  # segment and size beyond which to tell of it
        self.told_at = 0.0
        self.will_be_told = False
        loop.watch(end.fileno(), self.read)

    def read(self) -> None:
        """All that has come, to the last byte."""
        while self.open:
            try:
                data = self._end.recv(1 << 18)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            for line in self._lines.feed(data):
                self._hear(self, line)
            if not data or self._lines.too_long:
                self.close()

    def send(self, message: Mapping[str, Any]) -> None:
        if self.open:
            self._unsent += encode(message)
            self._write()

    def _write(self) -> None:
        try:
            sent = self._end.send(self._unsent)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.close()
            return
        del self._unsent[:sent]
        self._loop.watch(self._end.fileno(), self.read, self._write if self._unsent else None)

    def close(self) -> None:
        if self.open:
            self.open = False
            self._loop.unwatch(self._end.fileno())
            self._end.close()
            self._gone(self)
