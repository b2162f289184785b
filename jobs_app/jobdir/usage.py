"""Where each slice of an attempt ran, and what it used of what it asked for, as its pool told.

One record of fixed size a slice, at a place that its number gives. One process writes: the courier.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, Optional

from .facts import blank, place

# version, host (line of the hosts' file, from 1), start, end (Unix seconds), cores used and asked for, memory
# (MB) likewise, disk (KB) likewise. The first number's lowest four bits are the version, the others say
# how the slice ended.
_RECORD = struct.Struct("<HHddffIIII")
SIZE = _RECORD.size
VERSION = 1
_VERSION_BITS = 4
_CODES = 256  # exit codes that there are
_LARGEST = 2**32 - 1
_DENSE = 8  # records that lie so near to each other are read and written at once


class Used(NamedTuple):
    """0 (or "") where nothing is known."""

    host: str = ""
    start: float = 0.0
    end: float = 0.0
    cpus_used: float = 0.0
    cpus: float = 0.0
    memory_used: int = 0  # MB
    memory: int = 0
    disk_used: int = 0  # KB
    disk: int = 0
    ended: int = 0  # see how_it_ended

    @property
    def exit_code(self) -> Optional[int]:
        return self.ended - 1 if 0 < self.ended <= _CODES else None

    @property
    def signal(self) -> Optional[int]:
        return self.ended - _CODES if self.ended > _CODES else None


def how_it_ended(exit_code: Optional[int], signal: Optional[int]) -> int:
    """As one number; 0: not known."""
    if signal:
        return _CODES + signal
    return 0 if exit_code is None else exit_code % _CODES + 1


Key = tuple[str, int]  # a step, and a slice's number


def update(path: Path, hosts: Path, changes: Mapping[Key, Mapping[str, object]]) -> None:
    """Writes what is given of each slice; the rest of its record stays."""
    names = _Hosts(hosts)
    places = {place(*key): key for key in changes}
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        for first, last in _spans(sorted(places)):
            data = bytearray(
                os.pread(handle, (last - first) * SIZE, first * SIZE).ljust((last - first) * SIZE, b"\0")
            )
            for number in (number for number in range(first, last) if number in places):
                at = (number - first) * SIZE
                known = _unpack(bytes(data[at : at + SIZE]), names.names) or Used()
                new = known._replace(**changes[places[number]])  # type: ignore[arg-type]
                data[at : at + SIZE] = _packed(new, names.number(new.host))
            names.save()
            os.pwrite(handle, data, first * SIZE)
    finally:
        os.close(handle)


def read_range(path: Path, hosts: Path, step: str, first: int, count: int) -> Iterator[Optional[Used]]:
    """Of `count` slices from `first` on; None for each of which nothing was told."""
    try:
        with path.open("rb") as file:
            file.seek(place(step, first) * SIZE)
            data = file.read(count * SIZE)
    except FileNotFoundError:
        data = b""
    names = _Hosts(hosts).names
    for index in range(count):
        yield _unpack(data[index * SIZE : (index + 1) * SIZE], names)


def read(path: Path, hosts: Path, step: str, sliceno: int = 0) -> Optional[Used]:
    return next(read_range(path, hosts, step, sliceno, 1))


def erase(path: Path, step: str, sliceno: int) -> None:
    """As if nothing had ever been told of the slice."""
    blank(path, place(step, sliceno), SIZE)


def _spans(places: list[int]) -> Iterator[tuple[int, int]]:
    first = last = -1
    for number in places:
        if first >= 0 and number - last > _DENSE:
            yield first, last
            first = -1
        first, last = (number if first < 0 else first), number + 1
    if first >= 0:
        yield first, last


def _packed(used: Used, host: int) -> bytes:
    _, start, end, cpus_used, cpus, *sizes, ended = used
    first = VERSION | ended << _VERSION_BITS
    return _RECORD.pack(first, host, start, end, cpus_used, cpus, *(min(size, _LARGEST) for size in sizes))


def _unpack(record: bytes, hosts: list[str]) -> Optional[Used]:
    if len(record) < SIZE:
        return None
    first, host, *values = _RECORD.unpack(record)
    if first % (1 << _VERSION_BITS) != VERSION:
        return None
    used = Used(hosts[host - 1] if 0 < host <= len(hosts) else "", *values)
    return used._replace(ended=first >> _VERSION_BITS)


class _Hosts:
    """Names of hosts, a line each; a record holds a line's number."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.names = path.read_text().splitlines() if path.exists() else []
        self._numbers = {name: number for number, name in enumerate(self.names, 1)}
        self._saved = len(self.names)

    def number(self, name: str) -> int:
        if not name or len(self.names) == 2**16 - 1:
            return self._numbers.get(name, 0)
        if name not in self._numbers:
            self.names.append(name)
            self._numbers[name] = len(self.names)
        return self._numbers[name]

    def save(self) -> None:
        new = self.names[self._saved :]
        if new:
            with self._path.open("a") as file:
                file.write("".join(f"{name}\n" for name in new))
            self._saved = len(self.names)
