"""A tar stream, composed while it is sent: nothing is gathered in memory or on disk."""

from __future__ import annotations

import tarfile
import time
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from ..base import Refused

_CHUNK = 1 << 18


def folder(name: str) -> Iterator[bytes]:
    member = tarfile.TarInfo(name)
    member.type, member.mode = tarfile.DIRTYPE, 0o755
    yield _head(member)


def text(name: str, data: bytes, mode: int = 0o644) -> Iterator[bytes]:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(data), mode
    yield _head(member) + data + _padding(len(data))


def link(name: str, target: str) -> Iterator[bytes]:
    """Another name for a file that is in this stream already, or on the other side."""
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.LNKTYPE, target
    yield _head(member)


def file(name: str, path: Path, size: int, mode: int) -> Iterator[bytes]:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, mode
    yield _head(member)
    left = size
    with _opened(path) as handle:
        while left and (data := handle.read(min(_CHUNK, left))):
            left -= len(data)
            yield data
    if left:
        raise Refused(f"{path} became shorter while it was sent. Leave it alone until the job has it.")
    yield _padding(size)


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise Refused(f"{path} cannot be read any more: {error.strerror}.") from error


def end() -> Iterator[bytes]:
    yield b"\0" * 1024


def gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in fewer, larger pieces: each piece costs a packet."""
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= _CHUNK:
            yield b"".join(waiting)
            waiting, size = [], 0
    yield b"".join(waiting)


def zipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """By gzip. Folders and small files are mostly padding: a thousand jobs shrink to a twentieth."""
    packer = zlib.compressobj(1, wbits=31)
    for piece in gathered(pieces):
        yield packer.compress(piece)
    yield packer.flush()


def _head(member: tarfile.TarInfo) -> bytes:
    """As tarfile writes it; for short names ten times as fast, and a sending has thousands."""
    member.mtime = int(time.time())
    name, link = (text.encode("utf-8", "surrogateescape") for text in (member.name, member.linkname))
    if len(name) > _SHORT or len(link) > _SHORT or member.size > _SMALL:
        return member.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
    if member.type == tarfile.DIRTYPE:
        name += b"/"
    numbers = b"%07o\0%07o\0%07o\0%011o\0%011o\0" % (member.mode, 0, 0, member.size, member.mtime)
    before, after = name.ljust(100, b"\0") + numbers, member.type + link.ljust(100, b"\0") + b"ustar  \0"
    total = sum(before) + 8 * ord(" ") + sum(after)
    return (before + b"%06o\0 " % total + after).ljust(512, b"\0")


_SHORT = 98  # bytes of a name; tar has 100 with its end
_SMALL = 0o77777777777  # bytes of a file


def _padding(size: int) -> bytes:
    return b"\0" * (-size % 512)
