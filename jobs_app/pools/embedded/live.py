"""Which processes work for an attempt now, so told that no crash and no reused process id can falsify it.

One small file an attempt: place 0 is the leader's, the others are for the parts that run at once. Who has a
place holds a lock on it, through a descriptor that the kernel closes when the last process that has it is
dead: the lock is the truth, and the record beside it says who it is.
"""

from __future__ import annotations

import fcntl
import os
import struct
from pathlib import Path
from typing import NamedTuple

from .work import NO_PART, Part

# Process id, its start (clock ticks since boot), slice, try, step's name.
_RECORD = struct.Struct("<IQIH14s")
_SIZE = _RECORD.size
LEADER = 0


class Place(NamedTuple):
    pid: int  # 0: forked a moment ago, and about to say its own
    born: int
    part: Part
    tries: int


def _lock(kind: int, place: int) -> bytes:
    # struct flock; length 1 at the place's number (a lock may lie where the file has no bytes).
    return struct.pack("hhqqi4x", kind, os.SEEK_SET, place, 1, 0)


def take(path: Path, place: int) -> int | None:
    """A descriptor that holds `place` as long as it, or a copy of it, is open. None: somebody has it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.fcntl(handle, fcntl.F_OFD_SETLK, _lock(fcntl.F_WRLCK, place))
    except OSError:
        os.close(handle)
        return None
    return handle


def take_any(path: Path) -> tuple[int, int]:
    """(place, descriptor) of a free place for a part."""
    place = LEADER + 1
    while (handle := take(path, place)) is None:
        place += 1
    return place, handle


def write(handle: int, place: int, pid: int, part: Part = NO_PART, tries: int = 0) -> None:
    born = birth(pid) or 0 if pid else 0
    record = _RECORD.pack(pid, born, part.slice, tries, part.step.encode())
    os.pwrite(handle, record, place * _SIZE)


def held(path: Path) -> dict[int, Place]:
    """The places that living processes hold."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return {}
    try:
        count = max(1, -(-os.fstat(handle).st_size // _SIZE))
        return {place: _read(handle, place) for place in range(count) if _is_held(handle, place)}
    finally:
        os.close(handle)


def _is_held(handle: int, place: int) -> bool:
    answer = fcntl.fcntl(handle, fcntl.F_OFD_GETLK, _lock(fcntl.F_WRLCK, place))
    return bool(struct.unpack("hhqqi4x", answer)[0] != fcntl.F_UNLCK)


def _read(handle: int, place: int) -> Place:
    data = os.pread(handle, _SIZE, place * _SIZE).ljust(_SIZE, b"\0")
    pid, born, sliceno, tries, step = _RECORD.unpack(data)
    return Place(pid, born, Part(step.rstrip(b"\0").decode(), sliceno), tries)


def birth(pid: int) -> int | None:
    """When the process was started (clock ticks since boot); None if there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[19])
    except (FileNotFoundError, ProcessLookupError):
        return None
