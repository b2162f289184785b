"""Many small pieces, by number, in two files instead of a file each: what a job of a million slices printed,
and what its slices returned.

A piece is appended to `pack`; then its place is written to `index`, a fixed-size record at a place that the
number gives. So a piece is there whole or not at all, whoever is killed meanwhile. Pieces are replaced by new
ones; the old bytes stay, unseen.
"""

from __future__ import annotations

import fcntl
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Optional

from jobs_app.errors import Damaged

FROM_SLICES = 1001  # below that a file each is handier
LARGEST = 64 * 1024  # larger pieces keep a file of their own

_RECORD = struct.Struct("<QIII")  # offset, length, CRC-32 of the piece; CRC-32 of all that
_CHUNK = _RECORD.size * 50_000
_NOTHING = bytes(_RECORD.size)


class Place(NamedTuple):
    offset: int
    length: int
    crc: int


class Pack:
    def __init__(self, folder: Path) -> None:
        self.pack = folder / "pack"
        self.index = folder / "index"

    def add(self, number: int, piece: bytes) -> None:
        self.pack.parent.mkdir(parents=True, exist_ok=True)
        with open(self.pack, "ab", buffering=0) as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            offset = handle.seek(0, os.SEEK_END)
            _write_all(handle.fileno(), piece)
        body = struct.pack("<QII", offset, len(piece), zlib.crc32(piece))
        self._put(number, body + struct.pack("<I", zlib.crc32(body)))

    def remove(self, number: int) -> None:
        if self.place(number) is not None:
            self._put(number, _NOTHING)

    def _put(self, number: int, record: bytes) -> None:
        handle = os.open(self.index, os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            os.pwrite(handle, record, number * _RECORD.size)
        finally:
            os.close(handle)

    def get(self, number: int) -> Optional[bytes]:
        """None where there is none; Damaged if it is not as it was."""
        place = self.place(number)
        if place is None:
            return None
        piece = _read(self.pack, place.offset, place.length)
        if zlib.crc32(piece) != place.crc:
            raise Damaged(
                f"{self.pack} is damaged: piece {number} is not as it was written. Resubmit the job."
            )
        return piece

    def place(self, number: int) -> Optional[Place]:
        return _place(_read(self.index, number * _RECORD.size, _RECORD.size))

    def numbers(self) -> Iterator[int]:
        """Those that are there, ascending."""
        first = 0
        while True:
            records = _read(self.index, first * _RECORD.size, _CHUNK)
            for at in range(0, len(records), _RECORD.size):
                if _place(records[at : at + _RECORD.size]) is not None:
                    yield first + at // _RECORD.size
            if len(records) < _CHUNK:
                return
            first += _CHUNK // _RECORD.size


def _place(record: bytes) -> Optional[Place]:
    if len(record) < _RECORD.size or record == _NOTHING:
        return None
    *place, crc = _RECORD.unpack(record)
    return Place(*place) if zlib.crc32(record[:-4]) == crc else None


def _write_all(handle: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]


def _read(path: Path, offset: int, length: int) -> bytes:
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return b""
    try:
        return os.pread(handle, length, offset)
    finally:
        os.close(handle)
