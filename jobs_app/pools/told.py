"""What is told of running procs' output, and the frames in which a script tells it of its parts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_FRAME = re.compile(rb"\x1eroost ([A-Za-z0-9_-]{1,64}) (\d{1,15}) (\d{1,6})\n")
_LONGEST_HEAD = 128


@dataclass(frozen=True)
class Begin:
    """The tail of `key` begins at `offset` of what the proc prints, which started at `starts`."""

    key: int
    starts: str
    offset: int


@dataclass(frozen=True)
class Data:
    key: int
    data: bytes


@dataclass(frozen=True)
class End:
    """The proc does not run (any more), or nothing can be had of it now."""

    key: int


News = Begin | Data | End


class Frames:
    """Takes apart what the parts of a script print; bytes that belong to no frame are left out."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[tuple[str, int, bytes]]:
        """(part, offset within what it prints, bytes)"""
        self._rest += data
        while (match := _FRAME.search(self._rest)) is not None:
            end = match.end() + int(match[3])
            if len(self._rest) < end:
                return
            yield match[1].decode(), int(match[2]), self._rest[match.end() : end]
            self._rest = self._rest[end:]
        self._rest = self._rest[-_LONGEST_HEAD:]  # where a head may have begun
