"""What is known of each slice of an attempt: one fixed-size record a slice, in one file.

The record of slice i lies at a place that its number gives, so a page of a million slices is one read. The
process that ran the slice writes the record itself, in one write at that place, as its last act: the
record is the proof that the slice ended, whoever died meanwhile.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Optional

from .layout import ANALYSIS, PREPARE, RUN, SYNTHESIS

# version, state, try, exit code, signal, start, end (Unix seconds), CPU seconds, peak memory (bytes),
# bytes written to OUTPUT, host (index into hosts.json), flags; then a CRC-32 of all that.
_RECORD = struct.Struct("<BBHiiddfQIHH")
SIZE = 64
VERSION = 1
FINISHED_EARLY = 1

# Before the slices stand the two steps that have no slices.
_FIRST = {PREPARE: 0, SYNTHESIS: 1, ANALYSIS: 2, RUN: 2}


def place(step: str, sliceno: int) -> int:
    """Which record is the slice's."""
    return _FIRST[step] + sliceno


class Fact(NamedTuple):
    state: int
    tries: int = 1
    exit_code: int = 0
    signal: int = 0
    start: float = 0.0
    end: float = 0.0
    cpu_seconds: float = 0.0
    memory_bytes: int = 0
    output_bytes: int = 0
    host: int = 0
    flags: int = 0

    @property
    def seconds(self) -> float:
        return max(0.0, self.end - self.start)

    @property
    def finished_early(self) -> bool:
        return bool(self.flags & FINISHED_EARLY)


def write(path: Path, step: str, sliceno: int, fact: Fact) -> None:
    body = _RECORD.pack(VERSION, *fact)
    record = body.ljust(SIZE - 4, b"\0") + struct.pack("<I", zlib.crc32(body))
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    try:
        os.pwrite(handle, record, (_FIRST[step] + sliceno) * SIZE)
    finally:
        os.close(handle)


def write_raw(path: Path, step: str, sliceno: int, record: bytes) -> None:
    """A record that was written elsewhere; one that is damaged or missing is left out."""
    fact = _unpack(record)
    if fact is not None:
        write(path, step, sliceno, fact)


def erase(path: Path, step: str, sliceno: int) -> None:
    """As if the slice had never recorded anything."""
    blank(path, place(step, sliceno), SIZE)


def blank(path: Path, number: int, size: int) -> None:
    """Zeros in the place of a record, in a file of records of this size."""
    handle = os.open(path, os.O_WRONLY | os.O_NOFOLLOW)
    try:
        os.pwrite(handle, bytes(size), number * size)
    finally:
        os.close(handle)


def read(path: Path, step: str, sliceno: int = 0) -> Optional[Fact]:
    """None where nothing was recorded yet."""
    return next(read_range(path, step, sliceno, 1), None)


def read_range(path: Path, step: str, first: int, count: int) -> Iterator[Optional[Fact]]:
    """The facts of `count` slices from `first` on, in order; None for each that is not recorded."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        data = b""
    else:
        try:
            data = os.pread(handle, count * SIZE, (_FIRST[step] + first) * SIZE)
        finally:
            os.close(handle)
    for index in range(count):
        yield _unpack(data[index * SIZE : (index + 1) * SIZE])


def _unpack(record: bytes) -> Optional[Fact]:
    if len(record) < SIZE:
        return None
    body = record[: _RECORD.size]
    version, *values = _RECORD.unpack(body)
    if version != VERSION or struct.pack("<I", zlib.crc32(body)) != record[-4:]:
        return None
    return Fact(*values)
